"""The models for parts of a region: terms of modes, options, and texts in two languages."""

import re
from enum import StrEnum
from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

from babel import Locale
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    model_validator,
)

from donate.money import MAX_AMOUNT_MINOR
from donate.regions.modes import MODES, Mode

# Two-letter codes in CLDR that are not countries (unions, "unknown" and test locales), and Sark
# (CQ), a part of Guernsey that has no name in French.
_NO_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "QO", "CQ", "XA", "XB", "ZZ"})


class Frequency(StrEnum):
    """How often a donor gives."""

    ONCE = "once"
    MONTHLY = "monthly"


@cache
def countries() -> frozenset[str]:
    """Return the ISO 3166 codes of all countries. Regions and donors may be in any country."""
    codes = (str(code) for code in Locale("en").territories)
    return frozenset(c for c in codes if re.fullmatch("[A-Z]{2}", c)) - _NO_COUNTRIES


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the IANA time zones that are installed on this machine."""
    return frozenset(available_timezones())


Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,15}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
FundKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
AmountMinor = Annotated[int, Field(strict=True, gt=0, le=MAX_AMOUNT_MINOR)]


class Strict(BaseModel):
    """Base class of models that refuse unknown keys and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Strict):
    """A text in each language that donors may read."""

    en: str
    fr: str

    def in_language(self, language: str) -> str:
        """Return the text in `language`; `fr-CA`, for example, gives the French text."""
        return self.fr if language.startswith("fr") else self.en


def _one_line(value: str) -> str:
    # E-mails carry these names in a header, where a line break would begin another header.
    if not value.isprintable():
        raise ValueError("must be one line of printable text")
    return value.strip()


NameText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]


class PublicName(Strict):
    """A name in each language. In the regions file, a single text is the name in both."""

    en: NameText = ""
    fr: NameText = ""

    @model_validator(mode="before")
    @classmethod
    def _one_for_both(cls, value: object) -> object:
        return {"en": value, "fr": value} if isinstance(value, str) else value


class Organisation(Strict):
    """The charity. Pages omit empty fields, and `donate doctor` reports them."""

    name: PublicName = PublicName()
    """The name that donors know, in each language."""
    purpose: Text | None = None
    """What gifts are for, in one sentence."""
    legal_name: NameText = ""
    registration_number: str = ""
    address: str = ""
    email: EmailStr | None = None

    def name_in(self, language: str) -> str:
        """Return the name on pages and e-mails; empty if neither name is set."""
        name = self.name.fr if language.startswith("fr") else self.name.en
        return name or self.legal_name

    def empty_fields(self) -> list[str]:
        """Return the names of the fields that are still empty."""
        empty = [name for name, value in self.model_dump().items() if not value]
        return empty if self.name.en and self.name.fr else ["name", *empty]


class Detail(Strict):
    """A value that a donor copies, such as a payee, a postal address or an account number."""

    name: Text
    value: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class Reminder(Strict):
    """When a donor who left the payment page gets the one reminder."""

    after_hours: Annotated[int, Field(strict=True, ge=1, le=336)]
    """Hours after the gift was opened. No reminder comes before Stripe's page has expired."""


class Way(Strict):
    """One way to pay with the giving code, such as by cheque, with its instructions."""

    name: Text
    instructions: Text
    details: Annotated[list[Detail], Field(max_length=8)] = []
    """The values that the donor copies: payee, postal address, bank details."""


class Fee(Strict):
    """Stripe's fee on each payment: hundredths of a percent, plus a fixed amount."""

    basis_points: Annotated[int, Field(strict=True, ge=0, le=2_000)]
    fixed_minor: Annotated[int, Field(strict=True, ge=0, le=10_000)]


class Options(Strict):
    """Which options a donor may add to a gift. Each is off by default."""

    anonymous: bool = False
    """Whether a donor may ask not to be named in public."""
    note: bool = False
    """Whether a donor may write a note to the charity."""
    tribute: bool = False
    """Whether a donor may give in honour or in memory of somebody."""


# These terms depend on Stripe: `fee` applies to every mode that goes through Stripe,
# `lapses_after_days` to every other mode.
_BY_KIND: Final = frozenset({"fee", "lapses_after_days"})


class ModeTerms(Strict):
    """The terms on which a region offers a mode. Amounts are in minor units of its currency."""

    min_minor: AmountMinor = 100
    max_minor: AmountMinor = 2_500_000
    countries: frozenset[Country] = frozenset()
    """The countries whose donors may use this mode; empty means all countries."""
    lapses_after_days: Annotated[int, Field(strict=True, ge=1, le=365)] = 30
    """Modes without Stripe: after how many days a gift lapses. Later money still counts."""
    send_to: EmailStr | None = None
    """Interac: the e-mail address to which donors send transfers."""
    recipient_name: NameText | None = None
    """Interac: the name that is registered with the address. Donors' banks may show it."""
    autodeposit: bool | None = None
    """Interac: whether transfers are deposited without a security question; None if unknown."""
    split_above_minor: AmountMinor | None = None
    """Interac: amounts above this should be split into several transfers."""
    fee: Fee | None = None
    """Modes through Stripe: the fee that donors may choose to cover; None if not offered."""
    wallets: bool = False
    """Card: whether Stripe's page offers Apple Pay and Google Pay."""
    instructions: Text | None = None
    ways: Annotated[list[Way], Field(max_length=6)] = []
    """Giving code: the ways to pay with it (cheque, bank transfer), each with instructions."""

    def help_for(self, mode: Mode) -> str:
        """Return the msgid of the text below the mode's name on the Give form."""
        return mode.facts.wallets_help if self.wallets else mode.facts.help

    def stray_keys(self, mode: Mode) -> list[str]:
        """Return the names of terms that are set although they do not apply to this mode."""
        own = mode.facts.terms | {"fee" if mode.through_stripe else "lapses_after_days"}
        every = frozenset.union(*(facts.terms for facts in MODES.values()), _BY_KIND)
        return sorted(self.model_fields_set & (every - own))

    def missing(self, mode: Mode) -> list[str]:
        """Return a sentence for each required term of this mode that is not set."""
        needed = mode.facts.required_terms.items()
        return [f"{key}: {what} is missing" for key, what in needed if getattr(self, key) is None]

    def empty_fields(self) -> list[str]:
        """Return the names of optional terms that are not set, although donors need them."""
        needed = ("recipient_name", "autodeposit") if self.send_to else ()
        return [name for name in needed if getattr(self, name) is None]
