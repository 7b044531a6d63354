"""Let the service remove or redact chained rows, but only with an amendment that records it."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEPT = {
    "gift_fact": (
        "id, gift_id, kind, source_id, amount_minor, currency, happened_at, recorded_at, actor"
    ),
    "staff_act": "id, staff_id, act, happened_at",
}
_SQLITE_AMENDMENT = """
CREATE TRIGGER chain_amendment_no_{verb} BEFORE {verb} ON chain_amendment
BEGIN SELECT RAISE(ABORT, 'rows here are only ever added'); END
"""
_SQLITE_PERMITTED = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
WHEN NOT EXISTS (SELECT 1 FROM chain_permit WHERE table_name = '{table}' AND row_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'rows here are only ever added'); END
"""
_SQLITE_KEPT = """
CREATE TRIGGER {table}_keeps_what_happened BEFORE UPDATE OF {columns} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows here are only ever added: what happened is never changed'); END
"""
_SQLITE_RECORDED = """
CREATE TRIGGER chain_permit_is_recorded BEFORE DELETE ON chain_permit
WHEN NOT EXISTS (
    SELECT 1 FROM chain_amendment WHERE position = OLD.position AND number = OLD.number
)
BEGIN SELECT RAISE(ABORT, 'an amendment has to be recorded'); END
"""
_POSTGRESQL = (
    """CREATE TRIGGER chain_amendment_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON chain_amendment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE FUNCTION refuse_without_permit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM chain_permit WHERE table_name = TG_TABLE_NAME AND row_id = OLD.id
    ) THEN RAISE EXCEPTION 'rows here are only ever added'; END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
    END $$""",
    """CREATE FUNCTION refuse_unrecorded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM chain_amendment WHERE position = OLD.position AND number = OLD.number
    ) THEN RAISE EXCEPTION 'an amendment has to be recorded'; END IF;
    RETURN OLD;
    END $$""",
    """CREATE FUNCTION refuse_another_story() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        RAISE EXCEPTION 'rows here are only ever added: what happened is never changed';
    END $$""",
    """CREATE TRIGGER chain_permit_is_recorded BEFORE DELETE ON chain_permit
    FOR EACH ROW EXECUTE FUNCTION refuse_unrecorded()""",
)
_POSTGRESQL_EACH = (
    "DROP TRIGGER {table}_append_only ON {table}",
    """CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_without_permit()""",
    """CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER {table}_keeps_what_happened BEFORE UPDATE OF {columns} ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_another_story()""",
)


def upgrade() -> None:
    op.create_table(
        "chain_amendment",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column(
            "position", sa.BigInteger(), sa.ForeignKey("chain_link.position"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Text(), nullable=False),
        sa.Column("redacted", sa.JSON(), nullable=False),
        sa.Column("rows_before", sa.String(length=64), nullable=False),
        sa.Column("rows_after", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=255), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("position", "number", name="chain_amendment_once"),
        sa.CheckConstraint("number > 0", name="chain_amendment_number_counts"),
    )
    op.create_table(
        "chain_permit",
        sa.Column("table_name", sa.String(length=32), primary_key=True),
        sa.Column("row_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position", "number"],
            ["chain_amendment.position", "chain_amendment.number"],
            name="chain_permit_has_its_amendment",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _guard_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(_SQLITE_AMENDMENT.format(verb=verb))
        for table in _KEPT:
            op.execute(f"DROP TRIGGER {table}_no_{verb}")
            op.execute(_SQLITE_PERMITTED.format(table=table, verb=verb))
    for table, columns in _KEPT.items():
        op.execute(_SQLITE_KEPT.format(table=table, columns=columns))
    op.execute(_SQLITE_RECORDED)


def _guard_postgresql() -> None:
    for statement in _POSTGRESQL:
        op.execute(statement)
    for table, columns in _KEPT.items():
        for statement in _POSTGRESQL_EACH:
            op.execute(statement.format(table=table, columns=columns))
