"""Seals: the end of the chain as a short text that people keep outside of the database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlmodel import col, func, select

from donate.clock import Clock, local_date
from donate.storage.bulk_writes import insert_new
from donate.storage.chain.linker import chain_end
from donate.storage.chain.models import ChainLink, ChainSeal
from donate.storage.database import Database

# A mail program may wrap the lines of a seal differently, or quote them with ">".
_GAP: Final = r"[\s>]+"
_TEXT: Final = re.compile(
    rf"donate seal{_GAP}(\d{{4}}-\d\d-\d\d){_GAP}link (\d{{1,18}}){_GAP}rows (\d{{1,18}})"
    rf"{_GAP}sha256 ([0-9a-f]{{64}})"
)


@dataclass(frozen=True, slots=True)
class Seal:
    """The content of a seal: its day, the number of links and rows, and the last link's hash."""

    day: date
    position: int
    row_count: int
    hash: bytes

    def __str__(self) -> str:
        return (
            f"donate seal {self.day}\nlink {self.position}\nrows {self.row_count}\n"
            f"sha256 {self.hash.hex()}"
        )


def seals_in(text: str) -> Iterator[Seal]:
    """Yield each seal in a text, such as a saved e-mail."""
    for day, position, row_count, digest in _TEXT.findall(text):
        yield Seal(date.fromisoformat(day), int(position), int(row_count), bytes.fromhex(digest))


def seal_of(row: ChainSeal, time_zone: str) -> Seal:
    """Return the content of a stored seal. Its day is the day of `sealed_at` in the time zone."""
    day = local_date(row.sealed_at, time_zone)
    return Seal(day, row.position, row.row_count, row.hash)


class DailySeals:
    """The background job that seals the end of the chain once a day.

    If `is_mailed` is true, each seal is also marked as due to be sent by e-mail.
    """

    def __init__(
        self, database: Database, clock: Clock, time_zone: str, *, is_mailed: bool
    ) -> None:
        self._database = database
        self._clock = clock
        self._time_zone = time_zone
        self._is_mailed = is_mailed
        self._sealed_on: date | None = None

    def seal_due(self) -> int:
        """Seal the chain if it has no seal for today yet. Return how many seals were added."""
        today = local_date(self._clock.now(), self._time_zone)
        if self._sealed_on == today:
            return 0
        with self._database.reading() as session:
            is_sealed = session.exec(select(ChainSeal.id).where(ChainSeal.day == today)).first()
        if is_sealed is None and self._seal(today) is None:
            return 0
        self._sealed_on = today
        return int(is_sealed is None)

    def seal_now(self) -> ChainSeal | None:
        """Add a seal besides the daily one, and return it; return None if there is no chain yet."""
        return self._seal(None)

    def _seal(self, day: date | None) -> ChainSeal | None:
        now = self._clock.now()
        with self._database.writing() as session:
            position, digest = chain_end(session)
            if not position:
                return None
            covered = select(func.sum(ChainLink.row_count)).where(
                col(ChainLink.position) <= position
            )
            seal = ChainSeal(
                day=day,
                sealed_at=now,
                position=position,
                row_count=session.exec(covered).one(),
                hash=digest,
                mail_due_at=now if self._is_mailed else None,
            )
            # Another process may have added today's seal.
            insert_new(session, ChainSeal, [seal.model_dump(exclude={"id"})])
            return seal
