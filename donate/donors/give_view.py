"""Computes the content of the Give form: presets, modes, countries and problems. Pure functions."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import format_percent, get_currency_name

from donate.donors.forms import OTHER, GiveForm
from donate.errors import BadInput
from donate.money import Money, format_briefly, format_money
from donate.regions.modes import Mode
from donate.regions.regions import Fee, Frequency, Region, countries, offers


@dataclass(frozen=True, slots=True)
class ModeCard:
    """A mode as the Give form shows it. `why_not` is the reason if this donor cannot use it."""

    mode: Mode
    name: str
    help: str
    why_not: str | None
    countries: str
    elsewhere: str | None
    """The reason why donors outside of `countries` cannot use this mode."""
    min_minor: int
    max_minor: int
    fee: Fee | None
    not_monthly: str | None
    """Why gifts in this mode cannot be monthly, although other gifts in this region can be."""


@dataclass(frozen=True, slots=True)
class FormProblem:
    """A problem with the form, and the HTML id of the field that the donor has to correct."""

    bad: BadInput
    at: str


def mode_cards(region: Region, form: GiveForm) -> list[ModeCard]:
    """Return the region's modes for a donor who lives in the country that the form names."""
    country = form.country if form.country in countries() else region.country
    chosen = form.frequency if form.frequency in region.frequencies else region.frequencies[0]

    def why_not(mode: Mode, country: str, frequency: str) -> str | None:
        offered = offers(region, country=country, currency=region.currency, frequency=frequency)
        return offered[mode].why_not

    def not_monthly(mode: Mode) -> str | None:
        if Frequency.MONTHLY not in region.frequencies:
            return None
        return why_not(mode, region.country, Frequency.MONTHLY)

    return [
        ModeCard(
            mode=mode,
            name=mode.facts.name,
            help=terms.help_for(mode),
            why_not=why_not(mode, country, chosen),
            countries=" ".join(sorted(terms.countries)),
            elsewhere=why_not(mode, "", region.frequencies[0]),
            min_minor=terms.min_minor,
            max_minor=terms.max_minor,
            fee=terms.fee,
            not_monthly=not_monthly(mode),
        )
        for mode, terms in region.modes.items()
    ]


@dataclass(frozen=True, slots=True)
class FeeInWords:
    """The fee of a mode as it is shown to donors: `2.9%` and `$0.30`."""

    name: str
    share: str
    fixed: str


def fees(region: Region, language: str) -> list[FeeInWords]:
    """Return the fees that a donor can choose to cover."""
    return [
        FeeInWords(
            name=mode.facts.name,
            share=format_percent(
                Decimal(terms.fee.basis_points) / 10_000,
                format="#,##0.##\u00a0%" if language.startswith("fr") else "#,##0.##%",
                locale=Locale.parse(language, sep="-"),
            ),
            fixed=format_money(Money(terms.fee.fixed_minor, region.currency), language),
        )
        for mode, terms in region.modes.items()
        if terms.fee
    ]


@dataclass(frozen=True, slots=True)
class PresetAmounts:
    """The radio buttons with amounts for one frequency. `field` is their name in the form."""

    field: str
    frequency: Frequency
    amounts: list[tuple[str, str]]
    """The value and the label of each: `("2500", "$25")`."""
    chosen: str


def presets(region: Region, language: str, form: GiveForm) -> list[PresetAmounts]:
    """Return the amounts that the form offers for each frequency."""
    return [
        PresetAmounts(
            field="preset_monthly" if frequency == Frequency.MONTHLY else "preset",
            frequency=frequency,
            amounts=[
                (str(minor), format_briefly(Money(minor, region.currency), language))
                for minor in region.presets_for(frequency)
            ],
            chosen=form.preset_monthly if frequency == Frequency.MONTHLY else form.preset,
        )
        for frequency in region.frequencies
    ]


def currency_name(currency: str, language: str) -> str:
    """Return the plural name of a currency, and its code: `Canadian dollars (CAD)`."""
    name = get_currency_name(currency, count=100, locale=Locale.parse(language, sep="-"))
    return f"{name} ({currency})"


def countries_to_choose(
    region: Region, language: str, form: GiveForm, problems: Sequence[BadInput]
) -> list[tuple[str, str]]:
    """Return the countries that the form lists; none if the donor lives in the region's country.

    That country is assumed until the donor presses the button for another one. The list is a third
    of the page, and few donors need it.
    """
    is_wrong = any(problem.field == "country" for problem in problems)
    if form.country == region.country and not form.country_switch and not is_wrong:
        return []
    return country_names(region, language)


def country_names(region: Region, language: str) -> list[tuple[str, str]]:
    """Return the codes and names of all countries, sorted by name, the region's country first."""
    names = _sorted_names(language)
    own = [(code, name) for code, name in names if code == region.country]
    return own + [(code, name) for code, name in names if code != region.country]


@cache
def _sorted_names(language: str) -> list[tuple[str, str]]:
    territories = Locale.parse(language, sep="-").territories

    def sort_key(code: str) -> str:
        # Sort without accents, so that États-Unis is near Espagne and not after Zimbabwe.
        plain = unicodedata.normalize("NFD", territories.get(code, code))
        return "".join(c for c in plain if not unicodedata.combining(c)).casefold()

    return [(code, territories.get(code, code)) for code in sorted(countries(), key=sort_key)]


def problems_in(bad: Sequence[BadInput], region: Region, form: GiveForm) -> list[FormProblem]:
    """Return the problems in the order of the fields on the page."""
    order = (
        *("currency", "frequency", "amount", "mode", "name", "email", "country"),
        *("fund", "cover_fee", "anonymous", "tribute", "note"),
    )
    offered = region.presets_for(form.frequency)
    field = "preset_monthly" if form.frequency == Frequency.MONTHLY else "preset"
    first_preset = f"{field}-{offered[0]}" if offered else "amount"
    at = {
        "name": "name",
        "email": "email",
        "country": "country",
        **{name: name for name in ("fund", "cover_fee", "anonymous", "note")},
        "tribute": "tribute_name",
        "frequency": first_preset
        if len(region.frequencies) == 1
        else f"frequency-{region.frequencies[0]}",
        "amount": "amount" if form.chosen_preset == OTHER else first_preset,
        "mode": f"mode-{next(iter(region.modes))}",
    }
    ranked = sorted(bad, key=lambda b: order.index(b.field) if b.field in order else len(order))
    return [FormProblem(b, at.get(b.field, "give")) for b in ranked]
