"""Migration 0018 computes the rows and the totals of the monthly gifts of an older version."""

import sqlalchemy as sa
from sqlmodel import col, select

from donate.gifts.audit import differences
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.gifts.movements.models import DayTotal
from donate.storage.bulk_writes import table_of
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import give, settle
from tests.stripe_gateway.months import subscription_event
from tests.upgrading import as_before, let_totals_count, upgrade_to


def test_migration_0018_fills_the_pledges(database: Database) -> None:
    """Migration 0018 gives each monthly gift its row and its share in the totals, in chunks."""
    monthly = [give(database, frequency="monthly") for _ in range(501)]
    once = give(database)
    settle(database, subscription_event(monthly[0], "updated", status="past_due"))
    with database.reading() as session:
        before = session.exec(select(PledgeRow).order_by(col(PledgeRow.id))).all()
    with database.writing() as session:
        for statement in (
            "DROP TABLE pledge",
            "DELETE FROM day_total WHERE subject = 'pledge'",
            "DROP INDEX open_pledge_change_form",
            "ALTER TABLE open_pledge_change DROP COLUMN form_key",
            "ALTER TABLE open_pledge_change DROP COLUMN resumes_at",
            as_before("0018"),
        ):
            session.execute(sa.text(statement))
        let_totals_count(session, "gift", "movement")
    upgrade_to("0018", database)
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
        after = session.exec(select(PledgeRow).order_by(col(PledgeRow.id))).all()
    assert after == before
    assert len(after) == 501
    assert once.id not in {row.id for row in after}
    assert [row.stage for row in after].count(PledgeStage.PAST_DUE) == 1
    inspector = sa.inspect(database.engine)
    indexes = {index["name"] for index in inspector.get_indexes("day_total")}
    assert indexes == {index.name for index in table_of(DayTotal).indexes}
