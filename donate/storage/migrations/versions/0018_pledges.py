"""Create and fill the table of pledges and its totals, and add columns to pledge changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from donate.gifts.facts import Fact, FactKind
from donate.gifts.monthly.pledge_copy import copy_of_pledge
from donate.gifts.movements.recorder import TotalKey, pledge_total_key, total_rows
from donate.gifts.status import StatusName
from donate.money import Money
from donate.storage.column_types import UtcDateTime

revision = "0018"
down_revision = "0017"

_BATCH_SIZE = 500
_gift = sa.table(
    "gift",
    sa.column("id", sa.Uuid()),
    sa.column("pledge_id", sa.Uuid()),
    *(sa.column(name, sa.String()) for name in ("code", "mode", "fund", "currency", "status")),
    sa.column("amount_minor", sa.BigInteger()),
    sa.column("time_zone", sa.String()),
    sa.column("opened_at", UtcDateTime()),
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
)
_total = sa.table(
    "day_total",
    sa.column("day", sa.Date()),
    *(sa.column(name, sa.String()) for name in ("subject", "kind", "currency", "code", "mode")),
    sa.column("fund", sa.String()),
    sa.column("count", sa.BigInteger()),
    sa.column("amount_minor", sa.BigInteger()),
    sa.column("is_merged", sa.Boolean()),
)


def upgrade() -> None:
    pledge = op.create_table(
        "pledge",
        sa.Column("id", sa.Uuid(), sa.ForeignKey("gift.id"), primary_key=True),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("fund", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("next_on", sa.Date()),
        sa.Column("resumes_on", sa.Date()),
        sa.Column("ends_on", sa.Date()),
        sa.CheckConstraint("amount_minor > 0", name="pledge_amount_is_positive"),
    )
    _let_totals_count_pledges()
    _fill(pledge)
    filters = ["mode", "code", "fund"]
    op.create_index("pledge_list", "pledge", ["stage", "started_at", "id", *filters])
    op.create_index(
        "pledge_due", "pledge", ["stage", "next_on", "currency", "amount_minor", *filters]
    )
    op.create_index("pledge_to_resume", "pledge", ["stage", "resumes_on"])
    op.add_column("open_pledge_change", sa.Column("resumes_at", UtcDateTime()))
    op.add_column("open_pledge_change", sa.Column("form_key", sa.String(length=128)))
    op.create_index("open_pledge_change_form", "open_pledge_change", ["form_key"], unique=True)


def _let_totals_count_pledges() -> None:
    name, rule = "day_total_subject_is_known", "subject IN ('gift', 'movement', 'pledge')"
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(name, "day_total")
        op.create_check_constraint(name, "day_total", rule)
        return
    # SQLite cannot change a constraint, so recreate the table with its existing indexes.
    connection = op.get_bind()
    schema = "SELECT sql FROM sqlite_master WHERE tbl_name = 'day_total' AND type = ?"
    ((table,),) = connection.exec_driver_sql(schema, ("table",)).all()
    indexes = connection.exec_driver_sql(schema, ("index",)).scalars().all()
    old_rule = "subject IN ('gift', 'movement')"
    assert old_rule in table
    op.execute("ALTER TABLE day_total RENAME TO old_day_total")
    connection.exec_driver_sql(table.replace(old_rule, rule))
    op.execute("INSERT INTO day_total SELECT * FROM old_day_total")
    op.execute("DROP TABLE old_day_total")
    for index in indexes:
        connection.exec_driver_sql(index)


def _fill(pledge: sa.Table) -> None:
    connection = op.get_bind()
    counts: Counter[TotalKey] = Counter()
    amounts: Counter[TotalKey] = Counter()
    rows: list[dict[str, Any]] = []
    for gift, facts in _pledges(connection):
        chosen = Money(gift.amount_minor, gift.currency)
        copy = copy_of_pledge(facts, chosen, gift.time_zone, StatusName(gift.status))
        key = pledge_total_key(gift, copy)
        counts[key] += 1
        amounts[key] += copy.amount_minor
        never_change = ("id", "code", "mode", "fund", "currency")
        row = {name: getattr(gift, name) for name in never_change} | asdict(copy)
        rows.append(row | {"started_at": gift.opened_at, "stage": str(copy.stage)})
        if len(rows) >= _BATCH_SIZE:
            connection.execute(pledge.insert(), rows)
            rows = []
    if rows:
        connection.execute(pledge.insert(), rows)
    merged = list(total_rows(counts, amounts, is_merged=True))
    if merged:
        connection.execute(_total.insert(), merged)


def _pledges(connection: sa.Connection) -> Iterator[tuple[Any, list[Fact]]]:
    """Yield the first gift of each pledge with its facts, a batch at a time."""
    after = None
    while True:
        page = (
            sa.select(_gift)
            .where(_gift.c.pledge_id == _gift.c.id)
            .order_by(_gift.c.id)
            .limit(_BATCH_SIZE)
        )
        gifts = connection.execute(page if after is None else page.where(_gift.c.id > after)).all()
        if not gifts:
            return
        after = gifts[-1].id
        facts = connection.execute(
            sa.select(*_fact.c)
            .where(_fact.c.gift_id.in_([gift.id for gift in gifts]))
            .order_by(_fact.c.gift_id, sa.column("id"))
        )
        of_gift = {
            gift_id: [Fact(FactKind(kind), *rest) for _, kind, *rest in rows]
            for gift_id, rows in groupby(facts, key=lambda row: row.gift_id)
        }
        for gift in gifts:
            yield gift, of_gift.get(gift.id, [])
