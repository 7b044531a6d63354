"""Exports that break off in the middle, and exports of many rows."""

import io
import re
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from donate.errors import DatabaseBusy
from donate.finance.exports.csv_files import CsvFile
from donate.finance.exports.registry import read_export
from donate.finance.exports.runs import ExportRun
from donate.finance.exports.xlsx_files import write_xlsx
from donate.finance.sessions import start_session
from donate.storage.database import Database
from tests.finance.finance_site import NOW, open_site
from tests.finance.money_samples import TWO_REGIONS, add_many_movements, give
from tests.finance.spreadsheets import read_xlsx
from tests.real_parts import served

MANY = 100_000
ROWS = 20_000
FLAT_BYTES = 12_000_000


def run_of(database: Database) -> ExportRun:
    export = read_export("movements", [], TWO_REGIONS)
    return ExportRun(export, database, made_by="ann@example.org", made_at=NOW)


def put(database: Database, count: int) -> None:
    add_many_movements(database, give(database, "many"), count)


def break_database(database: Database, breaker: Database) -> None:
    """Make reading fail: end PostgreSQL's connections, or overwrite the pages of SQLite's file."""
    if not database.is_sqlite:
        with breaker.reading() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        return
    name = make_url(str(database.engine.url)).database
    assert name
    with Path(name).open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(200_000)
        file.write(b"\xff" * (size - 200_000))


@pytest.fixture
def breaker(database: Database, database_url: str) -> Iterator[Database]:
    """Fill the database, and return a second `Database` with its own connections to it."""
    put(database, ROWS)
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execution_options(copies_log=True)
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    other = Database(database_url)
    yield other
    other.close()


def test_a_csv_that_breaks_off_says_so_in_its_last_line(
    database: Database, breaker: Database
) -> None:
    """If the database fails midway, the last line of the CSV begins with INCOMPLETE."""
    run = run_of(database)
    file = CsvFile(run)
    chunks = file.chunks()
    body = b"".join(islice(chunks, 3))
    break_database(database, breaker)
    rest: list[bytes] = []
    with pytest.raises((DatabaseBusy, DBAPIError)):
        rest.extend(chunks)
    lines = (body + b"".join(rest)).decode("utf-8-sig").split("\r\n")
    assert lines[-1] == ""
    expected = f"INCOMPLETE: the export broke off after {run.count} rows ("
    assert lines[-2].startswith(expected)
    assert len(lines) - 3 == run.count
    assert 0 < run.count < ROWS
    assert run.control_totals()["complete"] is False


def test_an_xlsx_that_breaks_off_says_so_in_its_last_row(
    database: Database, breaker: Database
) -> None:
    """If the database fails midway, the XLSX can be opened, and its last row says INCOMPLETE."""
    export = read_export("movements", [], TWO_REGIONS)
    done = threading.Event()

    def fail_midway(_count: int) -> None:
        if not done.is_set():
            done.set()
            break_database(database, breaker)

    run = ExportRun(
        export, database, made_by="ann@example.org", made_at=NOW, on_progress=fail_midway
    )
    file = io.BytesIO()
    with pytest.raises((DatabaseBusy, DBAPIError)):
        write_xlsx(run, file)
    sheets = read_xlsx(file.getvalue())
    last = sheets["movements"][-1][0]
    assert last is not None
    assert last.value.startswith(f"INCOMPLETE: the export broke off after {run.count} rows")
    assert 0 < run.count < ROWS
    control = {row[0].value: row[1].value for row in sheets["control"] if row[0] and row[1]}
    assert (control["complete"], control["rows"]) == ("no", str(run.count))


def test_a_download_that_breaks_off_is_marked_and_cut(
    database: Database, breaker: Database
) -> None:
    """A browser gets the line INCOMPLETE, and then a connection that ends too early."""
    site = open_site(database, regions=TWO_REGIONS)
    staff_id = site.add_staff()
    with database.writing() as session:
        token = start_session(session, staff_id, now=NOW)
    body: list[bytes] = []
    with served(site.app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        cookies = {"Cookie": f"donate_staff={token}"}
        with client.stream("GET", "/finance/movements.csv", headers=cookies) as answer:
            assert answer.status_code == 200
            chunks = answer.iter_raw()
            body.append(next(chunks))
            break_database(database, breaker)
            with pytest.raises(httpx.RemoteProtocolError):
                body.extend(chunks)
    last = b"".join(body).decode("utf-8-sig").rstrip("\r\n").rpartition("\r\n")[2]
    assert last.startswith("INCOMPLETE: the export broke off after ")


def test_a_broken_database_gives_an_error_page_instead_of_a_file(
    database: Database, breaker: Database
) -> None:
    """If reading fails before anything was sent, the answer is an error page, not a file."""
    site = open_site(database, regions=TWO_REGIONS)
    browser = site.signed_in()
    with breaker.writing() as session:
        session.execute(text("ALTER TABLE gift_movement RENAME TO gone"))
    browser = type(browser)(site.app, cookies=browser.cookies, raise_server_exceptions=False)
    for ending in ("csv", "xlsx", "control.json"):
        answer = browser.get(f"/finance/movements.{ending}")
        assert answer.status_code == 500
        assert answer.headers["content-type"].startswith("text/html")
        assert "content-disposition" not in answer.headers


def memory(name: str) -> int:
    """Return VmRSS (memory in use) or VmHWM (the most that was in use) of this process in bytes."""
    status = Path("/proc/self/status").read_text()
    match = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    assert match
    return int(match[1]) * 1024


@pytest.mark.alone
def test_many_rows_need_no_more_memory_than_few(database: Database) -> None:
    """An export of 100,000 rows, 20 MB of CSV, needs less than 12 MB of memory."""
    put(database, MANY)
    list(islice(CsvFile(run_of(database)).chunks(), 3))  # imports and caches are not measured
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM to the memory in use
    before = memory("VmRSS")
    size = sum(map(len, CsvFile(run_of(database)).chunks()))
    assert size > 150 * MANY
    assert memory("VmHWM") - before < FLAT_BYTES


def test_sheets_are_filled_one_after_the_other(database: Database) -> None:
    """Rows beyond the limit of a sheet go to another sheet with the same header."""
    put(database, 25)
    file = io.BytesIO()
    write_xlsx(run_of(database), file, rows_in_a_sheet=10)
    sheets = read_xlsx(file.getvalue())
    lengths = {name: len(rows) for name, rows in sheets.items() if name != "control"}
    assert lengths == {"movements": 11, "movements 2": 11, "movements 3": 6}
    assert sheets["movements 3"][0] == sheets["movements"][0]
    sources = {row[11].value for name in lengths for row in sheets[name][1:] if row[11]}
    assert sources == {f"bulk-{number}" for number in range(1, 26)}
