"""What a donor may choose: the same rules for the page and for the JSON door."""

import re
import unicodedata
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

from donate.errors import N_, BadInput, BadInputs
from donate.gifts.choosing.card_numbers import holds_card_number
from donate.gifts.choosing.options import NOTHING_ADDED, Wishes, check_wishes, fee_cover
from donate.money import Money, format_money, minor_step
from donate.regions.modes import Mode
from donate.regions.regions import Frequency, Region, countries, offers

MAX_NAME: Final = 200
# Marks in the wrong order take Unicode the square of their number to put right: 60 kB, seconds.
_MAX_TYPED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What a donor chose, checked against what their region offers.

    `amount` is what is charged, with `fee_cover_minor` of it to cover the fee.
    """

    region: Region
    mode: Mode
    frequency: Frequency
    amount: Money
    country: str
    language: str
    name: str
    email: str
    wishes: Wishes = NOTHING_ADDED
    fee_cover_minor: int = 0

    def added(self) -> dict[str, Any]:
        """Return what was added to the gift as its row has it; nothing where nothing was."""
        if self.wishes == NOTHING_ADDED:
            return {}
        row = asdict(self.wishes) | {"fee_cover_minor": self.fee_cover_minor}
        return {name: value for name, value in row.items() if name != "covers_fee"}


def check_choice(  # noqa: PLR0913 -- each is a field of the form
    region: Region,
    *,
    mode: str,
    amount: Money | BadInput,
    frequency: str,
    country: str,
    language: str,
    name: str,
    email: str,
    wishes: Wishes = NOTHING_ADDED,
) -> Choice:
    """Check everything a donor chose against the region, whatever a page showed them.

    `amount` is what they want to give; what covers the fee comes on top where they wish it.

    Raises BadInputs with one sentence for each field that is wrong.
    """
    language = region.language(language)
    problems = check_wishes(region, mode, wishes)
    amount, cover = _with_cover(region, mode, amount, wishes)
    if isinstance(amount, BadInput):
        problems.append(amount)
    if country not in countries():
        problems.append(BadInput("country", N_("Please choose your country from the list.")))
    problems += check_mode(
        region,
        mode=mode,
        amount=amount,
        frequency=frequency,
        country=country,
        language=language,
    )
    name, email = tidy_name(name), email.strip()
    email = _address(email) or email
    for check, value in ((_about_the_name, name), (_about_the_email, email)):
        problem = check(value)
        if problem:
            problems.append(problem)
    if problems or isinstance(amount, BadInput):
        raise BadInputs(problems)
    return Choice(
        region=region,
        mode=Mode(mode),
        frequency=Frequency(frequency),
        amount=amount,
        country=country,
        language=language,
        name=name,
        email=email,
        wishes=wishes,
        fee_cover_minor=cover,
    )


def _with_cover(
    region: Region, mode: str, amount: Money | BadInput, wishes: Wishes
) -> tuple[Money | BadInput, int]:
    """Return what is charged, and how much of it covers the fee."""
    if isinstance(amount, Money) and wishes.covers_fee:
        cover = fee_cover(region, mode, amount)
        if cover is not None:
            return amount.part(amount.amount_minor + cover.amount_minor), cover.amount_minor
    return amount, 0


def check_mode(
    region: Region,
    *,
    mode: str,
    amount: Money | BadInput,
    frequency: str,
    country: str,
    language: str,
) -> list[BadInput]:
    """Say what of a mode, a frequency and an amount the region does not offer this donor."""
    currency = region.currency if isinstance(amount, BadInput) else amount.currency
    if currency != region.currency:
        message = N_("Gifts under %(code)s are made in %(currency)s.")
        return [BadInput("currency", message, {"code": region.code, "currency": region.currency})]
    if frequency not in region.frequencies:
        return [BadInput("frequency", N_("This way to give is not offered that often."))]
    offered = offers(region, country=country, currency=currency, frequency=frequency)
    offer = {str(known): offer for known, offer in offered.items()}.get(mode)
    if offer is None:
        return [BadInput("mode", N_("Please choose how you would like to give."))]
    if offer.why_not:
        return [BadInput("mode", offer.why_not)]
    if isinstance(amount, BadInput):
        return []
    if amount.amount_minor < offer.min_minor:
        least = format_money(Money(offer.min_minor, currency), language)
        return [
            BadInput("amount", N_("The smallest gift in this way is %(least)s."), {"least": least})
        ]
    if amount.amount_minor > offer.max_minor:
        most = format_money(Money(offer.max_minor, currency), language)
        return [BadInput("amount", N_("The largest gift in this way is %(most)s."), {"most": most})]
    if amount.amount_minor % minor_step(currency):
        return [BadInput("amount", N_("Please enter a whole amount in this currency."))]
    return []


def tidy_name(name: str) -> str:
    """Return a name on one line, without the spaces around it, in one Unicode form."""
    name = re.sub(r"\s+", " ", name).strip()
    # What is too long to be kept in any form is refused as it came.
    return name if len(name) > _MAX_TYPED else unicodedata.normalize("NFC", name)


def _address(typed: str) -> str | None:
    """Return an e-mail address in one form, or None for what is no address."""
    if len(typed) <= _MAX_TYPED:
        with suppress(EmailNotValidError):
            # One domain has many spellings: BÜCHER.example, bücher.example, xn--bcher-kva.example.
            # An accent before the @ is a letter that most mail servers will not take.
            return validate_email(
                typed, check_deliverability=False, allow_smtputf8=False
            ).normalized
    return None


def _about_the_name(name: str) -> BadInput | None:
    if not any(map(str.isprintable, name)):
        return BadInput("name", N_("Please enter your name."))
    if len(name) > MAX_NAME:
        return BadInput("name", N_("Please shorten your name to 200 characters."))
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in name):
        return BadInput("name", N_("Your name has a character that we cannot store."))
    if holds_card_number(name):
        return BadInput("name", N_("That looks like a card number. Please never write one here."))
    return None


def _about_the_email(email: str) -> BadInput | None:
    if not email:
        return BadInput("email", N_("Please enter your e-mail address."))
    if _address(email) is None:
        message = N_("Please check your e-mail address, such as name@example.com.")
        return BadInput("email", message)
    return None
