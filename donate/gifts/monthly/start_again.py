"""The link with which a donor whose pledge has ended starts another one."""

from urllib.parse import urlencode

from donate.gifts.models import Gift
from donate.money import Money
from donate.regions.terms import Frequency


def start_again_path(gift: Gift, amount: Money, language: str) -> str:
    """Return the path of the Give form for a monthly gift of this amount, in the gift's mode."""
    fields = {"amount": f"{amount.decimal:f}", "frequency": Frequency.MONTHLY, "mode": gift.mode}
    return f"/give/{gift.code}?{urlencode({'lang': language} | fields)}"
