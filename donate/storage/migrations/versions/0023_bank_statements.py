"""Create the tables of bank statements: accounts, files, and lines."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0023"
down_revision = "0022"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bank_account",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("id", "currency", name="bank_account_id_and_currency"),
    )
    has_label = sa.text("label <> ''")
    op.create_index(
        "bank_account_by_label",
        "bank_account",
        ["label", "currency"],
        unique=True,
        sqlite_where=has_label,
        postgresql_where=has_label,
    )
    _create_files()
    _create_lines()


def _create_files() -> None:
    op.create_table(
        "statement_upload",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("date_form", sa.String(length=16), nullable=False),
        sa.Column("uploaded_by", sa.String(length=64), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "statement_file",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("encoding", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("new_count", sa.Integer(), nullable=False),
        sa.Column("known_count", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.String(length=64), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("new_count >= 0 AND known_count >= 0", name="statement_file_counts"),
        sa.CheckConstraint("first_day <= last_day", name="statement_file_days"),
    )
    op.create_index("statement_file_by_hash", "statement_file", ["sha256"])
    op.create_table(
        "account_file",
        sa.Column("file_id", sa.BigInteger(), sa.ForeignKey("statement_file.id"), primary_key=True),
        sa.Column(
            "account_id", sa.BigInteger(), sa.ForeignKey("bank_account.id"), primary_key=True
        ),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
    )
    op.create_index("account_file_by_account", "account_file", ["account_id", "last_day"])


def _create_lines() -> None:
    op.create_table(
        "bank_line",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("text_key", sa.String(length=64), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("bank_reference", sa.String(length=100), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), sa.ForeignKey("statement_file.id"), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("explained_minor", sa.BigInteger(), nullable=False),
        sa.Column("line_class", sa.String(length=32), nullable=True),
        sa.Column("band", sa.String(length=16), nullable=True),
        sa.Column("suggestions", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint(
            *("account_id", "day", "amount_minor", "text_key", "nth"), name="bank_line_once"
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "currency"],
            ["bank_account.id", "bank_account.currency"],
            name="bank_line_in_currency",
        ),
        sa.CheckConstraint("amount_minor <> 0 AND nth >= 1", name="bank_line_is_money"),
        sa.CheckConstraint(
            "(amount_minor > 0 AND explained_minor >= 0 AND explained_minor <= amount_minor) OR "
            "(amount_minor < 0 AND explained_minor <= 0 AND explained_minor >= amount_minor)",
            name="bank_line_explained_at_most_whole",
        ),
    )
    is_open = sa.text("explained_minor <> amount_minor")
    op.create_index(
        "bank_line_open",
        "bank_line",
        ["band", "day", "id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("bank_line_by_day", "bank_line", ["day", "id"])
    op.create_index("bank_line_by_file", "bank_line", ["file_id", "id"])
