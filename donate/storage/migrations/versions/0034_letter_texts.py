"""Create the tables of texts for e-mails and of decisions about reminders. Rows are only added."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_TABLES = ("letter_text", "reminder_choice")
_SQLITE_APPEND_ONLY = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows here are only ever added'); END
"""
_POSTGRESQL_APPEND_ONLY = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "letter_text",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_standard", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(length=150), nullable=False),
        sa.Column("headline", sa.String(length=150), nullable=False),
        sa.Column("opening", sa.String(length=2000), nullable=False),
        sa.Column("closing", sa.String(length=2000), nullable=False),
        sa.Column("written_by", sa.String(length=64), nullable=False),
        sa.Column("written_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("code", "language", "kind", "number", name="letter_text_once"),
        sa.CheckConstraint("number >= 1", name="letter_text_number_counts"),
        sa.CheckConstraint(
            "(is_standard AND subject = '' AND headline = '' AND opening = '' AND closing = '') "
            "OR (NOT is_standard AND subject <> '' AND headline <> '')",
            name="letter_text_has_words",
        ),
        sa.CheckConstraint(
            "length(subject) <= 150 AND length(headline) <= 150 "
            "AND length(opening) <= 2000 AND length(closing) <= 2000",
            name="letter_text_is_short",
        ),
    )
    op.create_table(
        "reminder_choice",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("wants_reminders", sa.Boolean(), nullable=False),
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("chosen_at", _INSTANT, nullable=False),
    )
    op.create_index("reminder_choice_by_address", "reminder_choice", ["address_hash", "id"])
    for table in _TABLES:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(_SQLITE_APPEND_ONLY.format(table=table, verb=verb))
        else:
            op.execute(_POSTGRESQL_APPEND_ONLY.format(table=table))
