"""The migrations of the staff's list of gifts and of their accounts."""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import select

from donate.finance.activity.trail import record_act
from donate.finance.models import Staff
from donate.finance.sessions import find_session
from donate.gifts.audit import differences
from donate.gifts.facts import FactKind
from donate.storage.database import Database
from tests.finance.finance_site import start_staff_session
from tests.letters.facts import tell
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    gift_now,
    give,
)
from tests.upgrading import as_before, upgrade_to


def test_migration_0016_marks_gifts_that_were_reported_as_sent(database: Database) -> None:
    """Migration 0016 adds the mark to gifts whose donors reported the transfer as sent."""
    gift, other = give(database, mode="interac"), give(database)
    tell(database, gift, FactKind.TRANSFER_ANNOUNCED, str(gift.id))
    with database.writing() as session:
        indexes = ("flagged", "announced", *_LISTED_BY)
        for statement in (
            *(f"DROP INDEX gift_{name}" for name in indexes),
            "CREATE INDEX gift_by_status ON gift (status, opened_at)",
            "CREATE INDEX gift_by_day_received ON gift (received_on)",
            "DROP TABLE saved_view",
            "ALTER TABLE gift DROP COLUMN transfer_announced",
            as_before("0016"),
        ):
            session.execute(sa.text(statement))
    upgrade_to("0016", database)
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
    assert gift_now(database, gift).transfer_announced
    assert not gift_now(database, other).transfer_announced


_LISTED_BY = tuple(
    f"by_{name}"
    for name in ("status", "day_received", "amount", "mode", "code", "fund", "language")
)


def test_migration_0017_says_when_staff_last_signed_in(database: Database) -> None:
    """Migration 0017 stores when each person last signed in, and keeps open sessions."""
    with database.writing() as session:
        token = start_staff_session(session, now=NOW)
        start_staff_session(session, "zoe@example.org", now=NOW)
        (ann, _) = session.exec(select(Staff).order_by(Staff.email)).all()
        for day in (1, 3, 2):
            moment = NOW + timedelta(days=day)
            record_act(session, "signed_in", now=moment, staff_id=ann.id)
        record_act(session, "signed_out", now=NOW + timedelta(days=9), staff_id=ann.id)
    with database.writing() as session:
        for table in ("staff_invitation", "second_factor", "recovery_code", "pending_sign_in"):
            session.execute(sa.text(f"DROP TABLE {table}"))
        session.execute(sa.text("DROP TABLE provider_sign_in"))
        for column in ("staff.signed_in_at", "staff.version", "staff_session.second_factor_at"):
            table, _, name = column.partition(".")
            session.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {name}"))
        for name in ("address", "browser"):
            session.execute(sa.text(f"ALTER TABLE staff_session DROP COLUMN {name}"))
        session.execute(sa.text(as_before("0017")))
    upgrade_to("0017", database)
    with database.reading() as session:
        people = session.exec(select(Staff).order_by(Staff.email)).all()
        assert [one.signed_in_at for one in people] == [NOW + timedelta(days=3), None]
        signed_in = find_session(session, token, now=NOW)
    assert signed_in
    assert signed_in.second_factor_at is None
