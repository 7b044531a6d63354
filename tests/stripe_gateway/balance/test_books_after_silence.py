"""After a month without webhooks, one catch-up brings the books of every day in order."""

from datetime import timedelta

from donate.books.recorded.books_audit import books_differences
from donate.books.recorded.sheets.day_sheets import read_sheets
from donate.books.sheet.daily_sheet import DaySheet
from donate.books.sheet.differences import DifferenceKind as Kind
from donate.books.sheet.items import PLACES
from donate.clock import local_date
from tests.stripe_gateway.balance.conftest import PayingOut

ZONE = "America/Toronto"


def test_an_account_in_one_currency_leaves_nothing_open(paying: PayingOut) -> None:
    """If Stripe converts US dollars, the books balance in both currencies on each day."""
    first_day = local_date(paying.away.clock.instant, ZONE)
    paying.away.sandbox.control("POST", "/_sandbox/account", settles_in="cad")
    _, refunded = paying.away.paid("USD", 7_000)
    _, disputed = paying.away.paid("USD", 9_000)
    paying.away.paid("CAD", 5_000)
    paying.wait(4)
    paying.away.refund(refunded)
    paying.away.dispute(disputed, "won")
    paying.wait(6)
    today = local_date(paying.away.clock.instant, ZONE)
    paying.away.catchup.run(since=paying.away.clock.instant - timedelta(days=40))
    reader = paying.reader()
    while reader.read_due():
        pass
    found: dict[str, DaySheet] = {}
    with paying.database.reading_snapshot() as session:
        assert list(books_differences(session, today, time_zone=ZONE)) == []
        for number in range((today - first_day).days + 1):
            day = first_day + timedelta(number)
            found = {
                one.sheet.currency: one.sheet for one in read_sheets(session, day, time_zone=ZONE)
            }
            assert [one.unexplained_minor for one in found.values()] == [0, 0]
    dollars = {one.kind: one.amount_minor for one in found["USD"].differences}
    assert dollars.pop(Kind.REFUNDED) < 0
    assert dollars == {Kind.CONVERTED: found["USD"].added_up.confirmed}
    assert [found["USD"].stated.of(place) for place in PLACES] == [0, 0, 0]
    kinds = {one.kind for one in found["CAD"].differences}
    assert kinds <= {Kind.CONVERTED, Kind.STRIPE_FEE, Kind.TAX_ON_FEE}


def test_silence_is_named_and_heals(paying: PayingOut) -> None:
    """While Stripe is silent the sheet says what it waits for; after catch-up each day adds up."""
    first_day = local_date(paying.away.clock.instant, ZONE)
    paying.give(4_000)
    _, intent = paying.away.paid("CAD", 5_000)
    paying.away.paid("USD", 7_000)
    paying.wait(4)
    paying.away.refund(intent)
    paying.wait(4)
    paying.away.dispute(paying.away.paid("CAD", 8_000)[1], "lost")
    paying.wait(4)
    control = paying.away.sandbox.control
    last = paying.payouts()[-1]
    control("POST", f"/_sandbox/payouts/{last['id']}/fail", code="no_account")
    paying.wait(6)
    today = local_date(paying.away.clock.instant, ZONE)
    with paying.database.reading_snapshot() as session:
        before = read_sheets(session, today, time_zone=ZONE)
    (cad,) = (one for one in before if one.sheet.currency == "CAD")
    waiting = {one.kind: one.amount_minor for one in cad.sheet.differences}
    assert (cad.has_stripe, waiting[Kind.WAITING_FOR_STRIPE]) == (False, 4_000)
    assert waiting[Kind.AWAITED] == -13_000

    paying.away.catchup.run(since=paying.away.clock.instant - timedelta(days=40))
    reader = paying.reader()
    while reader.read_due():
        pass
    with paying.database.reading_snapshot() as session:
        assert list(books_differences(session, today, time_zone=ZONE)) == []
        for number in range((today - first_day).days + 1):
            day = first_day + timedelta(number)
            for one in read_sheets(session, day, time_zone=ZONE):
                assert one.sheet.unexplained_minor == 0, (day, one.sheet)
                assert not one.transit.unread
        after = {one.sheet.currency: one for one in read_sheets(session, today, time_zone=ZONE)}
    for one in after.values():
        assert one.has_stripe
        kinds = {difference.kind for difference in one.sheet.differences}
        assert kinds <= {Kind.REFUNDED, Kind.LOST_IN_DISPUTE, Kind.STRIPE_FEE, Kind.TAX_ON_FEE}
