"""Create the movements of gifts and the daily totals, and compute both for existing gifts."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from donate.gifts.facts import Fact, FactKind
from donate.gifts.movements.recorder import TotalKey, movement_row, shares_in_totals, total_rows
from donate.gifts.movements.rules import in_order, movements_of
from donate.storage.column_types import UtcDateTime

revision = "0012"
down_revision = "0011"

_BATCH_SIZE = 500
_SIGN_FITS_KIND = (
    "amount_minor <> 0 AND (amount_minor > 0) = "
    "(kind IN ('payment', 'transfer', 'refund_returned', 'dispute_returned'))"
)
_gift = sa.table(
    "gift",
    sa.column("id", sa.Uuid()),
    *(sa.column(name, sa.String()) for name in ("code", "mode", "fund", "currency", "status")),
    sa.column("amount_minor", sa.BigInteger()),
    sa.column("time_zone", sa.String()),
    sa.column("opened_on", sa.Date()),
)
_fact = sa.table(
    "gift_fact",
    sa.column("gift_id", sa.Uuid()),
    sa.column("kind", sa.String()),
    sa.column("source_id", sa.String()),
    sa.column("happened_at", UtcDateTime()),
    sa.column("actor", sa.String()),
    sa.column("amount_minor", sa.BigInteger()),
    sa.column("currency", sa.String()),
    sa.column("evidence", sa.JSON()),
    sa.column("recorded_at", UtcDateTime()),
)


def upgrade() -> None:
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    movement = op.create_table(
        "gift_movement",
        sa.Column("id", row_number, primary_key=True),
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(_SIGN_FITS_KIND, name="gift_movement_sign_fits_kind"),
        sa.ForeignKeyConstraint(
            ["cause", "source_id"],
            ["gift_fact.kind", "gift_fact.source_id"],
            name="gift_movement_has_a_fact",
        ),
        sa.ForeignKeyConstraint(
            ["gift_id", "currency"], ["gift.id", "gift.currency"], name="gift_movement_in_currency"
        ),
        sa.UniqueConstraint("cause", "source_id", name="gift_movement_once"),
    )
    total = op.create_table(
        "day_total",
        sa.Column("id", row_number, primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("fund", sa.String(length=32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("is_merged", sa.Boolean(), nullable=False),
        sa.CheckConstraint("subject IN ('gift', 'movement')", name="day_total_subject_is_known"),
    )
    _fill(movement, total)
    op.create_index("gift_movement_by_gift", "gift_movement", ["gift_id"])
    op.create_index("gift_movement_by_day", "gift_movement", ["day", "id"])
    _create_total_indexes()


def _create_total_indexes() -> None:
    op.create_index("day_total_by_day", "day_total", ["subject", "day"])
    merged, not_merged = sa.text("is_merged"), sa.text("NOT is_merged")
    op.create_index(
        "day_total_merged",
        "day_total",
        ["day", "subject", "kind", "currency", "code", "mode", "fund"],
        unique=True,
        sqlite_where=merged,
        postgresql_where=merged,
    )
    op.create_index(
        "day_total_to_merge",
        "day_total",
        ["id"],
        sqlite_where=not_merged,
        postgresql_where=not_merged,
    )


def _fill(movement: sa.Table, total: sa.Table) -> None:
    connection = op.get_bind()
    counts: Counter[TotalKey] = Counter()
    amounts: Counter[TotalKey] = Counter()
    rows: list[dict[str, Any]] = []
    for gift, facts in _gifts(connection):
        movements = movements_of([fact for fact, _ in facts], gift.time_zone)
        for key, amount in shares_in_totals(gift, gift.status, movements):
            counts[key] += 1
            amounts[key] += amount
        times = {(fact.kind, fact.source_id): time for fact, time in facts}
        rows += (
            movement_row(gift.id, one, times[one.cause, one.source_id])
            for one in in_order(movements)
        )
        if len(rows) >= _BATCH_SIZE:
            connection.execute(movement.insert(), rows)
            rows = []
    if rows:
        connection.execute(movement.insert(), rows)
    merged = list(total_rows(counts, amounts, is_merged=True))
    if merged:
        connection.execute(total.insert(), merged)


def _gifts(connection: sa.Connection) -> Iterator[tuple[Any, list[tuple[Fact, datetime]]]]:
    """Yield each gift with its facts and when they were recorded, a batch at a time."""
    after = None
    while True:
        page = sa.select(_gift).order_by(_gift.c.id).limit(_BATCH_SIZE)
        gifts = connection.execute(page if after is None else page.where(_gift.c.id > after)).all()
        if not gifts:
            return
        after = gifts[-1].id
        facts = connection.execute(
            sa.select(*_fact.c)
            .where(_fact.c.gift_id.in_([gift.id for gift in gifts]))
            .order_by(_fact.c.gift_id)
        )
        of_gift = {
            gift_id: [(Fact(FactKind(kind), *rest), at) for _, kind, *rest, at in rows]
            for gift_id, rows in groupby(facts, key=lambda row: row.gift_id)
        }
        for gift in gifts:
            yield gift, of_gift.get(gift.id, [])
