"""A charity's March 2026: gifts, a refund, Stripe's balance and the bank, recorded as usual."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from donate.bank.reconciliation.deciding import (
    DecidedPart,
    GiftPart,
    NoGiftPart,
    PayoutPart,
    decide_line,
)
from donate.bank.reconciliation.models import NoGiftReason
from donate.bank.statements.importing import ImportChoices, import_statement
from donate.bank.statements.models import RecordedLine
from donate.books.accounts import load_chart
from donate.books.months.book_month import BookMonth, month_of_day
from donate.books.months.closing import Closer, MonthCloser
from donate.books.months.drafts import MonthDraft, MonthRules, read_draft
from donate.books.months.queries import latest_request
from donate.gifts.choosing.options import Wishes
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.balance.parser import read_balance_transaction
from donate.stripe_gateway.balance.recorder import record_transactions
from tests.bank.reconciliation.bank_lines import mark_by_hand
from tests.bank.statements.lines import line, statement
from tests.finance.money_samples import LATE_IN_MARCH, MARCH, give, move, pay
from tests.stripe_gateway.balance.payouts import charge, of_payout, payout, record, transaction

ZONE = "America/Toronto"
RULES = MonthRules(load_chart(), ZONE)
IN_MARCH, IN_APRIL = month_of_day(date(2026, 3, 1)), month_of_day(date(2026, 4, 1))
APRIL_3 = datetime(2026, 4, 3, 14, 0, tzinfo=UTC)
MAY_4 = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
ANN = Closer("staff:1", "Ann Lee", "en-CA")
ZOE = Closer("staff:2", "Zoé Côté", "fr-CA")


def record_march(database: Database) -> dict[str, Gift]:
    """Record three gifts, a refund, a payout, and a statement until 31 March with all explained."""
    gifts = {
        "card": give(database, "card", name="=HYPERLINK(1)"),
        "zoe": give(database, "zoe", mode="interac", amount_minor=12_345, name="Zoë Côté"),
        "roof": give(database, "roof", amount_minor=7_000, wishes=Wishes(fund="roof")),
    }
    pay(database, gifts["card"])
    pay(database, gifts["roof"])
    move(database, gifts["card"], FactKind.REFUND_SUCCEEDED, "re_1", 2_000, LATE_IN_MARCH)
    source = mark_by_hand(database, gifts["zoe"], "CA-1", 12_345)
    created = int(MARCH.timestamp())
    paid_out = payout(11_600, id="po_1", created=created, arrival_date=created + 86_400)
    own = of_payout(paid_out) | {"id": "txn_0", "created": created}
    row = record(
        database,
        paid_out,
        [
            charge_of(gifts["card"], 175, tax=20, id="txn_1", created=created),
            charge_of(gifts["roof"], 225, tax=26, id="txn_2", created=created),
            own,
        ],
    )
    late = int(LATE_IN_MARCH.timestamp())
    stripe_records(database, [refund_of_stripe(-2_000, "re_1", late)])
    assert row.id is not None
    assert gifts["zoe"].id is not None
    record_lines(
        database,
        [
            (11, 11_600, "STRIPE PAYOUT", PayoutPart(row.id, 11_600)),
            (12, 12_345, "E-TRANSFER ZOE", GiftPart(gifts["zoe"].id, 12_345, source)),
            (31, -450, "SERVICE FEE", NoGiftPart(NoGiftReason.BANK_FEE, -450)),
        ],
    )
    return gifts


def charge_of(gift: Gift, fee: int, **more: Any) -> dict[str, Any]:
    """Return the balance transaction of a gift's payment."""
    return transaction(gift.amount_minor, fee, source=charge(f"pi_{gift.id}"), **more)


def refund_of_stripe(amount: int, source: str, created: int) -> dict[str, Any]:
    """Return the balance transaction of a refund."""
    return transaction(amount, 0, kind="refund", id=f"txn_{source}", source=source, created=created)


def stripe_records(database: Database, rows: Sequence[dict[str, Any]]) -> None:
    """Store balance transactions that belong to no payout."""
    with database.writing() as session:
        record_transactions(session, [read_balance_transaction(row, MARCH) for row in rows])


def record_lines(
    database: Database,
    rows: Sequence[tuple[int, int, str, DecidedPart | None]],
    *,
    now: datetime = APRIL_3 - timedelta(hours=1),
) -> list[RecordedLine]:
    """Import lines of March in one statement, and decide what each is, if that is given."""
    lines = [line(n, day, amount, text) for n, (day, amount, text, _) in enumerate(rows, start=1)]
    with database.writing() as session:
        file, _ = import_statement(
            session,
            statement(*lines),
            ImportChoices({("", "CAD"): "Chequing"}, {}),
            file_name="march.csv",
            sha256=token_hex(32),
            actor="staff:1",
            now=now,
        )
        found = select(RecordedLine).where(RecordedLine.file_id == file.id)
        recorded = list(session.exec(found.order_by(col(RecordedLine.row))))
        for stored, (_, _, _, part) in zip(recorded, rows, strict=True):
            if part:
                explain(session, stored, part, now=now)
    return recorded


def explain(session: Session, row: RecordedLine, part: DecidedPart, *, now: datetime) -> None:
    """Decide what a line is."""
    assert row.id is not None
    decide_line(session, row.id, [part], version=row.version, actor="staff:1", now=now)


def draft(database: Database, month: BookMonth = IN_MARCH, rules: MonthRules = RULES) -> MonthDraft:
    """Return the draft of a month."""
    with database.reading_snapshot() as session:
        return read_draft(session, month, rules)


def nothing_recorded(_session: Session, _act: str, _detail: Mapping[str, Any]) -> None:
    """Record no act."""


def anybody_may(_session: Session, _actor: str) -> bool:
    """Let everybody close months: these worlds have no accounts."""
    return True


def close(
    database: Database,
    month: BookMonth = IN_MARCH,
    *,
    by: Closer = ANN,
    now: datetime = APRIL_3,
    rules: MonthRules = RULES,
    reasons: Mapping[str, str] | None = None,
) -> bool:
    """Close a month, or ask for it."""
    closer = MonthCloser(database, rules)
    return closer.close(month, by, reasons or {}, now=now, record=nothing_recorded)


def confirm(
    database: Database,
    month: BookMonth = IN_MARCH,
    *,
    by: Closer = ZOE,
    now: datetime = APRIL_3,
    rules: MonthRules = RULES,
) -> None:
    """Confirm the latest request to close a month."""
    with database.reading() as session:
        request = latest_request(session, month)
    MonthCloser(database, rules).confirm(
        month,
        by,
        "Ann Lee",
        seen=request.id if request else None,
        now=now,
        record=nothing_recorded,
        may_close=anybody_may,
    )


def copy_rows(source: Database, target: Database) -> None:
    """Copy all rows of a database into another one, which is empty."""
    for table in SQLModel.metadata.sorted_tables:
        if table.name == "stripe_turn":
            continue  # the migration makes these rows
        with source.reading() as session:
            rows = [dict(row) for row in session.execute(table.select()).mappings()]
        if rows:
            with target.writing() as session:
                session.execute(table.insert(), rows)
