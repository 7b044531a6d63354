"""Finds files with donors' data that others than their owner may open, and says how to close them.

New files are private already (`cli.py` sets the umask); older ones, or copies, may not be.
"""

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from donate.settings import Settings

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SQLITE: Final = b"SQLite format 3\x00"


def open_files(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each file or folder that others than its owner may open."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        for file in _database_files(Path(url.database)):
            if _is_open(file):
                yield _sentence(file, "chmod 600")
    for folder in (settings.letters_folder, settings.transfer_mail_folder):
        if folder and any(map(_is_open, (folder, *folder.rglob("*")))):
            yield _sentence(folder, "chmod -R go=")


def _database_files(database: Path) -> Iterator[Path]:
    """Yield the database, what SQLite keeps beside it, and copies of it in the same folder."""
    beside = [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm")]
    yield from beside
    for file in _files_in(database.parent):
        if file not in beside and _is_database(file):
            yield file


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.is_file())
    except OSError:
        return []


def _is_database(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _is_open(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & _OTHERS)
    except OSError:
        return False


def _sentence(file: Path, command: str) -> str:
    return f"others than its owner may open {file}: run `{command} {shlex.quote(str(file))}`"
