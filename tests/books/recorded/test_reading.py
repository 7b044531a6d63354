"""The bookings that the database adds up give the same journal as the single rows."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from donate.bank.reconciliation.deciding import GiftPart, NoGiftPart, PayoutPart, undo_part
from donate.bank.reconciliation.models import NoGiftReason
from donate.bank.statements.models import BankAccount
from donate.books.journal.bookings import BankBooking, BankPartKind, Booking, StripeBooking
from donate.books.journal.entry import balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.books.recorded.bank_keys import bank_keys
from donate.books.recorded.closings import Closing
from donate.books.recorded.reading import read_bookings
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import NOW, bank_line, decide, gift, mark_by_hand
from tests.books.recorded.recorded_rows import FIRST, ZONE, one_by_one, record_stripe_days
from tests.finance.statements import plans, selects
from tests.stripe_gateway.balance.payouts import of_payout, payout as stripe_payout, record

TODAY = NOW.date()


def read(
    database: Database,
    first_day: date | None = None,
    last_day: date | None = None,
    closings: Sequence[Closing] = (),
) -> list[Booking]:
    with database.reading_snapshot() as session:
        return read_bookings(
            session, time_zone=ZONE, first_day=first_day, last_day=last_day, closings=closings
        )


def bank_parts(
    database: Database, closings: Sequence[Closing] = ()
) -> list[tuple[BankPartKind, int, date | None]]:
    return [
        (one.kind, one.amount_minor, one.explained_on)
        for one in read(database, closings=closings)
        if isinstance(one, BankBooking)
    ]


def test_an_empty_database_has_no_bookings(database: Database) -> None:
    """Where nothing was recorded there is nothing to book, whatever the days."""
    assert read(database) == read(database, FIRST, FIRST) == []


@pytest.mark.parametrize("days", [(None, None), (0, 9), (3, 7), (7, 7), (9, 8)])
def test_totals_give_the_same_journal(
    database: Database, days: tuple[int | None, int | None]
) -> None:
    """The journal of totals equals that of single rows, line by line, for any days."""
    record_stripe_days(database, 300)
    transfers = gift(database)
    line = bank_line(database, 8_000)
    decide(database, line, GiftPart(transfers.id, 5_000), NoGiftPart(NoGiftReason.OTHER, 1_000))
    decide(database, bank_line(database, -900), NoGiftPart(NoGiftReason.BANK_FEE, -400))
    first, last = (None if day is None else FIRST + timedelta(day) for day in days)
    with database.reading_snapshot() as session:
        rows = list(one_by_one(session))
    expected = journal_of(rows, first_day=first, last_day=last)
    assert bool(expected) is (days != (9, 8))
    assert journal_of(read(database, first, last)) == expected


def test_a_payout_is_booked_once(database: Database) -> None:
    """A payout's own transaction moves it to in transit once, its bank line takes it from there."""
    paid = stripe_payout(4_825)
    stored = record(database, paid, [of_payout(paid)])
    record(database, paid, [of_payout(paid)])  # catch-up lists it again
    assert stored.id
    decide(database, bank_line(database, 4_825), PayoutPart(stored.id, 4_825))
    entries = journal_of(read(database))
    assert [entry.number.partition("-")[0] for entry in entries] == ["PAY", "BNK"]
    assert balances_of(entries) == {
        AccountKey(Role.STRIPE_CLEARING, "CAD"): -4_825,
        AccountKey(Role.PAYOUTS_IN_TRANSIT, "CAD"): 0,
        AccountKey(Role.BANK, "CAD", "chequing"): 4_825,
    }


@pytest.mark.parametrize(
    ("reason", "amount", "kind"),
    [
        (NoGiftReason.BANK_FEE, -100, BankPartKind.FEE),
        (NoGiftReason.INTEREST, 100, BankPartKind.INTEREST),
        (NoGiftReason.OWN_TRANSFER, -100, BankPartKind.OWN_TRANSFER),
        (NoGiftReason.RETURNED_ITEM, -100, BankPartKind.RETURNED_ITEM),
        (NoGiftReason.MONEY_RETURNED, -100, BankPartKind.TRANSFER),
        (NoGiftReason.DEPOSIT, 100, BankPartKind.DEPOSIT),
        (NoGiftReason.EXPENSE, -100, BankPartKind.OTHER_PAYMENT),
        (NoGiftReason.OTHER_INCOME, 100, BankPartKind.OTHER_RECEIPT),
        (NoGiftReason.OTHER, 100, BankPartKind.OTHER_RECEIPT),
        (NoGiftReason.OTHER, -100, BankPartKind.OTHER_PAYMENT),
    ],
)
def test_each_reason_has_its_account(
    database: Database, reason: NoGiftReason, amount: int, kind: BankPartKind
) -> None:
    """A part that is no gift is booked by its reason."""
    decide(database, bank_line(database, amount), NoGiftPart(reason, amount))
    assert bank_parts(database) == [(kind, amount, None)]


def test_every_reason_is_tested() -> None:
    """The list above has every reason."""
    cases = test_each_reason_has_its_account.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {reason for reason, *_ in cases} == set(NoGiftReason)


def test_what_nobody_explained_is_unidentified(database: Database) -> None:
    """The rest of a line, and a line whose part was undone, are unidentified money."""
    line = bank_line(database, 8_000)
    (part,) = decide(database, line, GiftPart(gift(database).id, 5_000))
    expected = [(BankPartKind.TRANSFER, 5_000, None), (BankPartKind.UNIDENTIFIED, 3_000, None)]
    assert bank_parts(database) == expected
    assert part.id
    with database.writing() as session:
        undo_part(session, part.id, "the wrong Ann", actor="staff:1", now=NOW)
    assert bank_parts(database) == [(BankPartKind.UNIDENTIFIED, 8_000, None)]


def test_a_cheque_at_the_bank_is_a_deposit(database: Database) -> None:
    """If a bank line is tied to a gift by cheque, it takes the money from the cheques in hand."""
    cheque = gift(database)
    source = mark_by_hand(database, cheque)
    decide(database, bank_line(database, 5_000), GiftPart(cheque.id, 5_000, source))
    with database.writing() as session:
        session.execute(sa.text("UPDATE gift SET mode = 'cheque'"))
    assert bank_parts(database) == [(BankPartKind.DEPOSIT, 5_000, None)]


def test_a_line_that_is_explained_late(database: Database) -> None:
    """A part decided after its month was closed stays unidentified there, and moves on its day."""
    line = bank_line(database, 5_000, day=1)
    decide(database, line, GiftPart(gift(database).id, 5_000))
    closed_before = [Closing(date(2026, 3, 1), NOW - timedelta(hours=1))]
    closed_after = [Closing(date(2026, 3, 1), NOW), Closing(date(2026, 3, 31), NOW)]
    assert bank_parts(database, closed_before) == [(BankPartKind.TRANSFER, 5_000, TODAY)]
    assert bank_parts(database, closed_after) == [(BankPartKind.TRANSFER, 5_000, None)]
    other_month = [Closing(date(2026, 2, 28), NOW - timedelta(days=1))]
    assert bank_parts(database, other_month) == [(BankPartKind.TRANSFER, 5_000, None)]


def test_a_month_closed_twice_counts_from_the_first_time(database: Database) -> None:
    """If the books were closed up to the same day twice, the first closing decides."""
    decide(database, bank_line(database, 500, day=1), NoGiftPart(NoGiftReason.INTEREST, 500))
    last_day = date(2026, 3, 1)
    early, late = Closing(last_day, NOW - timedelta(days=2)), Closing(last_day, NOW)
    for closings in ([early, late], [late, early]):
        assert bank_parts(database, closings) == [(BankPartKind.INTEREST, 500, TODAY)]


def test_a_late_part_is_read_in_both_months(database: Database) -> None:
    """The entry of the line's day is the same as before; an entry of the later day moves the money.

    Both days are read alone, as months are.
    """
    line = bank_line(database, 5_000, day=1)
    (before,) = journal_of(read(database, FIRST, FIRST))
    decide(database, line, GiftPart(gift(database).id, 5_000))
    closings = [Closing(FIRST, NOW - timedelta(days=1))]
    assert before in journal_of(read(database, FIRST, FIRST, closings), last_day=FIRST)
    later = journal_of(read(database, TODAY, TODAY, closings), first_day=TODAY)
    assert [entry.number for entry in later if entry.number.startswith("IDN")] == [
        "IDN-2026-03-10-CAD-CHEQUING"
    ]
    assert read(database, TODAY + timedelta(1), None, closings) == []


def test_keys_of_bank_accounts_are_their_own(database: Database) -> None:
    """Each bank account has a key of its own that fits the journal, whatever its name."""
    names = ["TD Chèques (CAD)", "td cheques cad", "日本", "A very long name of a savings account"]
    with database.writing() as session:
        session.add_all(
            BankAccount(name=name, currency="CAD", added_by="staff:1", added_at=NOW)
            for name in names
        )
    with database.reading() as session:
        keys = list(bank_keys(session).values())
    assert keys[0] == "td-cheques-cad"
    assert len(set(keys)) == len(names)
    for key in keys:
        BankBooking("line", TODAY, key, "CAD", BankPartKind.FEE, -1)


def test_a_day_of_stripe_is_read_through_the_index(database: Database) -> None:
    """The database reads only the transactions of a day, and adds them up itself."""
    record_stripe_days(database, 300)
    with selects() as found:
        of_day = read(database, FIRST, FIRST)
    about = [one for one in found if "balance_transaction" in one[0]]
    for statement, plan in zip(about, plans(database, about), strict=True):
        assert "balance_transaction_by_time" in plan, statement
    assert len([one for one in of_day if isinstance(one, StripeBooking)]) > 5
    parts = {one.id for one in of_day if isinstance(one, StripeBooking)}
    assert len(parts) == len(of_day)
