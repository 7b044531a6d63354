"""Gifts that Stripe converts balance in both currencies, and nothing of them stays open."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.books.recorded.books_audit import books_differences
from donate.books.recorded.reading import read_bookings
from donate.books.recorded.sheets.day_sheets import read_sheets
from donate.books.recorded.sheets.open_gifts import open_money
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.books.sheet.daily_sheet import DaySheet
from donate.books.sheet.differences import DifferenceKind as Kind
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.balance.parser import read_balance_transaction
from donate.stripe_gateway.balance.recorder import record_transactions
from tests.books.months.month_world import IN_MARCH, close, draft
from tests.finance.money_samples import MARCH, give, move, pay
from tests.stripe_gateway.balance.payouts import of_payout, payout, record, transaction

ZONE = "America/Toronto"
# At this time it is the same day in Toronto and in Tokyo, whose day a gift in yen has.
MORNING = MARCH - timedelta(hours=2)
DAY = date(2026, 3, 10)
LAST = date(2026, 3, 31)


def in_yen(
    gift: Gift, kind: str, settled: int, fee: int = 0, *, amount: int = 7_000, **more: Any
) -> dict[str, Any]:
    """Return a transaction in Canadian dollars about a gift in yen."""
    days = more.pop("days", 0)
    source = {
        "id": more.pop("source_id", f"ch_{gift.id}"),
        "object": more.pop("about", "charge"),
        "payment_intent": f"pi_{gift.id}",
        "amount": amount,
        "currency": "jpy",
    }
    created = int((MORNING + timedelta(days=days)).timestamp())
    return transaction(settled, fee, kind=kind, source=source, created=created, **more)


def store(database: Database, *rows: dict[str, Any]) -> None:
    with database.writing() as session:
        now = datetime.now(UTC)
        record_transactions(session, [read_balance_transaction(row, now) for row in rows])


def sheets(database: Database, day: date) -> dict[str, DaySheet]:
    with database.reading_snapshot() as session:
        return {one.sheet.currency: one.sheet for one in read_sheets(session, day, time_zone=ZONE)}


def journal(database: Database, day: date = LAST) -> list[JournalEntry]:
    with database.reading_snapshot() as session:
        return journal_of(read_bookings(session, time_zone=ZONE, last_day=day), last_day=day)


def named(sheet: DaySheet) -> dict[Kind, int]:
    assert sheet.unexplained_minor == 0
    return {one.kind: one.amount_minor for one in sheet.differences}


def open_kinds(database: Database) -> set[str]:
    return {item.kind.value for item in draft(database).items}


@pytest.fixture
def gift(database: Database) -> Gift:
    """Pay a gift of ¥7,000, which Stripe turns into 64.40 Canadian dollars."""
    yen = give(database, "yen", code="LWJPN", amount_minor=7_000, now=MORNING)
    pay(database, yen, MORNING)
    store(database, in_yen(yen, "charge", 6_440, 217, exchange_rate=0.92))
    return yen


@pytest.mark.usefixtures("gift")
def test_a_converted_gift_balances_in_both_currencies(database: Database) -> None:
    """Yen leave the gifts and dollars reach Stripe; the exchange account has both, none open."""
    entries = {entry.number: entry for entry in journal(database)}
    assert balances_of([entries["STR-2026-03-10-JPY"]]) == {
        AccountKey(Role.CURRENCY_EXCHANGE, "JPY"): 7_000,
        AccountKey(Role.STRIPE_RECEIVABLE, "JPY"): -7_000,
    }
    assert balances_of([entries["STR-2026-03-10-CAD"]]) == {
        AccountKey(Role.STRIPE_CLEARING, "CAD"): 6_440 - 217,
        AccountKey(Role.CURRENCY_EXCHANGE, "CAD"): -6_440,
        AccountKey(Role.STRIPE_FEES, "CAD"): 217,
    }
    found = sheets(database, DAY)
    assert named(found["JPY"]) == {Kind.CONVERTED: 7_000}
    assert named(found["CAD"]) == {Kind.CONVERTED: -6_440, Kind.STRIPE_FEE: 217}
    (converted,) = found["JPY"].differences
    assert [part.amount_minor for part in converted.parts] == [7_000]
    assert open_kinds(database) == set()
    with database.reading_snapshot() as session:
        opened = open_money(session, SheetScope("JPY", DAY, ZONE), most=9)
        assert (opened.gifts, opened.transactions) == (frozenset(), frozenset())
        assert list(books_differences(session, LAST, time_zone=ZONE)) == []


def test_money_that_goes_back_is_converted_at_its_own_rate(database: Database, gift: Gift) -> None:
    """A refund and a dispute close in yen to the cent, though they cost other sums in dollars."""
    other = give(database, "other", code="LWJPN", amount_minor=7_000, now=MORNING)
    pay(database, other, MORNING)
    store(database, in_yen(other, "charge", 6_440, 217, exchange_rate=0.92))
    later = MORNING + timedelta(days=1)
    move(database, gift, FactKind.REFUND_SUCCEEDED, "re_1", 7_000, later)
    move(database, other, FactKind.DISPUTE_OPENED, "dp_1", 7_000, later)
    refund: dict[str, Any] = {"source_id": "re_1", "about": "refund", "days": 1}
    dispute: dict[str, Any] = {"source_id": "dp_1", "about": "dispute", "days": 1}
    taken = dispute | {"category": "dispute"}
    store(
        database,
        in_yen(gift, "refund", -6_510, exchange_rate=0.93, **refund),
        in_yen(other, "adjustment", -6_370, 1_500, exchange_rate=0.91, **taken),
    )
    on_the_day = sheets(database, DAY + timedelta(1))
    back = {Kind.REFUNDED: -7_000, Kind.HELD_IN_DISPUTE: -7_000}
    assert named(on_the_day["JPY"]) == back | {Kind.CONVERTED: 0}
    assert named(on_the_day["CAD"])[Kind.CONVERTED] == 6_510 + 6_370 - 2 * 6_440
    assert named(sheets(database, DAY)["JPY"]) == {Kind.CONVERTED: 14_000}
    assert open_kinds(database) == {"dispute"}
    won = dispute | {"category": "dispute_reversal", "days": 2}
    move(database, other, FactKind.DISPUTE_WON, "dp_1", 7_000, MORNING + timedelta(days=2))
    store(database, in_yen(other, "adjustment", 6_300, exchange_rate=0.9, **won))
    assert named(sheets(database, LAST)["JPY"])[Kind.CONVERTED] == 7_000
    assert open_kinds(database) == set()


@pytest.mark.usefixtures("gift")
def test_another_amount_at_stripe_stays_open(database: Database) -> None:
    """If Stripe charged other yen than the gift has, the conversion does not hide it."""
    other = give(database, "other", code="LWJPN", amount_minor=7_000, now=MORNING)
    pay(database, other, MORNING)
    store(database, in_yen(other, "charge", 5_520, amount=6_000, exchange_rate=0.92))
    assert named(sheets(database, DAY)["JPY"]) == {
        Kind.CONVERTED: 13_000,
        Kind.STRIPE_DIFFERS: 1_000,
    }
    assert open_kinds(database) == {"not_at_stripe"}


def test_only_one_side_of_a_conversion_waits_in_its_own_currency(database: Database) -> None:
    """A gift waits for Stripe in yen; money without a gift is missing a gift in yen."""
    yen = give(database, "yen", code="LWJPN", amount_minor=7_000, now=MORNING)
    pay(database, yen, MORNING)
    assert named(sheets(database, DAY)["JPY"]) == {Kind.WAITING_FOR_STRIPE: 7_000}
    row = in_yen(yen, "charge", 6_440, exchange_rate=0.92)
    row["source"] |= {"payment_intent": "pi_unknown"}
    store(database, row)
    found = sheets(database, DAY)
    assert named(found["JPY"]) == {
        Kind.WAITING_FOR_STRIPE: 7_000,
        Kind.STRIPE_WITHOUT_GIFT: -7_000,
        Kind.CONVERTED: 7_000,
    }
    assert named(found["CAD"]) == {Kind.CONVERTED: -6_440}


def test_a_month_with_conversions_closes(database: Database, gift: Gift) -> None:
    """Its payout in dollars adds up, its control totals agree, and it closes without a reason."""
    created = int(MORNING.timestamp())
    paid_out = payout(6_223, id="po_1", created=created, arrival_date=created + 40 * 86_400)
    own = of_payout(paid_out) | {"created": created}
    row = in_yen(gift, "charge", 6_440, 217, exchange_rate=0.92)
    record(database, paid_out | {"status": "in_transit"}, [own])
    assert not draft(database).control.failed
    assert close(database)
    assert row["net"] == 6_223
    entries = draft(database, IN_MARCH.next).records.before
    exchange = {
        key.currency: amount
        for key, amount in balances_of(entries).items()
        if key.role is Role.CURRENCY_EXCHANGE
    }
    assert exchange == {"JPY": 7_000, "CAD": -6_440}
