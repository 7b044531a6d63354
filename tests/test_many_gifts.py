"""`add_many_gifts` fills the demo's database with thousands of example gifts."""

from sqlalchemy import text
from sqlmodel import select

from donate.demo.many_gifts import add_many_gifts
from donate.gifts.audit import differences
from donate.gifts.models import Donor, Gift
from donate.gifts.movements.models import Subject
from donate.gifts.movements.rules import MovementKind
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.gifts.search_index.index_audit import search_differences
from donate.gifts.status import StatusName
from donate.storage.database import Database

HOW_MANY = 3_000


def test_many_gifts_pass_the_audit(database_url: str) -> None:
    """Gifts that are inserted in bulk have the statuses and totals that follow from their facts."""
    shown: list[tuple[int, int]] = []
    add_many_gifts(database_url, HOW_MANY, lambda done, total: shown.append((done, total)))
    database = Database(database_url)
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
        assert list(search_differences(session)) == []
        assert len(session.exec(select(Gift.id)).all()) == HOW_MANY
        emails = set(session.exec(select(Donor.email)).all())
        statuses = {str(status) for status in session.exec(select(Gift.status).distinct())}
        totals = add_up(session, TotalFilter(Subject.MOVEMENT), by=["kind"])
    database.close()
    assert len(emails) == HOW_MANY // 5
    assert statuses >= set(StatusName) - {StatusName.PROCESSING, StatusName.DISPUTED}
    assert {total.group[0] for total in totals} >= {
        MovementKind.PAYMENT,
        MovementKind.TRANSFER,
        MovementKind.TRANSFER_UNDONE,
        MovementKind.REFUND,
        MovementKind.DISPUTE,
    }
    assert shown[-1] == (HOW_MANY, HOW_MANY)


def test_many_gifts_leave_the_indexes(database_url: str) -> None:
    """Indexes and triggers that are dropped to insert many gifts are created again."""
    database = Database(database_url)
    database.upgrade()
    before = _schema(database)
    database.close()
    add_many_gifts(database_url, 50, lambda _done, _total: None)
    database = Database(database_url)
    assert _schema(database) == before
    assert len(before) > 50
    database.close()


def _schema(database: Database) -> set[str]:
    """Return the statements that create the indexes and the triggers."""
    sqlite = "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    postgresql = (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() "
        "UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    )
    with database.reading() as session:
        sql = text(sqlite if database.is_sqlite else postgresql)
        return set(session.execute(sql).scalars())
