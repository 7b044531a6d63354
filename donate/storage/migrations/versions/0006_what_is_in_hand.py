"""Recompute the cached status of gifts with refunds or flags, after a change of the rules.

The status now depends on the net amount. The migration uses the ledger's own rule, so its result
agrees with the audit.
"""

import sqlalchemy as sa
from alembic import op

from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import cached_copy
from donate.storage.column_types import UtcDateTime

revision = "0006"
down_revision = "0005"

_BATCH_SIZE = 500

_gift = sa.table(
    "gift",
    sa.column("id", sa.Uuid()),
    sa.column("time_zone", sa.String()),
    sa.column("status", sa.String()),
    sa.column("received_minor", sa.BigInteger()),
    sa.column("returned_minor", sa.BigInteger()),
    sa.column("net_minor", sa.BigInteger()),
    sa.column("received_on", sa.Date()),
    sa.column("flags", sa.String()),
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


def upgrade() -> None:
    connection = op.get_bind()
    changed = sa.or_(_gift.c.returned_minor > 0, _gift.c.flags != "")
    gifts = connection.execute(sa.select(_gift.c.id, _gift.c.time_zone).where(changed)).all()
    for at in range(0, len(gifts), _BATCH_SIZE):
        _recompute(connection, {row.id: row.time_zone for row in gifts[at : at + _BATCH_SIZE]})


def _recompute(connection: sa.Connection, time_zones: dict[object, str]) -> None:
    facts: dict[object, list[Fact]] = {gift_id: [] for gift_id in time_zones}
    statement = sa.select(*_fact.c).where(_fact.c.gift_id.in_(list(time_zones)))
    for gift_id, kind, *rest in connection.execute(statement):
        facts[gift_id].append(Fact(FactKind(kind), *rest))
    for gift_id, time_zone in time_zones.items():
        copy = cached_copy(facts[gift_id], time_zone)
        # Later migrations add further columns.
        values = {name: value for name, value in copy.items() if name in _gift.c}
        connection.execute(sa.update(_gift).where(_gift.c.id == gift_id).values(**values))
