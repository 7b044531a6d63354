"""Reads the forms of donors, and turns them into checked choices. Pure functions.

A field counts as empty if it is missing, is a file, or was sent twice with different values. A card
number that a donor typed into another field is never shown again.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Final

from donate.errors import BadInput
from donate.gifts.choosing.card_numbers import holds_card_number
from donate.gifts.choosing.choice import Choice, check_choice
from donate.gifts.choosing.options import MAX_NOTE, NOTHING_ADDED, Wishes, tidy_words
from donate.money import Money, read_amount
from donate.regions.regions import Region

OTHER: Final = "other"
"""The value of the radio button with which the donor types any other amount."""
_MAX_SHOWN: Final = MAX_NOTE
# Also search this many characters after the part of a text that is shown, because a card number may
# begin in that part and end after it.
_MAX_BESIDE: Final = 100
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,40}")
_UNSHOWABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class GiveForm:
    """The fields of the Give form, as the browser sent them."""

    nonce: str = ""
    lang: str = ""
    language_switch: str = ""
    preset: str = ""
    amount: str = ""
    mode: str = ""
    frequency: str = ""
    country: str = ""
    name: str = ""
    email: str = ""
    cover_fee: str = ""
    fund: str = ""
    anonymous: str = ""
    note: str = ""
    tribute_kind: str = ""
    tribute_name: str = ""

    @property
    def added(self) -> bool:
        """Whether the donor chose any option, such as a fund, a note or a tribute."""
        return self.wishes() != NOTHING_ADDED

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
    def nonce_holds(self) -> bool:
        """Whether the nonce has the format of `new_nonce`."""
        return _NONCE.fullmatch(self.nonce) is not None

    def fresh(self) -> "GiveForm":
        """Return a copy of the form with a new nonce."""
        return replace(self, nonce=new_nonce())

    def shown(self) -> "GiveForm":
        """Return a copy of the form whose texts are safe to show in a page."""
        return GiveForm(**{name: showable(getattr(self, name)) for name in _FIELDS})


_FIELDS: Final = tuple(GiveForm.__dataclass_fields__)


def read_form(fields: Iterable[tuple[str, object]]) -> GiveForm:
    """Return the form from the fields of a POST request. A file counts as an empty field."""
    values: dict[str, str] = {}
    for name, value in fields:
        if name in _FIELDS:
            text = value if isinstance(value, str) else ""
            values[name] = text if values.get(name, text) == text else ""
    return GiveForm(**values)


def blank_form(region: Region, query: Mapping[str, str]) -> GiveForm:
    """Return the form that a donor sees first. A link's query can fill in some fields."""
    mode, frequency = query.get("mode", ""), query.get("frequency", "")
    form = GiveForm(
        nonce=new_nonce(),
        mode=mode if mode in region.modes else next(iter(region.modes)),
        frequency=frequency if frequency in region.frequencies else region.frequencies[0],
        # A link that contains an empty country is meant for donors abroad. They have to choose a
        # country.
        country="" if query.get("country") == "" else region.country,
    )
    amount = query.get("amount", "")[:32]
    if not amount:
        return form
    try:
        money = read_amount(amount, region.currency, "en")
    except BadInput:
        return form
    if money.amount_minor in region.presets_minor:
        return replace(form, preset=str(money.amount_minor))
    return replace(form, preset=OTHER, amount=amount)


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
    if form.preset in {str(preset) for preset in region.presets_minor}:
        return Money(int(form.preset), region.currency)
    try:
        return read_amount(form.amount, region.currency, language)
    except BadInput as problem:
        return problem


def showable(text: str) -> str:
    """Return text that is safe to show in a page: shortened, and empty if it has a card number."""
    text = text[: _MAX_SHOWN + _MAX_BESIDE]
    return "" if holds_card_number(text) else _UNSHOWABLE.sub("\ufffd", text)[:_MAX_SHOWN]
