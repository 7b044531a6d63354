"""Copies a SQLite database while the service uses it. For PostgreSQL there is pg_dump."""

import os
import sqlite3
from pathlib import Path

from donate.errors import Misconfigured


def back_up_sqlite(file: Path, copy: Path) -> None:
    """Write a copy of the database as it is now. Only its owner may read the copy.

    The service goes on writing meanwhile. Raises Misconfigured if there is no database, if the copy
    exists already or cannot be written, or if it is damaged.
    """
    if not file.is_file():
        raise Misconfigured(f"there is no database at {file}")
    unfinished = copy.with_name(copy.name + ".part")
    if copy.exists():
        raise Misconfigured(f"{copy} exists; choose another name, so that no backup is lost")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    except OSError as error:
        raise Misconfigured(f"{unfinished} cannot be written: {error.strerror}") from error
    source, target = sqlite3.connect(file), sqlite3.connect(unfinished)
    try:
        source.backup(target)
        # Without this setting, the copy would have a second file beside it, the write-ahead log.
        target.execute("PRAGMA journal_mode = DELETE")
        damage = [row[0] for row in target.execute("PRAGMA integrity_check") if row[0] != "ok"]
    except sqlite3.Error as error:
        raise Misconfigured(f"the database could not be copied: {error}") from error
    finally:
        source.close()
        target.close()
    if damage:
        raise Misconfigured(f"the database is damaged: {damage[0]}. The copy is {unfinished}")
    unfinished.rename(copy)
