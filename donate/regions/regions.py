"""The regions: country, currency, languages, modes and limits for each giving code.

They are read once, at start, from `regions.toml` or another file. If the file is wrong, the errors
name the keys. This module uses neither gifts nor the database.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from babel import Locale, UnknownLocaleError
from pydantic import Field, ValidationError, model_validator

from donate.errors import N_, Misconfigured, NotFound
from donate.money import is_currency, minor_step
from donate.regions.look import Look
from donate.regions.modes import Mode
from donate.regions.terms import (
    AmountMinor,
    Code,
    Country,
    Fee,
    Frequency,
    FundKey,
    ModeTerms,
    Options,
    Organisation,
    Reminder,
    Strict,
    Text,
    Way,
    countries,
    time_zones,
)

__all__ = [
    "SHIPPED",
    "Code",
    "Country",
    "Fee",
    "Frequency",
    "Mode",
    "ModeTerms",
    "Offer",
    "Region",
    "Regions",
    "Text",
    "UnknownCode",
    "Way",
    "countries",
    "load_regions",
    "offers",
]

SHIPPED: Final = Path(__file__).with_name("regions.toml")


class Region(Strict):
    """What one giving code stands for: country, currency, languages, modes and limits."""

    code: Code
    name: Text
    country: Country
    currency: str
    languages: Annotated[list[str], Field(min_length=1)]
    time_zone: str
    frequencies: Annotated[
        list[Frequency], Field(min_length=1, default_factory=lambda: [Frequency.ONCE])
    ]
    presets_minor: Annotated[list[AmountMinor], Field(max_length=6)]
    """The amounts that the form offers for one-time gifts."""
    presets_monthly_minor: Annotated[list[AmountMinor], Field(max_length=6, default_factory=list)]
    """The same for monthly gifts; if empty, `presets_minor`."""
    organisation: Organisation = Organisation()
    look: Look = Look()
    options: Options = Options()
    reminder: Reminder | None = None
    """The reminder about unfinished payments; None if the region sends none."""
    funds: Annotated[dict[FundKey, Text], Field(max_length=30, default_factory=dict)]
    """The purposes that a donor can choose; if empty, donors are not asked for one."""
    modes: Annotated[dict[Mode, ModeTerms], Field(min_length=1)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not is_currency(self.currency):
            raise ValueError(f"currency: {self.currency!r} is not an ISO 4217 code")
        if self.time_zone not in time_zones():
            raise ValueError(f"time_zone: {self.time_zone!r} is not an IANA time zone")
        for language in self.languages:
            try:
                Locale.parse(language, sep="-")
            except (ValueError, UnknownLocaleError) as error:
                raise ValueError(f"languages: {language!r} is not a language tag") from error
            if language.partition("-")[0] not in Text.model_fields:
                raise ValueError(f"languages: the pages do not speak {language!r}, only en and fr")
        for mode, terms in self.modes.items():
            if mode.facts.staff_only:
                raise ValueError(f"modes.{mode}: only staff record such gifts; no region offers it")
            if terms.min_minor > terms.max_minor:
                raise ValueError(f"modes.{mode}: min_minor is above max_minor")
            for key in terms.stray_keys(mode):
                raise ValueError(f"modes.{mode}.{key}: says nothing about this mode")
            for problem in terms.missing(mode):
                raise ValueError(f"modes.{mode}.{problem}")
        self._reminders_name_their_sender()
        self._countries_are_there()
        self._amounts_can_be_given()
        self._canadian_modes_are_for_canada_only()
        return self

    def _reminders_name_their_sender(self) -> None:
        # A reminder asks for money, so it has to say who asks, with an address (CASL, s. 6(2)).
        who = self.organisation
        if self.reminder and not (who.name_in(self.languages[0]) and who.address and who.email):
            raise ValueError("reminder: needs the organisation's name, address and email")

    def _countries_are_there(self) -> None:
        named = {"country": frozenset({self.country})}
        named |= {f"modes.{mode}.countries": terms.countries for mode, terms in self.modes.items()}
        for key, codes in named.items():
            for code in sorted(codes - countries()):
                raise ValueError(f"{key}: {code!r} is not a country of ISO 3166")

    def _amounts_can_be_given(self) -> None:
        presets = {
            "presets_minor": self.presets_minor,
            "presets_monthly_minor": self.presets_monthly_minor,
        }
        amounts = dict(presets)
        for mode, terms in self.modes.items():
            amounts[f"modes.{mode}"] = [terms.min_minor, terms.max_minor]
        step = minor_step(self.currency)
        for key, values in amounts.items():
            for value in values:
                if value % step:
                    raise ValueError(f"{key}: {value} is not a multiple of {step}")
        for key, values in presets.items():
            for value in values:
                if not any(t.min_minor <= value <= t.max_minor for t in self.modes.values()):
                    raise ValueError(f"{key}: {value} is within the limits of no mode")

    def _canadian_modes_are_for_canada_only(self) -> None:
        canadian = self.country == "CA" and self.currency == "CAD"
        for mode, terms in self.modes.items():
            if mode.facts.canada_only and not (canadian and terms.countries == {"CA"}):
                raise ValueError(
                    f"modes.{mode}: needs country = 'CA', currency = 'CAD' and countries = ['CA']"
                )

    def presets_for(self, frequency: str) -> list[int]:
        """Return the amounts that the form offers for a frequency, in minor units."""
        is_monthly = frequency == Frequency.MONTHLY
        return (is_monthly and self.presets_monthly_minor) or self.presets_minor

    def language(self, wanted: str | None) -> str:
        """Return the region's language that matches `wanted`, otherwise its first language."""
        short = (wanted or "").lower().replace("_", "-").partition("-")[0]
        for language in self.languages:
            if short and language.lower().partition("-")[0] == short:
                return language
        return self.languages[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """Whether a donor may use a mode. If not, `why_not` is the reason, as a message id."""

    mode: Mode
    min_minor: int
    max_minor: int
    why_not: str | None = None

    @property
    def available(self) -> bool:
        """Whether the donor may use the mode."""
        return self.why_not is None


def offers(region: Region, *, country: str, currency: str, frequency: str) -> dict[Mode, Offer]:
    """Return an offer for each of the region's modes. No other code decides who may use a mode.

    If this donor may not use a mode, the offer for that mode says why.
    """
    answer = {}
    for mode, terms in region.modes.items():
        why_not = None
        if currency != region.currency:
            why_not = N_("We don’t accept this currency here.")
        elif frequency not in region.frequencies:
            why_not = N_("This frequency isn’t available here.")
        elif frequency != Frequency.ONCE and not mode.facts.monthly:
            why_not = N_("One-time gifts only.")
        elif terms.countries and country not in terms.countries:
            why_not = (
                N_("This payment method works only in Canada, with a Canadian bank account.")
                if mode.facts.canada_only
                else N_("This payment method isn’t available in your country.")
            )
        answer[mode] = Offer(
            mode=mode, min_minor=terms.min_minor, max_minor=terms.max_minor, why_not=why_not
        )
    return answer


class UnknownCode(NotFound):
    """No region has this giving code. `suggestion` is a similar code that exists, or None."""

    def __init__(self, typed: str, suggestion: str | None) -> None:
        self.typed = typed
        self.suggestion = suggestion
        super().__init__("unknown giving code")


class Regions(Mapping[str, Region]):
    """Maps each giving code to its region."""

    def __init__(self, regions: Mapping[str, Region], folder: Path = SHIPPED.parent) -> None:
        self.folder = folder
        """The folder of the regions file, which also has the logos and images."""
        self._regions = dict(regions)

    def __getitem__(self, code: str) -> Region:
        """Return the region with exactly this giving code."""
        return self._regions[code]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the giving codes."""
        return iter(self._regions)

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self._regions)

    def charity_of(self, code: str, language: str) -> str:
        """Return the organisation's name for a giving code; empty if either is unknown."""
        region = self._regions.get(code)
        return region.organisation.name_in(language) if region else ""

    def charity_names(self) -> tuple[str, ...]:
        """Return all names of the organisations of these regions."""
        each = [region.organisation for region in self._regions.values()]
        names = (name for one in each for name in (one.name.en, one.name.fr, one.legal_name))
        return tuple(sorted({name for name in names if name}))

    def find(self, typed: str) -> Region:
        """Return the region of a typed giving code, ignoring case, spaces and dashes.

        Raises UnknownCode, which has a similar code as suggestion if there is one.
        """
        code = re.sub(r"[\s\-‐-―_.]+", "", typed[:64]).upper()
        if code in self._regions:
            return self._regions[code]
        near = difflib.get_close_matches(code, self._regions, n=1, cutoff=0.6)
        raise UnknownCode(typed[:64], near[0] if near else None)


def load_regions(path: Path = SHIPPED) -> Regions:
    """Read and check a regions file. Raises Misconfigured with the file, giving code and key."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: not valid TOML: {error}") from error
    if not tables:
        raise Misconfigured(f"{path}: has no region; add a table such as [LWCAN]")
    regions: dict[str, Region] = {}
    problems: list[str] = []
    for code, table in tables.items():
        if not isinstance(table, dict):
            problems.append(f"{code}: must be a table, such as [{code.upper()}]")
            continue
        if "code" in table:
            problems.append(f"{code}.code: the table's name is the code; leave this key out")
            continue
        try:
            region = Region.model_validate({"code": code, **table})
            problems += [f"{code}.look.{what}" for what in region.look.problems(path.parent)]
            regions[code] = region
        except ValidationError as error:
            for problem in error.errors():
                place = ".".join([code, *map(str, problem["loc"])])
                problems.append(f"{place}: {problem['msg'].removeprefix('Value error, ')}")
    if problems:
        raise Misconfigured(f"{path}:\n  " + "\n  ".join(problems))
    for region in regions.values():
        region.look.load_mail_logo(path.parent)
    return Regions(regions, path.parent)
