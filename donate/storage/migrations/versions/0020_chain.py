"""Create the hash chain and indexes on staff acts. The worker later links existing rows."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_SQLITE_APPEND_ONLY = """
CREATE TRIGGER chain_link_no_{verb} BEFORE {verb} ON chain_link
BEGIN SELECT RAISE(ABORT, 'rows here are only ever added'); END
"""
_POSTGRESQL_APPEND_ONLY = """
CREATE TRIGGER chain_link_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON chain_link
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    _create_chain()
    _create_indexes_of_acts()


def _create_indexes_of_acts() -> None:
    for name, columns in (
        ("staff_act_by_kind", ["act"]),
        ("staff_act_by_person_and_kind", ["staff_id", "act"]),
        ("staff_act_by_subject", ["about"]),
        ("staff_act_by_address", ["address"]),
    ):
        op.create_index(name, "staff_act", [*columns, "happened_at", "id"])
    op.drop_index("staff_act_newest", "staff_act")
    is_done = sa.text("act <> 'refused'")
    for name, columns in (("staff_act_done", []), ("staff_act_done_by_person", ["staff_id"])):
        op.create_index(
            name,
            "staff_act",
            [*columns, "happened_at", "id"],
            sqlite_where=is_done,
            postgresql_where=is_done,
        )


def _create_chain() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "chain_link",
        sa.Column("position", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("as_of", instant, nullable=False),
        sa.Column("fingerprints", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("last_id >= first_id", name="chain_link_has_a_range"),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("chain_link_by_table", "chain_link", ["table_name", "position"])
    op.create_table(
        "chain_seal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("sealed_at", instant, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mail_due_at", instant, nullable=True),
        sa.Column("mail_tries", sa.Integer(), nullable=False),
        sa.Column("mailed_at", instant, nullable=True),
        sa.UniqueConstraint("day"),
    )
    op.create_index("chain_seal_to_mail", "chain_seal", ["mail_due_at"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_APPEND_ONLY.format(verb=verb))
    else:
        op.execute(_POSTGRESQL_APPEND_ONLY)
