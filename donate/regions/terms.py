"""The models for parts of a region: terms of modes, options, and texts in two languages."""

import re
from enum import StrEnum
from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

from babel import Locale
from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints

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


class Organisation(Strict):
    """The charity. Pages omit empty fields, and `donate doctor` reports them."""

    legal_name: str = ""
    registration_number: str = ""
    address: str = ""
    email: EmailStr | None = None

    def unknown(self) -> list[str]:
        """Return the names of the fields that are still empty."""
        return [name for name, value in self.model_dump().items() if not value]


class Way(Strict):
    """One way to pay with the giving code, such as by cheque, with its instructions."""

    name: Text
    instructions: Text


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
    autodeposit: bool | None = None
    """Interac: whether transfers are deposited without a security question; None if unknown."""
    split_above_minor: AmountMinor | None = None
    """Interac: amounts above this should be split into several transfers."""
    fee: Fee | None = None
    """Modes through Stripe: the fee that donors may choose to cover; None if not offered."""
    instructions: Text | None = None
    ways: Annotated[list[Way], Field(max_length=6)] = []
    """Giving code: the ways to pay with it (cheque, bank transfer), each with instructions."""

    def stray_keys(self, mode: Mode) -> list[str]:
        """Return the names of terms that are set although they do not apply to this mode."""
        own = mode.facts.terms | {"fee" if mode.through_stripe else "lapses_after_days"}
        every = frozenset.union(*(facts.terms for facts in MODES.values()), _BY_KIND)
        return sorted(self.model_fields_set & (every - own))

    def missing(self, mode: Mode) -> list[str]:
        """Return a sentence for each required term of this mode that is not set."""
        needed = mode.facts.required_terms.items()
        return [f"{key}: {what} is missing" for key, what in needed if getattr(self, key) is None]

    def unknown(self) -> list[str]:
        """Return the names of optional terms that are not set, although donors need them."""
        return ["autodeposit"] if self.send_to and self.autodeposit is None else []
