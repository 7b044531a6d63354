"""Reads what a donor typed into a form, and says which gift it asks for. Pure.

Nothing is guessed: a field that is missing, a file, or there twice with two values counts as
empty. A card number is never shown again to anyone.
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
"""The value of the radio button beside the free amount."""
_MAX_SHOWN: Final = MAX_NOTE
# A card number that begins within what is shown, however spaced, ends within so many more.
_MAX_BESIDE: Final = 100
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,40}")
_UNSHOWABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class GiveForm:
    """The fields of the form, exactly as they came."""

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
        """Whether something was added to the gift."""
        return self.wishes() != NOTHING_ADDED

    def wishes(self) -> Wishes:
        """Return what was added, as it was typed."""
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
        """Whether the form is one that we handed out, as far as its look tells."""
        return _NONCE.fullmatch(self.nonce) is not None

    def fresh(self) -> "GiveForm":
        """Return the same form under a new nonce."""
        return replace(self, nonce=new_nonce())

    def shown(self) -> "GiveForm":
        """Return the form as it can stand in a page again."""
        return GiveForm(**{name: showable(getattr(self, name)) for name in _FIELDS})


_FIELDS: Final = tuple(GiveForm.__dataclass_fields__)


def read_form(fields: Iterable[tuple[str, object]]) -> GiveForm:
    """Read the fields of a posted form; what is not plain text counts as empty."""
    values: dict[str, str] = {}
    for name, value in fields:
        if name in _FIELDS:
            text = value if isinstance(value, str) else ""
            values[name] = text if values.get(name, text) == text else ""
    return GiveForm(**values)


def blank_form(region: Region, filled_in: Mapping[str, str]) -> GiveForm:
    """Return the form that a donor sees first; a link may have filled in some of it."""
    mode, frequency = filled_in.get("mode", ""), filled_in.get("frequency", "")
    form = GiveForm(
        nonce=new_nonce(),
        mode=mode if mode in region.modes else next(iter(region.modes)),
        frequency=frequency if frequency in region.frequencies else region.frequencies[0],
        # Empty where the donor is known to live elsewhere, and has to say where.
        country="" if filled_in.get("country") == "" else region.country,
    )
    amount = filled_in.get("amount", "")[:32]
    if not amount:
        return form
    try:
        wanted = read_amount(amount, region.currency, "en")
    except BadInput:
        return form
    if wanted.amount_minor in region.presets_minor:
        return replace(form, preset=str(wanted.amount_minor))
    return replace(form, preset=OTHER, amount=amount)


def read_choice(form: GiveForm, region: Region, language: str) -> Choice:
    """Return what the donor chose. Raises BadInputs with a sentence for each wrong field."""
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
    """Name one form with one content: sent again it is the same gift, changed it is another."""
    chosen = [
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
    return "form:" + hashlib.sha256(json.dumps(chosen).encode()).hexdigest()


def new_nonce() -> str:
    """Return what tells one form from every other."""
    return secrets.token_urlsafe(16)


def _amount(form: GiveForm, region: Region, language: str) -> Money | BadInput:
    if form.preset in {str(preset) for preset in region.presets_minor}:
        return Money(int(form.preset), region.currency)
    try:
        return read_amount(form.amount, region.currency, language)
    except BadInput as problem:
        return problem


def showable(text: str) -> str:
    """Return what somebody typed so that it can stand in a page: short, and no card number."""
    text = text[: _MAX_SHOWN + _MAX_BESIDE]
    return "" if holds_card_number(text) else _UNSHOWABLE.sub("\ufffd", text)[:_MAX_SHOWN]
