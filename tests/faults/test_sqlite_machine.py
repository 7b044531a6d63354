"""Locks, a full disk and replaced files: a service on SQLite answers 503 and loses nothing."""

import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from donate.errors import DatabaseBusy
from donate.storage.database import Database
from tests.faults.processes import Machine, a_machine
from tests.faults.quick_start import Forker
from tests.journeys.donor_steps import ANN, field
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import as_bytes, event, sign
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.waiting import until

LOCKED_S = 10
HOLD = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
    "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
)


def an_event() -> bytes:
    return as_bytes(event("customer.created", {"id": "cus_1"}))


def deliver(machine: Machine, body: bytes) -> int:
    answer = machine.world.http.post(
        WEBHOOK_PATH, content=body, headers={"stripe-signature": sign(body)}
    )
    assert answer.status_code == 200 or answer.headers["retry-after"]
    return answer.status_code


def stored(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        count: int = connection.execute("SELECT count(*) FROM stripe_event").fetchone()[0]
    connection.close()
    return count


@contextmanager
def a_service(start: Forker, sqlite: Sqlite, folder: Path) -> Iterator[tuple[Machine, Path]]:
    url = sqlite.fresh_url()
    with a_machine(start, url, folder) as machine:
        machine.serve()
        yield machine, Path(url.removeprefix("sqlite:///"))


def test_a_write_lock_of_ten_seconds_is_a_503(
    start: Forker, sqlite: Sqlite, tmp_path: Path
) -> None:
    """While another process holds the write lock, forms and events get 503, but pages open."""
    with a_service(start, sqlite, tmp_path) as (machine, file):
        form = machine.world.fill_in("interac")
        hold = [sys.executable, "-c", HOLD, str(file)]
        with subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdin
            assert other.stdout
            assert other.stdout.readline() == b"held\n"
            start_time, body = time.monotonic(), an_event()
            assert deliver(machine, body) == 503
            answer = machine.world.http.post("/give/LWCAN", data=form)
            assert (answer.status_code, "What you entered is still here" in answer.text) == (
                503,
                True,
            )
            assert machine.world.http.get("/give/LWCAN").status_code == 200
            assert time.monotonic() - start_time >= LOCKED_S - 0.5
            other.stdin.close()
        assert deliver(machine, body) == 200
        assert machine.world.http.post("/give/LWCAN", data=form).status_code == 303
        assert stored(file) == 1
        assert machine.audit() == 0


def test_a_full_disk_is_a_503(start: Forker, sqlite: Sqlite, tmp_path: Path) -> None:
    """While the disk is full, forms and events get 503; every event that got 200 is stored."""
    with a_service(start, sqlite, tmp_path) as (machine, file):
        process = machine.running[-1]
        assert deliver(machine, an_event()) == 200
        _, limit = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        log_bytes = file.with_name(file.name + "-wal").stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (log_bytes + 9_000, limit))
        bodies = [an_event() for _ in range(30)]
        answers = [deliver(machine, body) for body in bodies]
        assert set(answers) >= {503}
        assert set(answers) <= {200, 503}
        assert stored(file) == 1 + answers.count(200)
        page = machine.world.http.get("/give/LWCAN")
        form = ANN | {"mode": "interac", "lang": "en-CA", "nonce": field(page.text, "nonce")}
        assert machine.world.http.post("/give/LWCAN", data=form).status_code == 503

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        assert {deliver(machine, body) for body in bodies} == {200}
        assert machine.world.http.post("/give/LWCAN", data=form).status_code == 303
        assert stored(file) == 31
        assert process.ended() is None
        assert machine.audit() == 0


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_file_that_was_replaced_is_not_written_to(
    start: Forker, sqlite: Sqlite, tmp_path: Path, is_gone: bool
) -> None:
    """If the database file is moved away or replaced, events get 503 until it is back."""
    with a_service(start, sqlite, tmp_path) as (machine, file):
        assert deliver(machine, an_event()) == 200
        aside = file.with_name("moved-aside.sqlite3")
        file.rename(aside)
        if not is_gone:
            shutil.copy(sqlite.fresh_url().removeprefix("sqlite:///"), file)
        bodies = [an_event() for _ in range(3)]
        assert {deliver(machine, body) for body in bodies} == {503}
        assert machine.world.http.get("/readyz").status_code == 503
        assert file.exists() != is_gone  # the service created no new file

        aside.rename(file)
        assert {deliver(machine, body) for body in bodies} == {200}
        assert stored(file) == 4
        assert machine.audit() == 0


def test_a_restored_backup_is_used_after_a_restart(
    start: Forker, sqlite: Sqlite, tmp_path: Path
) -> None:
    """A backup that replaces the database file is used only after the service restarts."""
    with a_service(start, sqlite, tmp_path) as (machine, file):
        assert deliver(machine, an_event()) == 200
        backup = Path(sqlite.fresh_url().removeprefix("sqlite:///"))
        # SQLite would replay the old file's write-ahead log (WAL) into the backup.
        for beside in ("-wal", "-shm"):
            file.with_name(file.name + beside).unlink()
        backup.replace(file)
        body = an_event()
        assert deliver(machine, body) == 503
        assert stored(file) == 0
        process = machine.running[-1]
        process.terminate()
        assert process.wait(15) in (0, -15)
        machine.serve()
        until(lambda: deliver(machine, body) == 200)
        assert stored(file) == 1
        assert machine.audit() == 0


def test_a_file_replaced_in_the_middle_of_a_write_is_noticed(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    """If the database file is replaced during a transaction, the commit raises DatabaseBusy."""
    file = tmp_path / "donate.sqlite3"
    shutil.copy(sqlite.fresh_url().removeprefix("sqlite:///"), file)
    database = Database(f"sqlite:///{file}")
    database.ping()
    with pytest.raises(DatabaseBusy, match="replaced"), database.writing():
        file.rename(tmp_path / "elsewhere")
    database.close()
