"""Migrations make the tables of the models, even if they run twice or in two processes."""

import runpy
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel, col, select

import donate.app  # noqa: F401 -- it imports the tables of every folder
from donate.gifts.audit import differences
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftWish
from donate.gifts.movements.models import GiftMovement
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.storage.schema import MIGRATIONS, VERSIONS
from tests.letters.facts import tell
from tests.letters.mailer import open_mailer, run_mail_server, smtp_to
from tests.real_parts import Postgres
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    event,
    gift_now,
    give,
    refund_of,
    session_for,
    settle,
)
from tests.upgrading import upgrade_to, without_profiles


def is_modelled(name: str | None, *_: object) -> bool:
    """Return whether a table has a model; the tables of SQLite's FTS5 have none."""
    return name is None or not name.startswith("search_words")


def test_models_and_migrations_agree(database: Database) -> None:
    """Alembic finds no difference between the models and the tables."""
    options = {"compare_type": True, "compare_server_default": True, "include_name": is_modelled}
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, SQLModel.metadata) == []


@pytest.mark.parametrize("table", SQLModel.metadata.sorted_tables, ids=lambda table: table.name)
def test_constraints_agree_by_name(database: Database, table: sa.Table) -> None:
    """Models and tables have CHECK constraints and indexes of the same names.

    Alembic's own comparison covers them only in part.
    """
    inspector = sa.inspect(database.engine)
    checks = {c["name"] for c in inspector.get_check_constraints(table.name)}
    assert checks == {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
    unique = {c["name"] for c in inspector.get_unique_constraints(table.name)}
    indexes = {i["name"] for i in inspector.get_indexes(table.name)} - unique
    assert indexes == {index.name for index in table.indexes}


def test_every_table_of_the_models_is_there(database: Database) -> None:
    """The database has exactly the tables of the models, and `alembic_version`."""
    tables = set(filter(is_modelled, sa.inspect(database.engine).get_table_names()))
    assert tables == {*SQLModel.metadata.tables, "alembic_version"}


def test_an_upgrade_again_changes_nothing(database: Database) -> None:
    """Upgrading an up-to-date database changes nothing."""
    before = everything(database)
    database.upgrade()
    database.upgrade()
    assert everything(database) == before


def everything(database: Database) -> list[Any]:
    if database.is_sqlite:
        statement = "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
    else:
        statement = "SELECT table_name, column_name FROM information_schema.columns ORDER BY 1, 2"
    with database.reading() as session:
        return list(session.connection().exec_driver_sql(statement).all())


def empty_sqlite(folder: Path, _postgres: Postgres) -> str:
    return f"sqlite:///{folder}/100% new?.sqlite3".replace("?", "%3F")


def empty_postgresql(_folder: Path, postgres: Postgres) -> str:
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE empty")
    return postgres.url_of("empty")


@pytest.mark.parametrize("empty", [empty_sqlite, empty_postgresql])
def test_two_upgrades_at_once_make_one_set_of_tables(
    tmp_path: Path, postgres: Postgres, empty: Callable[[Path, Postgres], str]
) -> None:
    """If services start together on an empty database, one migrates and the others wait."""
    url = empty(tmp_path, postgres)
    databases = [Database(url) for _ in range(4)]
    failures: list[BaseException] = []

    def upgrade(database: Database) -> None:
        try:
            database.upgrade()
        except BaseException as error:  # noqa: BLE001 -- asserted below
            failures.append(error)

    threads = [threading.Thread(target=upgrade, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {*SQLModel.metadata.tables} <= set(sa.inspect(databases[0].engine).get_table_names())
    for database in databases:
        database.close()


def test_the_newest_file_is_the_newest_migration() -> None:
    """The newest migration is known from file names, because each begins with its number."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")
    assert max(VERSIONS.glob("*.py")).name[:4] == scripts.get_current_head()


def test_migration_0006_corrects_cached_statuses(database: Database) -> None:
    """Migration 0006 corrects the status of a gift that was paid twice and refunded once."""
    gift, other = give(database, attempts=2), give(database)
    payments = [session_for(gift), session_for(gift)]
    payments[1]["metadata"]["attempt"] = "2"
    settle(
        database,
        *(event("checkout.session.completed", one) for one in (*payments, session_for(other))),
        event("refund.created", refund_of(payments[0]["payment_intent"], AMOUNT)),
    )
    old = "UPDATE gift SET status = 'partly_refunded', flags = 'amount_differs,paid_more_than_once'"
    with database.writing() as session:
        session.execute(sa.text(f"{old} WHERE returned_minor > 0"))
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0005'"))
        assert len(list(differences(session))) == 2
    upgrade_to("0006", database)
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
    for one, received in ((gift, 2 * AMOUNT), (other, AMOUNT)):
        now = gift_now(database, one)
        expected = ("confirmed", received, AMOUNT, "")
        assert (now.status, now.received_minor, now.net_minor, now.flags) == expected


def test_no_more_is_returned_than_was_received(database: Database) -> None:
    """An upgrade corrects a gift that was stored with more returned than received."""
    gift, other = give(database), give(database)
    paid = session_for(gift)
    settle(
        database,
        event("checkout.session.completed", paid),
        event("checkout.session.completed", session_for(other)),
        event("refund.created", refund_of(paid["payment_intent"], AMOUNT)),
    )
    more = sa.text("UPDATE gift SET returned_minor = received_minor + 1 WHERE returned_minor > 0")
    with database.writing() as session:
        session.execute(more)
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0009'"))
        assert len(list(differences(session))) == 1
    upgrade_to("0010", database)
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
    assert gift_now(database, gift).returned_minor == AMOUNT


def test_migrations_0011_and_0012_add_funds_movements_and_totals(database: Database) -> None:
    """Both migrations together move each fund to its gift, and add its movements and day totals."""
    gift, other = give(database), give(database)
    paid = session_for(gift)
    settle(
        database,
        event("checkout.session.completed", paid),
        event("refund.created", refund_of(paid["payment_intent"], AMOUNT)),
    )
    wish: dict[str, Any] = {
        "is_anonymous": False,
        "note": "",
        "tribute_kind": "",
        "tribute_name": "",
    }
    with database.writing() as session:
        session.add(GiftWish(gift_id=gift.id, **wish, fee_cover_minor=0))
        session.add(GiftWish(gift_id=other.id, **wish | {"note": "Thanks"}, fee_cover_minor=0))
    with database.writing() as session:
        for statement in (
            *without_profiles(database),
            "DROP TABLE gift_movement",
            "DROP TABLE day_total",
            "DROP INDEX gift_by_fund",
            "ALTER TABLE gift DROP COLUMN fund",
            "ALTER TABLE gift_wish ADD COLUMN fund VARCHAR(32) NOT NULL DEFAULT 'roof'",
            "UPDATE alembic_version SET version_num = '0010'",
        ):
            session.execute(sa.text(statement))
    upgrade_to("0014", database)  # the audit below also needs what later migrations add
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
        movements = session.exec(select(GiftMovement).order_by(col(GiftMovement.id))).all()
        assert [row.kind for row in movements] == ["payment", "refund"]
        assert {row.gift_id for row in session.exec(select(GiftWish))} == {other.id}
        assert {row.fund for row in session.exec(select(Gift))} == {"roof"}


def test_only_what_is_older_is_migrated(database: Database) -> None:
    """When the service starts, it migrates tables of an older version, and no others."""
    with patch("donate.storage.database.migrate") as migrate:
        database.upgrade()
        assert migrate.call_count == 0
        with database.writing() as session:
            session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
        database.upgrade()
        assert migrate.call_count == 1


def test_thanks_sent_before_the_migration_are_corrected(database: Database) -> None:
    """A thank-you that an earlier version sent is corrected when staff undo its transfer."""
    gift = give(database, mode="interac")
    tell(database, gift, FactKind.TRANSFER_RECEIVED, "C1")
    with database.writing() as session:
        row = new_letter(gift.id, LetterKind.THANK_YOU, "", now=NOW) | {
            "state": "sent",
            "sent_at": NOW,
        }
        insert_new(session, Letter, [row])
    with database.engine.begin() as connection:
        (script,) = VERSIONS.glob("*_what_a_letter_knew.py")
        for statement in runpy.run_path(str(script))["STATEMENTS"]:
            connection.execute(sa.text(statement))
    tell(database, gift, FactKind.TRANSFER_UNDONE, "C1", recorded_at=NOW + timedelta(minutes=1))
    with run_mail_server() as mail_server:
        mailer = open_mailer(database, smtp_to(mail_server), now=NOW + timedelta(minutes=11))
        mailer.run()
    first = mailer.letters()[0]
    assert (first.kind, first.occasion) == ("thank_you", "C1")
    assert ["correction" in subject for subject in mail_server.subjects()] == [True]
