"""Add the totals of monthly gifts, so that the overview sums days instead of gifts."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"

_NAME = "day_total_subject_is_known"
_OLD_RULE = "subject IN ('gift', 'movement', 'pledge')"
_RULE = "subject IN ('gift', 'movement', 'monthly', 'pledge')"


def upgrade() -> None:
    _let_totals_count_months()
    op.execute(
        sa.text(
            "INSERT INTO day_total (day, subject, kind, currency, code, mode, fund, count, "
            "amount_minor, is_merged) "
            "SELECT movement.day, 'monthly', movement.kind, movement.currency, gift.code, "
            "gift.mode, gift.fund, count(*), sum(movement.amount_minor), true "
            "FROM gift_movement AS movement JOIN gift ON gift.id = movement.gift_id "
            "WHERE gift.pledge_id IS NOT NULL "
            "GROUP BY movement.day, movement.kind, movement.currency, gift.code, gift.mode, "
            "gift.fund"
        )
    )
    op.drop_index("gift_paid_months", "gift")


def _let_totals_count_months() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(_NAME, "day_total")
        op.create_check_constraint(_NAME, "day_total", _RULE)
        return
    # SQLite cannot change a constraint, so recreate the table with its existing indexes.
    schema = "SELECT sql FROM sqlite_master WHERE tbl_name = 'day_total' AND type = ?"
    ((table,),) = connection.exec_driver_sql(schema, ("table",)).all()
    indexes = connection.exec_driver_sql(schema, ("index",)).scalars().all()
    assert _OLD_RULE in table
    op.execute("ALTER TABLE day_total RENAME TO old_day_total")
    connection.exec_driver_sql(table.replace(_OLD_RULE, _RULE))
    op.execute("INSERT INTO day_total SELECT * FROM old_day_total")
    op.execute("DROP TABLE old_day_total")
    for index in indexes:
        connection.exec_driver_sql(index)
