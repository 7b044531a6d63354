"""The service runs with an account of PostgreSQL that cannot change its tables."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from donate.cli import main
from donate.errors import Misconfigured
from donate.storage.constraints import APPEND_ONLY
from donate.storage.database import Database
from donate.storage.schema import SchemaAge
from donate.storage.service_account import may_alter_tables, service_accounts
from tests.books.months.month_world import close, record_march
from tests.chain.chained import link_all, problems
from tests.deploy.running import give
from tests.faults.processes import a_machine
from tests.faults.quick_start import Forker
from tests.journeys.donor_steps import RECEIVED
from tests.real_parts import SERVICE_ACCOUNT, Postgres
from tests.retention.pruned import card_tester, differences_in, gifts_of, prune_all, record_newest
from tests.upgrading import upgrade_to
from tests.waiting import until


@pytest.fixture
def owner_url(postgres: Postgres) -> Iterator[str]:
    """Return the URL of a migrated database, with the account that owns its tables."""
    url = postgres.fresh_url()
    yield url
    postgres.drop(url)


@pytest.fixture
def small(postgres: Postgres, owner_url: str) -> Iterator[Database]:
    """Open the database with the account of the service."""
    database = Database(postgres.as_service(owner_url))
    yield database
    database.close()


def test_the_service_takes_gifts_with_it(
    start: Forker, postgres: Postgres, owner_url: str, tmp_path: Path
) -> None:
    """A card gift is opened, paid and confirmed by its webhook, and the audit finds no fault."""
    with a_machine(start, postgres.as_service(owner_url), tmp_path) as machine:
        machine.serve()
        world = machine.world
        back = world.pay(world.submit(world.fill_in()))
        until(lambda: RECEIVED in world.page(back))
        assert give(world.url) == 201
        assert machine.audit() == 0
    assert "InsufficientPrivilege" not in (tmp_path / "log").read_text()


def test_a_month_is_closed_with_it(small: Database) -> None:
    """A month is recorded from gifts, payouts and bank lines, closed, chained and audited."""
    record_march(small)
    assert close(small)
    link_all(small)
    assert problems(small) == []


def test_retention_prunes_with_it(small: Database) -> None:
    """Gifts that were never paid go, with the amendments of the chain."""
    card_tester(small)
    record_newest(small)
    prune_all(small)
    assert gifts_of(small) == set()
    assert differences_in(small) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE gift",
        "TRUNCATE letter",
        "CREATE TABLE another (id int)",
        "ALTER TABLE gift ADD COLUMN more int",
        "ALTER TABLE gift_fact DISABLE TRIGGER ALL",
        "CREATE TRIGGER mine BEFORE INSERT ON gift EXECUTE FUNCTION refuse_change()",
        "DROP FUNCTION refuse_change() CASCADE",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET session_replication_role = replica",
    ],
)
def test_it_cannot_change_the_tables(small: Database, statement: str) -> None:
    """PostgreSQL itself refuses to change tables, triggers, functions and rights."""
    with small.engine.begin() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(text(statement))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("table", sorted({*APPEND_ONLY} - {"gift_fact", "staff_act"}))
def test_it_only_adds_to_what_is_kept(small: Database, table: str) -> None:
    """What is recorded for good can be added to, and neither changed nor deleted."""
    with small.engine.begin() as connection:
        for right, may in (("SELECT", True), ("INSERT", True), ("UPDATE", False)):
            asked = text("SELECT has_table_privilege(:table, :right)")
            row = {"table": table, "right": right}
            assert connection.execute(asked, row).scalar_one() is may
    with small.engine.begin() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text(f"DELETE FROM {table}"))


def rights_that_are_missing(small: Database) -> list[str]:
    """Return the tables that the service cannot write to."""
    missing = text(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND NOT has_table_privilege(format('%I.%I', schemaname, tablename), 'INSERT')"
    )
    with small.engine.connect() as connection:
        return [name for name in connection.execute(missing).scalars() if name != "alembic_version"]


def test_who_may_alter_tables(owner_url: str, small: Database) -> None:
    """The owner may, and so may an account that got one right too many."""
    owner = Database(owner_url)
    with owner.engine.begin() as connection:
        assert may_alter_tables(connection)
        assert service_accounts(connection) == [SERVICE_ACCOUNT]
    for too_much in ("TRUNCATE ON gift", "TRIGGER ON letter", "CREATE ON SCHEMA public"):
        with small.engine.connect() as connection:
            assert not may_alter_tables(connection)
        with owner.engine.begin() as connection:
            connection.execute(text(f"GRANT {too_much} TO {SERVICE_ACCOUNT}"))
        with small.engine.connect() as connection:
            assert may_alter_tables(connection)
        owner.upgrade(SERVICE_ACCOUNT)
    owner.close()


def test_an_upgrade_gives_rights_on_new_tables(postgres: Postgres) -> None:
    """An account that has its rights gets those on new tables; before, it cannot migrate."""
    url = postgres.empty_url()
    owner, small = Database(url), Database(postgres.as_service(url))
    upgrade_to("0041", owner)
    with owner.engine.begin() as connection:
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {SERVICE_ACCOUNT}"))
    assert small.age() is SchemaAge.OLD
    with pytest.raises(Misconfigured, match="with the account that owns the tables"):
        small.upgrade()
    owner.upgrade()
    assert gifts_of(small) == set()
    small.upgrade()
    assert not rights_that_are_missing(small)
    for database in (owner, small):
        database.close()


def test_an_account_without_rights_is_told(postgres: Postgres) -> None:
    """Without `donate db grant`, the first look at the database says what to do."""
    url = postgres.empty_url()
    owner, small = Database(url), Database(postgres.as_service(url))
    owner.upgrade()
    with pytest.raises(Misconfigured, match="run `donate db upgrade`"):
        small.age()
    for database in (owner, small):
        database.close()


Saying = pytest.CaptureFixture[str]


def grant(account: str) -> int:
    return main(["db", "grant", account])


@pytest.mark.usefixtures("environment")
def test_the_command(postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: Saying) -> None:
    """`donate db grant` migrates and gives the rights, and says what stands in the way."""
    assert grant(SERVICE_ACCOUNT) == 1
    assert "SQLite has no accounts" in capsys.readouterr().err
    url = postgres.empty_url()
    monkeypatch.setenv("DATABASE_URL", url)
    assert grant("nobody") == 1
    assert "PostgreSQL has no account nobody: make it" in capsys.readouterr().err
    assert grant("postgres") == 1
    assert "make another account for the service" in capsys.readouterr().err
    assert grant(SERVICE_ACCOUNT) == 0
    assert f"{SERVICE_ACCOUNT} may do what the service needs" in capsys.readouterr().out
    monkeypatch.setenv("DATABASE_URL", postgres.as_service(url))
    assert grant(SERVICE_ACCOUNT) == 1
    assert "with the account that owns the tables" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_the_doctor_warns(
    postgres: Postgres, owner_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Saying
) -> None:
    """`donate doctor` warns if the account of the service could alter its tables."""
    for url, warns in ((owner_url, True), (postgres.as_service(owner_url), False)):
        monkeypatch.setenv("DATABASE_URL", url)
        main(["doctor"])
        assert ("may alter the tables" in capsys.readouterr().out) is warns
