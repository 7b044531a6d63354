"""Add saved views, the column gift.transfer_announced, and the indexes of the staff's list."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0016"
down_revision = "0015"

_BATCH_SIZE = 500
_gift = sa.table("gift", sa.column("id", sa.Uuid()), sa.column("transfer_announced", sa.Boolean()))
_fact = sa.table(
    "gift_fact",
    sa.column("id", sa.BigInteger()),
    sa.column("gift_id", sa.Uuid()),
    sa.column("kind", sa.String()),
)


def upgrade() -> None:
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "saved_view",
        sa.Column("id", row_number, primary_key=True),
        sa.Column("staff_id", sa.BigInteger(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=4000), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("staff_id", "name", name="saved_view_name_once"),
    )
    op.add_column(
        "gift",
        sa.Column("transfer_announced", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _fill()
    op.drop_index("gift_by_status", "gift")
    op.drop_index("gift_by_day_received", "gift")
    for name, *columns in (
        ("gift_by_status", "status", "opened_at", "id"),
        ("gift_by_day_received", "received_on", "id"),
        ("gift_by_amount", "currency", "amount_minor", "id"),
        ("gift_by_mode", "mode"),
        ("gift_by_code", "code"),
        ("gift_by_fund", "fund"),
        ("gift_by_language", "language"),
    ):
        op.create_index(name, "gift", columns)
    flagged, announced = sa.text("flags <> ''"), sa.text("transfer_announced")
    op.create_index(
        "gift_flagged", "gift", ["flags"], sqlite_where=flagged, postgresql_where=flagged
    )
    op.create_index(
        "gift_announced",
        "gift",
        ["id"],
        sqlite_where=sa.text("transfer_announced = 1"),
        postgresql_where=announced,
    )


def _fill() -> None:
    """Mark the gifts whose donors reported the transfer as sent."""
    connection, after = op.get_bind(), 0
    while True:
        page = sa.select(_fact.c.id, _fact.c.gift_id).where(
            _fact.c.kind == "transfer_announced", _fact.c.id > after
        )
        facts = connection.execute(page.order_by(_fact.c.id).limit(_BATCH_SIZE)).all()
        if not facts:
            return
        after = facts[-1].id
        gifts = [fact.gift_id for fact in facts]
        connection.execute(
            sa.update(_gift).where(_gift.c.id.in_(gifts)).values(transfer_announced=True)
        )
