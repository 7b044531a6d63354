"""Reads the forms of donors, and turns them into checked choices. Pure functions.

A field counts as empty if it is missing, is a file, or was sent twice with different values. A card
number that a donor typed into another field is never shown again.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import Final

from donate.breaker.providers import ANSWER_FIELDS
from donate.errors import BadInput
from donate.gifts.choosing.card_numbers import holds_card_number
from donate.gifts.choosing.choice import Choice, check_choice
from donate.gifts.choosing.email_typos import likely_address
from donate.gifts.choosing.options import MAX_NOTE, NOTHING_ADDED, Wishes, tidy_words
from donate.money import Money, read_amount
from donate.regions.regions import Frequency, Region

OTHER: Final = "other"
"""The value of the radio button for another amount, which the donor types."""
_MAX_SHOWN: Final = MAX_NOTE
# `showable` shortens a text. It searches this many characters after the cut for a card number too,
# because the number may begin before the cut.
_MAX_BESIDE: Final = 100
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,40}")
_UNSHOWABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, repr=False)
class GiveForm:
    """The fields of the Give form, as the browser sent them."""

    nonce: str = ""
    lang: str = ""
    language_switch: str = ""
    country_switch: str = ""
    preset: str = ""
    preset_monthly: str = ""
    amount: str = ""
    mode: str = ""
    frequency: str = ""
    country: str = ""
    name: str = ""
    email: str = ""
    email_as_typed: str = ""
    email_correction: str = ""
    cover_fee: str = ""
    fund: str = ""
    anonymous: str = ""
    note: str = ""
    tribute_kind: str = ""
    tribute_name: str = ""
    proof: str = ""
    answer: str = ""

    @property
    def has_extras(self) -> bool:
        """Whether the donor chose any of the options that are folded away at first."""
        return replace(self.wishes(), fund="", covers_fee=False) != NOTHING_ADDED

    def wishes(self) -> Wishes:
        """Return the options that the donor chose, unchecked."""
        return Wishes(
            fund=self.fund,
            is_anonymous=bool(self.anonymous),
            note=tidy_words(self.note),
            tribute_kind=self.tribute_kind,
            tribute_name=tidy_words(self.tribute_name),
            covers_fee=bool(self.cover_fee),
        )

    @property
    def chosen_preset(self) -> str:
        """The value of the chosen radio button among the amounts for this frequency."""
        return self.preset_monthly if self.frequency == Frequency.MONTHLY else self.preset

    @property
    def nonce_holds(self) -> bool:
        """Whether the nonce has the format of `new_nonce`."""
        return _NONCE.fullmatch(self.nonce) is not None

    def to_send_again(self) -> dict[str, str]:
        """Return the filled-in fields for sending the form again, without a challenge's proof."""
        filled = asdict(self.shown())
        return {n: text for n, text in filled.items() if text and n not in ("proof", "answer")}

    def fresh(self) -> "GiveForm":
        """Return a copy of the form with a new nonce."""
        return replace(self, nonce=new_nonce())

    def shown(self) -> "GiveForm":
        """Return a copy of the form whose texts are safe to show in a page."""
        return GiveForm(**{name: showable(getattr(self, name)) for name in _FIELDS})


_FIELDS: Final = tuple(GiveForm.__dataclass_fields__)


def read_form(fields: Iterable[tuple[str, object]]) -> GiveForm:
    """Return the form from the fields of a POST request. A file counts as an empty field.

    Each challenge provider has its own name for the answer's field. Here all are called `answer`.
    """
    values: dict[str, str] = {}
    for sent_name, value in fields:
        name = "answer" if sent_name in ANSWER_FIELDS else sent_name
        if name in _FIELDS:
            text = value if isinstance(value, str) else ""
            values[name] = text if values.get(name, text) == text else ""
    return GiveForm(**values)


def blank_form(region: Region, query: Mapping[str, str]) -> GiveForm:
    """Return the form that a donor sees first. A link's query can fill in some fields."""
    mode, frequency, fund = (query.get(name, "") for name in ("mode", "frequency", "fund"))
    form = GiveForm(
        nonce=new_nonce(),
        mode=mode if mode in region.modes else next(iter(region.modes)),
        frequency=frequency if frequency in region.frequencies else region.frequencies[0],
        # A link that contains an empty country is meant for donors abroad. They have to choose a
        # country.
        country="" if query.get("country") == "" else region.country,
        fund=fund if fund in region.funds else "",
    )
    amount = query.get("amount", "")[:32]
    if not amount:
        return form
    try:
        money = read_amount(amount, region.currency, "en")
    except BadInput:
        return form
    is_preset = money.amount_minor in region.presets_for(form.frequency)
    preset = str(money.amount_minor) if is_preset else OTHER
    key = "preset_monthly" if form.frequency == Frequency.MONTHLY else "preset"
    return replace(form, amount="" if is_preset else amount, **{key: preset})


def read_choice(form: GiveForm, region: Region, language: str) -> Choice:
    """Check the form and return the donor's choice. Raises BadInputs that list each wrong field."""
    return check_choice(
        region,
        mode=form.mode,
        amount=_amount(form, region, language),
        frequency=form.frequency,
        country=form.country,
        language=language,
        name=form.name,
        email=form.email,
        wishes=form.wishes(),
    )


def meant_email(form: GiveForm) -> str:
    """Return the e-mail address that the donor probably meant, if what they typed looks misspelled.

    The page then asks them. If they send the same address again, it is accepted: return "".
    """
    asked = form.email_as_typed == form.email
    return "" if asked else likely_address(form.email) or ""


def with_meant_email(form: GiveForm) -> GiveForm:
    """Return the form with the suggested e-mail address, if the donor accepted the suggestion."""
    meant = likely_address(form.email) if form.email_correction else None
    return replace(form, email=meant) if meant else form


def form_key(nonce: str, choice: Choice) -> str:
    """Return a form key that depends on the nonce and on everything the donor chose.

    A form that is sent twice gives the same key, so it opens one gift. A changed form gives another
    key.
    """
    parts = [
        nonce,
        choice.region.code,
        choice.mode,
        choice.frequency,
        choice.amount.amount_minor,
        choice.amount.currency,
        choice.country,
        choice.language,
        choice.name,
        choice.email,
        astuple(choice.wishes),
    ]
    return "form:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def new_nonce() -> str:
    """Return a new nonce, a random text that identifies one form."""
    return secrets.token_urlsafe(16)


def _amount(form: GiveForm, region: Region, language: str) -> Money | BadInput:
    preset = form.chosen_preset
    if preset in {str(amount) for amount in region.presets_for(form.frequency)}:
        return Money(int(preset), region.currency)
    try:
        return read_amount(form.amount, region.currency, language)
    except BadInput as problem:
        return problem


def showable(text: str) -> str:
    """Return text that is safe to show in a page: shortened, and empty if it has a card number."""
    text = text[: _MAX_SHOWN + _MAX_BESIDE]
    return "" if holds_card_number(text) else _UNSHOWABLE.sub("\ufffd", text)[:_MAX_SHOWN]
