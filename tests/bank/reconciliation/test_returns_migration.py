"""Migration 0029 keeps the parts of bank lines, and lets a payout come back."""

import sqlalchemy as sa
from sqlmodel import select

from donate.bank.reconciliation.deciding import GiftPart, PayoutPart
from donate.bank.reconciliation.models import LinePart
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import bank_line, decide, findings, gift
from tests.bank.reconciliation.stripe_rows import failed_payout
from tests.upgrading import as_before, upgrade_to

_UNDO = (
    "DROP TABLE bank_quiet_days",
    "DROP INDEX balance_transaction_top_up",
    "DROP INDEX bank_line_part_of_payout",
    "DROP INDEX bank_line_part_of_top_up",
)
# SQLite's migration recreates the table, whatever columns it has.
_UNDO_ON_POSTGRESQL = (
    "ALTER TABLE bank_line_part DROP CONSTRAINT bank_line_part_fits_kind",
    "ALTER TABLE bank_line_part DROP CONSTRAINT bank_line_part_return_fits_kind",
    "ALTER TABLE bank_line_part DROP COLUMN is_return, DROP COLUMN top_up_id",
    "ALTER TABLE bank_line_part ADD CONSTRAINT bank_line_part_fits_kind CHECK (amount_minor <> 0)",
)
_OLD_INDEX = (
    "CREATE UNIQUE INDEX bank_line_part_of_payout ON bank_line_part (payout_id) "
    "WHERE undone_at IS NULL AND payout_id IS NOT NULL"
)


def parts(database: Database) -> list[dict[str, object]]:
    with database.reading() as session:
        rows = session.exec(select(LinePart).order_by(sa.text("id"))).all()
        return [row.model_dump() for row in rows]


def test_parts_are_kept_and_a_payout_may_come_back(database: Database) -> None:
    """Each part is as it was; afterwards the same payout is tied to its way back as well."""
    number, one = failed_payout(database, 21_140), gift(database)
    decide(database, bank_line(database, 21_140, "STRIPE", 5), PayoutPart(number, 21_140))
    decide(database, bank_line(database, 5_000), GiftPart(one.id, 5_000))
    before = parts(database)
    undo = _UNDO if database.is_sqlite else (*_UNDO, *_UNDO_ON_POSTGRESQL)
    with database.writing() as session:
        for statement in (*undo, _OLD_INDEX, as_before("0029")):
            session.execute(sa.text(statement))
    upgrade_to("0029", database)
    assert parts(database) == before
    assert len(before) == 2
    decide(database, bank_line(database, -21_140, "RTN", 9), PayoutPart(number, -21_140))
    assert [part["is_return"] for part in parts(database)] == [False, False, True]
    assert findings(database) == []
