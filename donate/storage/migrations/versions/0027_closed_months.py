"""Create the tables of closed months. Triggers refuse to change or delete their rows."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_TABLES = ("close_request", "closed_month", "closed_month_pack", "kept_entry", "kept_line")
_SQLITE_APPEND_ONLY = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows here are only ever added'); END
"""
_POSTGRESQL_APPEND_ONLY = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    _create_months()
    _create_entries()
    for table in _TABLES:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(_SQLITE_APPEND_ONLY.format(table=table, verb=verb))
        else:
            op.execute(_POSTGRESQL_APPEND_ONLY.format(table=table))


def _create_months() -> None:
    op.create_table(
        "close_request",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
    )
    op.create_index("close_request_by_month", "close_request", ["month", "id"])
    op.create_table(
        "closed_month",
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("previous", sa.Integer(), sa.ForeignKey("closed_month.month"), nullable=True),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("closed_by", sa.String(length=64), nullable=False),
        sa.Column("confirmed_by", sa.String(length=64), nullable=False),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), sa.ForeignKey("close_request.id"), nullable=True),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("control_totals", sa.JSON(), nullable=False),
        sa.Column("open_items", sa.JSON(), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("entries_hash", sa.String(length=64), nullable=False),
        sa.Column("pack_hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(is_first = (previous IS NULL)) AND (is_first OR previous = month - 1)",
            name="closed_month_follows_previous",
        ),
        sa.CheckConstraint(
            "confirmed_by <> closed_by AND closed_by <> '' "
            "AND (confirmed_by <> '') = (request_id IS NOT NULL) "
            "AND (confirmed_by <> '' OR NOT needs_second)",
            name="closed_month_by_two_people",
        ),
        sa.CheckConstraint("entry_count >= 0", name="closed_month_entry_count"),
        sa.UniqueConstraint("request_id"),
    )
    op.create_index(
        "closed_month_first",
        "closed_month",
        ["is_first"],
        unique=True,
        sqlite_where=sa.text("is_first"),
        postgresql_where=sa.text("is_first"),
    )
    op.create_table(
        "closed_month_pack",
        sa.Column(
            "month",
            sa.Integer(),
            sa.ForeignKey("closed_month.month"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )


def _create_entries() -> None:
    op.create_table(
        "kept_entry",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("month", sa.Integer(), sa.ForeignKey("closed_month.month"), nullable=False),
        sa.Column("number", sa.String(length=400), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("description_values", sa.JSON(), nullable=False),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("id", "currency", name="kept_entry_id_and_currency"),
    )
    op.create_index("kept_entry_by_month", "kept_entry", ["month", "id"])
    op.create_table(
        "kept_line",
        sa.Column("entry_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("part", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.String(length=500), nullable=False),
        sa.Column("memo_values", sa.JSON(), nullable=False),
        sa.Column("fund", sa.String(length=32), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor <> 0 AND times >= 1", name="kept_line_is_money"),
        sa.ForeignKeyConstraint(
            ["entry_id", "currency"],
            ["kept_entry.id", "kept_entry.currency"],
            name="kept_line_in_currency",
        ),
    )
