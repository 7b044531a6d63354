"""A month is closed once, in order, by enough people, and stays as it was."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlmodel import text

from donate.bank.reconciliation.deciding import GiftPart, NoGiftPart
from donate.bank.reconciliation.models import NoGiftReason
from donate.books.journal.entry import balances_of
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.books.months.book_month import month_of_day
from donate.books.months.closing import (
    ALREADY_CLOSED,
    BLOCKED,
    HAS_CHANGED,
    NO_REQUEST,
    NOT_NEXT,
    NOT_OVER,
    NOTHING_BOOKED,
    SAME_PERSON,
)
from donate.books.months.kept_entries import hash_of_entries, kept_entries
from donate.books.months.models import ClosedMonth
from donate.books.months.open_items import OpenKind
from donate.books.months.queries import closed_month, closed_months, pack_content
from donate.errors import BadInputs, Conflict
from donate.storage.database import Database
from tests.books.months.month_world import (
    ANN,
    APRIL_3,
    IN_APRIL,
    IN_MARCH,
    MAY_4,
    RULES,
    ZOE,
    close,
    confirm,
    draft,
    explain,
    record_lines,
    record_march,
)
from tests.finance.money_samples import MARCH, give, pay

NO_LINES = {
    "statement": "The bank shows no line in April",
    "not_at_stripe": "Stripe shows the late gift tomorrow",
}
TWO_PEOPLE = replace(RULES, second_person_above_minor=20_000)


def refusal(*args: object, **more: object) -> str:
    with pytest.raises(Conflict) as refused:
        close(*args, **more)  # type: ignore[arg-type]
    return refused.value.message


def test_a_month_without_bookings_is_not_closed(database: Database) -> None:
    """Before anything is booked, there is no month to close."""
    assert refusal(database) == NOTHING_BOOKED


def test_a_month_that_has_not_ended_is_not_closed(database: Database) -> None:
    """The month ends at midnight in the charity's time zone, not in UTC."""
    record_march(database)
    assert refusal(database, now=datetime(2026, 4, 1, 3, 59, tzinfo=UTC)) == NOT_OVER
    assert refusal(database, month_of_day(date(2030, 1, 1))) == NOT_OVER
    assert close(database, now=datetime(2026, 4, 1, 4, 0, tzinfo=UTC))


def test_months_are_closed_in_order(database: Database) -> None:
    """April waits for March; a month before the first booking is never closed."""
    record_march(database)
    assert refusal(database, IN_APRIL, now=MAY_4) == NOT_NEXT
    assert refusal(database, IN_MARCH.previous, now=MAY_4) == NOT_NEXT
    assert close(database, now=MAY_4)
    assert close(database, IN_APRIL, now=MAY_4, reasons=NO_LINES)


def test_a_closed_month_is_not_closed_again(database: Database) -> None:
    """The second attempt is refused with a sentence, and changes nothing."""
    record_march(database)
    close(database)
    assert refusal(database, by=ZOE) == ALREADY_CLOSED
    with database.reading() as session:
        (row,) = closed_months(session)
    assert (row.closed_by, row.confirmed_by, row.is_first) == ("staff:1", "", True)


def test_two_clerks_at_once_close_once(database: Database) -> None:
    """Of two clerks at the same moment, one closes the month and the other is told."""
    record_march(database)
    start, said = threading.Barrier(2), []

    def press() -> None:
        start.wait()
        try:
            said.append(str(close(database)))
        except Conflict as refused:
            said.append(refused.message)

    clerks = [threading.Thread(target=press) for _ in range(2)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert sorted(said) == sorted([ALREADY_CLOSED, "True"])
    with database.reading() as session:
        entries = list(kept_entries(session))
        assert len(entries) == len({entry.number for entry in entries}) == 9


def test_what_is_open_needs_a_reason(database: Database) -> None:
    """A bank line that nobody explained needs a reason, and the reason is kept."""
    record_march(database)
    record_lines(database, [(20, 900, "UNKNOWN", None)])
    with pytest.raises(BadInputs) as refused:
        close(database)
    assert [one.field for one in refused.value.problems] == ["reason_line_undecided"]
    for bad in ("  \n ", "x" * 501, "a\x00b", "4242 4242 4242 4242"):
        with pytest.raises(BadInputs):
            close(database, reasons={"line_undecided": bad})
    assert close(database, reasons={"line_undecided": " The bank  looks for it "})
    with database.reading() as session:
        row = closed_month(session, IN_MARCH)
    assert row is not None
    kept = {item["kind"]: item["reason"] for item in row.open_items}
    assert kept == {"line_undecided": "The bank looks for it", "unidentified": ""}


def test_no_reason_makes_contradictory_totals_right(database: Database) -> None:
    """If the totals of days lack a movement, the month is not closed, whatever staff write."""
    record_march(database)
    with database.writing() as session:
        session.execute(text("UPDATE day_total SET amount_minor = amount_minor + 1"))
    kinds = {item.kind for item in draft(database).items}
    assert OpenKind.CONTROL in kinds
    assert refusal(database, reasons={"control": "It will be fine"}) == BLOCKED


def test_transactions_of_a_balance_without_a_name_are_payments(database: Database) -> None:
    """Old versions of Stripe's API name no balance; such a transaction does not stop a month."""
    record_march(database)
    with database.writing() as session:
        nameless = "UPDATE balance_transaction SET balance_type = '' WHERE txn_id = 'txn_1'"
        session.execute(text(nameless))
    assert draft(database).control.failed == []
    assert close(database)


def test_above_the_limit_two_people_close(database: Database) -> None:
    """One person asks, the same person cannot confirm, and another one can."""
    record_march(database)
    with pytest.raises(Conflict) as nobody:
        confirm(database, rules=TWO_PEOPLE)
    assert nobody.value.message == NO_REQUEST
    assert not close(database, rules=TWO_PEOPLE)
    with database.reading() as session:
        assert closed_months(session) == []
    with pytest.raises(Conflict) as same:
        confirm(database, by=ANN, rules=TWO_PEOPLE)
    assert same.value.message == SAME_PERSON
    confirm(database, rules=TWO_PEOPLE)
    with database.reading() as session:
        row = closed_month(session, IN_MARCH)
    assert row is not None
    assert (row.closed_by, row.confirmed_by, row.needs_second) == ("staff:1", "staff:2", True)


def test_at_the_limit_one_person_is_enough(database: Database) -> None:
    """The limit is on what came in and went out together; at exactly that, one person closes."""
    record_march(database)
    moved = 5_000 + 12_345 + 7_000 + 2_000
    assert close(database, rules=replace(RULES, second_person_above_minor=moved))


def test_another_month_than_the_one_asked_for_is_not_confirmed(database: Database) -> None:
    """If anything changes after somebody asked, even if it is explained, they have to ask again."""
    record_march(database)
    close(database, rules=TWO_PEOPLE)
    record_lines(database, [(20, 900, "UNKNOWN", None)])
    with pytest.raises(Conflict) as changed:
        confirm(database, rules=TWO_PEOPLE)
    assert changed.value.message == HAS_CHANGED
    reasons = {"line_undecided": "The bank looks for it"}
    close(database, rules=TWO_PEOPLE, reasons=reasons)
    pay(database, give(database, "late"))
    with pytest.raises(Conflict) as again:
        confirm(database, rules=TWO_PEOPLE)
    assert again.value.message == HAS_CHANGED
    close(database, by=ZOE, rules=TWO_PEOPLE, reasons=reasons | NO_LINES)
    record_lines(database, [(21, 100, "INTEREST", NoGiftPart(NoGiftReason.INTEREST, 100))])
    with pytest.raises(Conflict) as explained:
        confirm(database, by=ANN, rules=TWO_PEOPLE)
    assert explained.value.message == HAS_CHANGED
    close(database, by=ZOE, rules=TWO_PEOPLE, reasons=reasons | NO_LINES)
    confirm(database, by=ANN, rules=TWO_PEOPLE)


def test_the_database_refuses_one_person_twice(database: Database) -> None:
    """Without our code, the database still wants two people above the limit, and the order."""
    record_march(database)
    close(database)
    with database.reading() as session:
        row = closed_month(session, IN_MARCH)
        assert row is not None
        values = row.model_dump()
    april = {"month": IN_APRIL.number, "previous": IN_MARCH.number, "is_first": False}
    for wrong in (
        april | {"needs_second": True},
        april | {"confirmed_by": "staff:1"},
        april | {"previous": None, "is_first": True},
        april | {"month": IN_APRIL.number + 1},
        april | {"previous": IN_APRIL.number - 2},
    ):
        with pytest.raises(IntegrityError), database.writing() as session:
            session.add(ClosedMonth(**(values | wrong)))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kept_line SET amount_minor = amount_minor + 1",
        "DELETE FROM kept_entry",
        "UPDATE closed_month SET confirmed_by = 'staff:2'",
        "DELETE FROM closed_month_pack",
        "UPDATE close_request SET asked_by = 'staff:2'",
    ],
)
def test_nothing_of_a_closed_month_changes(database: Database, statement: str) -> None:
    """Triggers refuse to change or delete months, requests, entries and packs."""
    record_march(database)
    close(database, rules=TWO_PEOPLE)
    confirm(database, rules=TWO_PEOPLE)
    with (
        pytest.raises(DatabaseError, match="rows here are only ever added"),
        database.writing() as session,
    ):
        session.execute(text(statement))


def test_a_late_fact_corrects_the_next_month(database: Database) -> None:
    """A gift of March that is recorded in April is booked in April, and March stays."""
    record_march(database)
    close(database)
    with database.reading() as session:
        before, pack = list(kept_entries(session)), pack_content(session, IN_MARCH)
    pay(database, give(database, "late"), MARCH)
    april = draft(database, IN_APRIL)
    (late,) = april.records.entries
    assert (late.number, late.day) == ("C1-DON-2026-03-10-CAD", IN_APRIL.first_day)
    assert balances_of([late]) == {
        AccountKey(Role.STRIPE_RECEIVABLE, "CAD"): 5_000,
        AccountKey(Role.DONATIONS, "CAD"): -5_000,
    }
    assert not april.control.failed
    close(database, IN_APRIL, now=MAY_4, reasons=NO_LINES)
    with database.reading() as session:
        assert list(kept_entries(session, IN_MARCH)) == before
        assert pack_content(session, IN_MARCH) == pack
        assert list(kept_entries(session, IN_APRIL)) == [late]
    assert draft(database, IN_APRIL.next).records.entries == []


def test_a_line_that_is_explained_later_moves_on_that_day(database: Database) -> None:
    """A line of March that is explained in April needs no correction of March."""
    record_march(database)
    gift = give(database, "late", mode="interac", amount_minor=900)
    (line,) = record_lines(database, [(20, 900, "UNKNOWN", None)])
    close(database, reasons={"line_undecided": "Nobody knows yet"})
    with database.writing() as session:
        explain(session, line, GiftPart(gift.id, 900), now=APRIL_3 + timedelta(days=2))
    numbers = [entry.number for entry in draft(database, IN_APRIL).records.entries]
    assert "IDN-2026-04-05-CAD-CHEQUING" in numbers
    assert not any("BNK-2026-03" in number for number in numbers)


def test_kept_entries_are_read_back_exactly(database: Database) -> None:
    """What is kept is what the draft had, to the last memo, and so is its hash."""
    record_march(database)
    wanted = draft(database).records.entries
    close(database)
    with database.reading() as session:
        row = closed_month(session, IN_MARCH)
        assert list(kept_entries(session, IN_MARCH)) == list(wanted)
    assert row is not None
    assert (row.entry_count, row.entries_hash) == (len(wanted), hash_of_entries(wanted))
