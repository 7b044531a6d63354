"""Only their owner may read the files that commands create, whatever the umask was."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from donate.cli import main
from donate.storage.database import Database
from tests.rows import donor


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Set the usual umask, with which new files are readable by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_database_and_exports_are_private(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database, its log and exports have mode 0600."""
    folder = tmp_path / "new"
    folder.mkdir()
    url = f"sqlite:///{folder / 'donate.sqlite3'}"
    monkeypatch.setitem(os.environ, "DATABASE_URL", url)
    assert environment["DATABASE_URL"] != url
    assert main(["db", "upgrade"]) == 0
    os.umask(0o022)
    database = Database(url)
    with database.writing() as session:
        session.add(donor())
    for out in ("gifts.csv", "donors.xlsx"):
        kind, _, ending = out.partition(".")
        arguments = ["export", kind, "--format", ending, "--out", str(folder / out)]
        assert main(arguments) == 0
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    database.close()
    expected = ("donate.sqlite3", "donate.sqlite3-wal", "donate.sqlite3-shm", "gifts.control.json")
    assert {*expected, "gifts.csv"} <= set(modes)
    assert set(modes.values()) == {0o600}


@pytest.mark.usefixtures("environment", "open_umask")
def test_doctor_finds_files_that_others_may_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the database, what is beside it, copies, and folders of e-mails, and the command."""
    home = tmp_path / "the books"
    letters, mails = home / "letters", home / "mails"
    letters.mkdir(parents=True, mode=0o700)
    mails.mkdir(mode=0o700)
    database = home / "donate.sqlite3"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{database}")
    monkeypatch.setenv("MAIL_FROM", "give@example.org")
    monkeypatch.setenv("LETTERS_FOLDER", str(letters))
    monkeypatch.setenv("TRANSFER_MAIL_FOLDER", str(mails))
    backup = home / "before.sqlite3"
    for arguments in (["upgrade"], ["backup", str(backup)]):
        assert main(["db", *arguments]) == 0
    # While the service has the database open, SQLite keeps the two files beside it. It gives an
    # empty one the mode of the database.
    service = sqlite3.connect(database)
    service.execute("UPDATE alembic_version SET version_num = version_num")
    service.commit()
    beside = [home / f"donate.sqlite3{end}" for end in ("-wal", "-shm")]
    files = [database, *beside, backup, letters / "1.eml", mails / "done" / "2.eml"]
    (mails / "done").mkdir(mode=0o700)
    for file in files:
        file.touch(mode=0o600)
    (home / "notes.txt").touch(mode=0o644)
    assert opened(capsys) == []
    expected = [f"chmod 600 '{file}'" for file in files[:4]]
    expected += [f"chmod -R go= '{folder}'" for folder in (letters, mails)]
    for file, command in zip(files, expected, strict=True):
        for mode in (0o640, 0o604, 0o620):
            file.chmod(mode)
            assert opened(capsys) == [command]
        file.chmod(0o600)
    letters.chmod(0o750)
    assert opened(capsys) == expected[4:5]
    service.close()


def opened(capsys: pytest.CaptureFixture[str]) -> list[str]:
    main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    return [line.split("`")[1] for line in lines if "others than its owner" in line]
