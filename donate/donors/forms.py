"""Reads the donor's forms and turns them into a checked choice. Pure.

A field counts as empty if it is missing, a file, or sent twice with different values. Pages never
repeat a card number that a donor typed.
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
"""The value of the radio button for a free amount."""
_MAX_SHOWN: Final = MAX_NOTE
# Look this far beyond the shown text for the end of a card number that begins within it.
_MAX_BESIDE: Final = 100
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,40}")
_UNSHOWABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class GiveForm:
    """The fields of the Give form, exactly as sent."""

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
        """Whether the donor used any of the extra options."""
        return self.wishes() != NOTHING_ADDED

    def wishes(self) -> Wishes:
        """Return the extra options as typed."""
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
        """Whether the nonce has the format of one of ours."""
        return _NONCE.fullmatch(self.nonce) is not None

    def fresh(self) -> "GiveForm":
        """Return the same form with a new nonce."""
        return replace(self, nonce=new_nonce())

    def shown(self) -> "GiveForm":
        """Return the form with its text made safe to show in a page again."""
        return GiveForm(**{name: showable(getattr(self, name)) for name in _FIELDS})


_FIELDS: Final = tuple(GiveForm.__dataclass_fields__)


def read_form(fields: Iterable[tuple[str, object]]) -> GiveForm:
    """Read the fields of a posted form. A file counts as empty."""
    values: dict[str, str] = {}
    for name, value in fields:
        if name in _FIELDS:
            text = value if isinstance(value, str) else ""
            values[name] = text if values.get(name, text) == text else ""
    return GiveForm(**values)


def blank_form(region: Region, query: Mapping[str, str]) -> GiveForm:
    """Return the form that a donor sees first, with the values that a link fills in."""
    mode, frequency = query.get("mode", ""), query.get("frequency", "")
    form = GiveForm(
        nonce=new_nonce(),
        mode=mode if mode in region.modes else next(iter(region.modes)),
        frequency=frequency if frequency in region.frequencies else region.frequencies[0],
        # A link sets an empty country for a donor abroad, who then has to choose one.
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
    """Return the donor's choice. Raises BadInputs with a sentence for each wrong field."""
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
    """Return the form key of a form with this content.

    The same form sent twice has the same key and opens one gift; a changed form has another key.
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
    """Return a new random nonce."""
    return secrets.token_urlsafe(16)


def _amount(form: GiveForm, region: Region, language: str) -> Money | BadInput:
    if form.preset in {str(preset) for preset in region.presets_minor}:
        return Money(int(form.preset), region.currency)
    try:
        return read_amount(form.amount, region.currency, language)
    except BadInput as problem:
        return problem


def showable(text: str) -> str:
    """Return typed text made safe to show in a page: shortened, or empty for a card number."""
    text = text[: _MAX_SHOWN + _MAX_BESIDE]
    return "" if holds_card_number(text) else _UNSHOWABLE.sub("\ufffd", text)[:_MAX_SHOWN]
