"""Prepares the daily sheets for the page of the books. Pure functions."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from donate.books.recorded.sheets.day_sheets import RecordedSheet
from donate.books.sheet.differences import (
    Difference,
    DifferenceKind as Kind,
    LinkedAmount,
    LinkedThing,
)
from donate.books.sheet.items import PLACES, Stage
from donate.errors import N_
from donate.finance.books.queries import TransactionPlace
from donate.finance.books.words import ONLY_SUMS, SOURCES, STAGE_NAMES, place_of, stage_place
from donate.money import Money
from donate.stripe_gateway.dashboard import Dashboard
from donate.web.templating import Localizer

MOST_SHOWN: Final = 50
_ORDER: Final = list(Kind)
_UNTIL_CONFIRMED: Final = frozenset(_ORDER[: _ORDER.index(Kind.UNKNOWN_GIFT) + 1])
_NO_STRIPE: Final = N_(
    "Nothing of Stripe’s balance is known until this day, so these figures wait for it. If gifts "
    "came by card, run `donate catchup`."
)
_NO_PAYOUTS: Final = N_("No payout of Stripe is known yet.")
_UNREAD: Final = N_(
    "Of these payouts only a half is known, so they are not compared: %(payouts)s. If they stay "
    "here for a day, run `donate catchup --since` with a day before them."
)
_NO_STATEMENT: Final = N_(
    "No bank statement in %(currency)s was imported until this day, so nobody knows what is at the "
    "bank. Import one under “Bank”."
)
_KNOWN_UNTIL: Final = N_(
    "The statements of “%(name)s” end on %(day)s. Later lines are not known yet. Import the next "
    "one under “Bank”."
)
_NO_BALANCE: Final = N_(
    "The statements of “%(name)s” state no balance, so its lines are only added up."
)


@dataclass(frozen=True, slots=True)
class SheetLink:
    """A single amount in a row, such as that of a gift: its text, the URL of its page, its amount.

    `note` is a sentence about it, or empty.
    """

    text: str
    address: str
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of the daily sheet.

    `address` is the URL of a list with all single amounts that the row adds up. `links` shows the
    largest of them, and `more` is the number of the others.
    """

    text: str
    amount: Money
    address: str = ""
    links: Sequence[SheetLink] = ()
    more: int = 0
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class ComparedStage:
    """A column of the sheet: the stated total, the added-up total, and the unexplained rest."""

    name: str
    source: str
    address: str
    stated: Money
    added_up: Money
    unexplained: Money
    is_known: bool


@dataclass(frozen=True, slots=True)
class SheetSection:
    """The daily sheet for one currency, as texts and amounts for the page.

    `on_their_way` has the payouts that have not arrived at the bank yet. If there are many, it
    lacks the oldest; their count and total include all.
    """

    currency: str
    unexplained: Money
    notes: Sequence[str]
    stages: Sequence[ComparedStage]
    rows: Sequence[SheetRow]
    on_their_way: Sequence[SheetLink]
    on_their_way_count: int
    on_their_way_total: Money


@dataclass(frozen=True, slots=True)
class SheetPlaces:
    """What the sheet's links lead to: gifts by their reference, Stripe transactions by their id."""

    gifts: Mapping[str, uuid.UUID]
    transactions: Mapping[str, TransactionPlace]
    dashboard: Dashboard | None


def linked_ids(sheets: Sequence[RecordedSheet], thing: LinkedThing) -> set[str]:
    """Return the ids to which the page will link. `thing` says of what: gifts, for example."""
    return {
        part.id
        for one in sheets
        for difference in one.sheet.differences
        for part in shown_parts(difference)
        if part.thing is thing
    }


def shown_parts(difference: Difference) -> Sequence[LinkedAmount]:
    """Return the single amounts of a difference that the page shows, largest first."""
    if difference.kind in ONLY_SUMS:
        return ()
    ordered = sorted(difference.parts, key=lambda part: (-abs(part.amount_minor), part.id))
    return ordered[:MOST_SHOWN]


def sheet_section(found: RecordedSheet, places: SheetPlaces, language: str) -> SheetSection:
    """Return the daily sheet for one currency, as the page shows it."""
    _, sheet = Localizer(language), found.sheet
    money = Money(0, sheet.currency)
    known = {Stage.AT_STRIPE: found.has_stripe, Stage.AT_BANK: bool(found.banks)}
    stages = [
        ComparedStage(
            _(STAGE_NAMES[stage]),
            _(SOURCES[stage]),
            stage_place(stage, sheet.currency, sheet.day),
            money.part(sheet.stated.of(stage)),
            money.part(sheet.added_up.of(stage)),
            money.part(sheet.unexplained(stage)),
            known.get(stage, True),
        )
        for stage in Stage
    ]
    return SheetSection(
        currency=sheet.currency,
        unexplained=money.part(sheet.unexplained_minor),
        notes=list(_notes(found, _)),
        stages=stages,
        rows=list(_rows(found, places, _)),
        on_their_way=[
            SheetLink(
                one.stripe_id,
                "" if one.is_top_up else f"/finance/payouts/{one.stripe_id}",
                money.part(one.amount_minor),
            )
            for one in found.transit.on_their_way
        ],
        on_their_way_count=found.transit.on_their_way_count,
        on_their_way_total=money.part(found.transit.on_their_way_minor),
    )


def _notes(found: RecordedSheet, _: Localizer) -> Sequence[str]:
    day = found.sheet.day
    notes = []
    if not found.has_stripe:
        notes.append(_(_NO_STRIPE))
    elif not found.transit.has_payouts and not _is_all_converted(found):
        notes.append(_(_NO_PAYOUTS))
    if found.transit.unread:
        notes.append(_(_UNREAD, payouts=", ".join(found.transit.unread)))
    if not found.banks and not _is_all_converted(found):
        notes.append(_(_NO_STATEMENT, currency=found.sheet.currency))
    for bank in found.banks:
        if bank.known_until < day:
            notes.append(_(_KNOWN_UNTIL, name=bank.name, day=bank.known_until.isoformat()))
        if bank.stated_minor is None:
            notes.append(_(_NO_BALANCE, name=bank.name))
    return notes


def _is_all_converted(found: RecordedSheet) -> bool:
    """Return whether Stripe converts all money in this currency, so that none reaches the bank."""
    sheet = found.sheet
    has_some = any(one.kind is Kind.CONVERTED for one in sheet.differences)
    return has_some and not any(sheet.stated.of(place) for place in PLACES)


def _rows(found: RecordedSheet, places: SheetPlaces, _: Localizer) -> list[SheetRow]:
    """Return the rows that explain, step by step, what became of the chosen amount.

    The last row is the money at Stripe, on its way, and at the bank.
    """
    sheet = found.sheet
    money = Money(0, sheet.currency)

    def total(name: str, amount_minor: int) -> SheetRow:
        return SheetRow(_(name), money.part(amount_minor), is_total=True)

    before = [one for one in sheet.differences if one.kind in _UNTIL_CONFIRMED]
    after = [one for one in sheet.differences if one.kind not in _UNTIL_CONFIRMED]
    at_places = sum(sheet.added_up.of(place) for place in PLACES)
    return [
        total(STAGE_NAMES[Stage.CHOSEN], sheet.added_up.chosen),
        *(_row(one, sheet.day, money, places, _, sign=1) for one in before),
        total(STAGE_NAMES[Stage.CONFIRMED], sheet.added_up.confirmed),
        # These amounts were confirmed but are not at Stripe or the bank, so subtract them.
        *(_row(one, sheet.day, money, places, _, sign=-1) for one in after),
        total(N_("At Stripe, on its way, and at the bank"), at_places),
    ]


def _row(
    one: Difference, day: date, money: Money, places: SheetPlaces, _: Localizer, *, sign: int
) -> SheetRow:
    shown = shown_parts(one)
    hidden = 0 if one.kind in ONLY_SUMS else len(one.parts) - len(shown)
    return SheetRow(
        text=_(one.kind.sentence, name=one.name),
        amount=money.part(sign * one.amount_minor),
        address=place_of(one.kind, money.currency, day),
        links=[
            SheetLink(
                *_link(part, places, _),
                money.part(sign * part.amount_minor),
                _conversion_note(part, places, _) if one.kind is Kind.CONVERTED else "",
            )
            for part in shown
        ],
        more=hidden,
    )


def _link(part: LinkedAmount, places: SheetPlaces, _: Localizer) -> tuple[str, str]:
    """Return the text and the URL of a link. The URL is empty if there is no page."""
    if part.thing is LinkedThing.GIFT:
        gift_id = places.gifts.get(part.id)
        return part.id, f"/finance/gifts/{gift_id}" if gift_id else ""
    if part.thing is LinkedThing.BANK_LINE:
        text = _(N_("Bank line %(number)s"), number=part.id)
        return text, f"/finance/statements/lines/{part.id}"
    place = places.transactions.get(part.id)
    if place is None:
        return part.id, ""
    if place.payout_id:
        return part.id, f"/finance/payouts/{place.payout_id}"
    if place.gift_id:
        return part.id, f"/finance/gifts/{place.gift_id}"
    return part.id, places.dashboard.address_of(place.source_id) if places.dashboard else ""


def _conversion_note(part: LinkedAmount, places: SheetPlaces, _: Localizer) -> str:
    place = places.transactions.get(part.id)
    if place is None or place.conversion is None:
        return ""
    given, became, rate = place.conversion
    values = {"given": _.money(given), "became": _.money(became)}
    if not rate:
        return _(N_("%(given)s became %(became)s"), **values)
    return _(N_("%(given)s became %(became)s, at Stripe’s rate of %(rate)s"), **values, rate=rate)
