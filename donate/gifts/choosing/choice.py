"""Checks a donor's choice against the region's rules, for the donor pages and for the API."""

import re
import unicodedata
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

from donate.errors import N_, BadInput, BadInputs
from donate.gifts.choosing.card_numbers import CARD_NUMBER_FOUND, holds_card_number
from donate.gifts.choosing.characters import holds_unusable
from donate.gifts.choosing.options import NOTHING_ADDED, Wishes, check_wishes, fee_cover
from donate.money import Money, format_money, minor_step
from donate.regions.modes import Mode
from donate.regions.regions import Frequency, Region, countries, offers

MAX_NAME: Final = 200
# Texts with more characters than this are not normalised: normalising 60 kB of combining marks
# would take seconds (quadratic time).
_MAX_TYPED: Final = 1_000


@dataclass(frozen=True, slots=True, repr=False)
class Choice:
    """A donor's choice that passed all checks.

    `amount` is what the donor pays; it includes `fee_cover_minor`, the part that covers the fee.
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

    def wish_row(self) -> dict[str, Any]:
        """Return the columns of the gift's GiftWish row; empty if the gift needs no such row."""
        if replace(self.wishes, fund="") == NOTHING_ADDED:
            return {}
        row = asdict(self.wishes) | {"fee_cover_minor": self.fee_cover_minor}
        return {name: value for name, value in row.items() if name not in ("fund", "covers_fee")}


def check_choice(  # noqa: PLR0913 -- one for each field of the form
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
    """Check a donor's choice against the region's rules, and return it.

    `amount` excludes the fee. The fee is added if `wishes` says that the donor covers it. Raises
    BadInputs with one sentence for each wrong field.
    """
    language = region.language(language)
    problems = check_wishes(region, mode, wishes)
    amount, cover_minor = _with_cover(region, mode, amount, wishes)
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
    email = normalized_email(email) or email
    for check, value in ((_check_name, name), (check_email, email)):
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
        fee_cover_minor=cover_minor,
    )


def _with_cover(
    region: Region, mode: str, amount: Money | BadInput, wishes: Wishes
) -> tuple[Money | BadInput, int]:
    """Return the amount to charge, and the part of it that covers the fee."""
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
    """Return a problem if this donor cannot give this amount in this mode at this frequency."""
    currency = region.currency if isinstance(amount, BadInput) else amount.currency
    if currency != region.currency:
        message = N_("Gifts with the giving code %(code)s are in %(currency)s.")
        return [BadInput("currency", message, {"code": region.code, "currency": region.currency})]
    if frequency not in region.frequencies:
        return [BadInput("frequency", N_("This frequency isn’t available here."))]
    all_offers = offers(region, country=country, currency=currency, frequency=frequency)
    offer = {str(each): offer for each, offer in all_offers.items()}.get(mode)
    if offer is None:
        return [BadInput("mode", N_("Please choose a payment method."))]
    if offer.why_not:
        return [BadInput("mode", offer.why_not)]
    if isinstance(amount, BadInput):
        return []
    if amount.amount_minor < offer.min_minor:
        least = format_money(Money(offer.min_minor, currency), language)
        return [
            BadInput(
                "amount", N_("The minimum for this payment method is %(least)s."), {"least": least}
            )
        ]
    if amount.amount_minor > offer.max_minor:
        most = format_money(Money(offer.max_minor, currency), language)
        return [
            BadInput(
                "amount", N_("The maximum for this payment method is %(most)s."), {"most": most}
            )
        ]
    if amount.amount_minor % minor_step(currency):
        return [
            BadInput(
                "amount", N_("We can’t accept this exact amount in this currency. Please round it.")
            )
        ]
    return []


def tidy_name(name: str) -> str:
    """Return a name in one line, without leading or trailing spaces, in Unicode form NFC."""
    name = re.sub(r"\s+", " ", name).strip()
    # Do not normalise a longer name: normalising is slow, and the name is refused anyway.
    return name if len(name) > _MAX_TYPED else unicodedata.normalize("NFC", name)


def normalized_email(typed: str) -> str | None:
    """Return a typed e-mail address in normalized form; None if it is invalid."""
    if len(typed) <= _MAX_TYPED:
        with suppress(EmailNotValidError):
            # BÜCHER.example, bücher.example and xn--bcher-kva.example are normalized to one
            # spelling. Accents before the @ are refused, because most mail servers refuse them.
            return validate_email(
                typed, check_deliverability=False, allow_smtputf8=False
            ).normalized
    return None


def _check_name(name: str) -> BadInput | None:
    if not any(map(str.isprintable, name)):
        return BadInput("name", N_("Please enter your name."))
    if len(name) > MAX_NAME:
        return BadInput("name", N_("Please shorten your name to 200 characters."))
    if holds_unusable(name):
        return BadInput("name", N_("Your name has a character we can’t use. Please remove it."))
    if holds_card_number(name):
        return BadInput("name", CARD_NUMBER_FOUND)
    return None


def check_email(email: str) -> BadInput | None:
    """Return what is wrong with an e-mail address, without spaces around it; None if it is valid.

    Nothing is sent to the address and its domain is not looked up.
    """
    if not email:
        return BadInput("email", N_("Please enter your e-mail address."))
    if normalized_email(email) is None:
        message = N_("Please enter an e-mail address such as name@example.com.")
        return BadInput("email", message)
    return None
