"""Makes an e-mail of any kind, with a gift for which it is true."""

from typing import Any

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.opening import open_month
from donate.letters.context import LetterContext, load_context
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.money import Money
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.letters.facts import ask_for, tell, told_by_mistake
from tests.letters.mailer import SITE
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, give


def a_letter(
    database: Database, kind: LetterKind, language: str, mode: str = "interac"
) -> tuple[Letter, LetterContext]:
    """Return an e-mail of this kind that is true for its gift, and the context of the e-mail."""
    is_monthly = kind.startswith(("month", "pledge", "thank"))
    options: Any = {"frequency": "monthly"} if is_monthly else {"mode": mode}
    gift = give(database, language=language, **options)
    gift = later_month(database, gift) if kind is LetterKind.MONTH_FAILED else gift
    occasion = f"re_{gift.id}" if "refund" in kind else ""
    if kind is LetterKind.CORRECTION:
        occasion = told_by_mistake(database, gift)
    if kind in (LetterKind.REFUND, LetterKind.REFUND_FAILED, LetterKind.THANK_YOU):
        tell(database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{gift.id}")
    if kind is LetterKind.REFUND:
        tell(database, gift, FactKind.REFUND_SUCCEEDED, occasion, amount_minor=AMOUNT // 2)
    if kind is LetterKind.REFUND_FAILED:
        tell(database, gift, FactKind.REFUND_FAILED, occasion, amount_minor=AMOUNT // 2)
    if kind is LetterKind.PLEDGE_AMOUNT:
        occasion = f"{gift.id}:change:1"
        ask_for(database, gift, 2 * AMOUNT, occasion)
    if kind is LetterKind.CONFIRM_ACCOUNT:
        tell(database, gift, FactKind.ACCOUNT_TO_CONFIRM, f"cs_{gift.id}")
    letter = Letter(
        gift_id=gift.id,
        kind=kind,
        occasion=occasion,
        state=LetterState.WAITING,
        written_at=NOW,
        due_at=NOW,
    )
    with database.reading() as session:
        return letter, load_context(session, letter, load_regions(), SITE)


def later_month(database: Database, first: Gift) -> Gift:
    with database.writing() as session:
        return open_month(
            session, first.id, f"in_{first.id}", Money(AMOUNT, "CAD"), invoiced_at=NOW, now=NOW
        )
