"""Fills a database with millions of gifts, which are copies of two that the service created.

Rows are written through the driver, without the service, because filling is not measured. The ids
are like Stripe's, so that indexes grow realistically: ids of events and payments begin with a time,
and ids of sessions are random.
"""

import hashlib
import string
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlmodel import select

from donate.clock import FixedClock
from donate.demo.bulk_loader import Row, bulk_loader
from donate.gifts.models import Gift
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.models import OpenCheckout
from tests.benchmarks.events import paid
from tests.stripe_gateway.gifts_and_events import NOW, event, give, session_for, settle

BATCH: Final = 20_000
_TABLES: Final = ("donor", "gift", "gift_fact", "stripe_event", "open_checkout")
_START: Final = datetime(2023, 1, 1, tzinfo=UTC)
_FIRST_ID: Final = 1_000_000
_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ACCOUNT: Final = "B7WZ01zgkW"


@dataclass(frozen=True)
class Names:
    """The ids of one gift and of its objects at Stripe, all computed from the gift's number."""

    number: int
    gift: uuid.UUID
    timed: str
    scattered: str

    @classmethod
    def of(cls, number: int) -> "Names":
        scattered = hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest()
        moment = _START + timedelta(seconds=60 * number)
        stamp = int(moment.timestamp() * 1000) << 80
        timed = f"{_base62(int(moment.timestamp()))}{_ACCOUNT}{scattered[-8:]}"
        return cls(number, uuid.UUID(int=stamp | int(scattered[:19], 16)), timed, scattered)

    def as_words(self) -> dict[str, str]:
        """Return the ids and the reference that `events.paid` puts into its template."""
        return {
            "gift": str(self.gift),
            "reference": self.reference,
            "session": f"cs_test_{self.scattered}",
            "payment": f"pi_{self.timed}",
            "event": f"evt_{self.timed}",
        }

    @property
    def reference(self) -> str:
        return f"LWCAN-{self.scattered[:12].upper()}"


class Stock:
    """A database that is filled with copies of two gifts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._bulk = bulk_loader(url)
        self._count = 0
        database = Database(url)
        self._awaited = self._template(database, settled=False)
        self._confirmed = self._template(database, settled=True)
        database.close()

    def add_confirmed(self, how_many: int) -> None:
        """Add gifts whose payments were settled."""
        self._add(how_many, self._confirmed)

    def add_awaited(self, how_many: int, *, with_events: bool = False) -> list[Names]:
        """Add gifts that are not paid yet; `with_events` puts their payments into the inbox."""
        return self._add(how_many, self._awaited, waiting=with_events)

    def count(self, condition: str) -> int:
        """Count rows; `condition` is the SQL after FROM, such as `gift WHERE status = 'lapsed'`."""
        return int(self._bulk.query(f"SELECT count(*) AS n FROM {condition}")[0]["n"])

    def rest(self) -> None:
        """Checkpoint the database and update its statistics, as happens in a database in use."""
        self._bulk.maintain()

    def close(self) -> None:
        self._bulk.close()

    def _add(
        self, how_many: int, template: dict[str, list[Row]], *, waiting: bool = False
    ) -> list[Names]:
        added: list[Names] = []
        while how_many > len(added):
            size = min(BATCH, how_many - len(added))
            names = [Names.of(self._count + number) for number in range(1, size + 1)]
            self._count += size
            added += names
            for table in _TABLES:
                for row in template[table]:
                    self._bulk.insert(table, list(row), self._copies(table, row, names))
            if waiting:
                row = self._confirmed["stripe_event"][0] | {
                    "state": "waiting", "gift_id": None, "settled_at": None
                }  # fmt: skip
                self._bulk.insert("stripe_event", list(row), self._waiting(row, names))
            self._bulk.commit()
        return added

    def _copies(self, table: str, row: Row, names: Iterable[Names]) -> Iterator[list[Any]]:
        for name in names:
            yield list((row | self._changes(table, row, name)).values())

    def _waiting(self, row: Row, names: Iterable[Names]) -> Iterator[list[Any]]:
        for name in names:
            words = name.as_words()
            yield list((row | {"event_id": words["event"], "payload": paid(words)}).values())

    def _changes(self, table: str, row: Row, name: Names) -> Row:
        gift_id, scattered = self._bulk.as_stored(name.gift), name.scattered
        match table:
            case "donor":
                return {"id": _FIRST_ID + name.number, "email": f"{scattered[:9]}@example.com"}
            case "gift":
                return {
                    "id": gift_id,
                    "reference": name.reference,
                    "link_name": scattered[:22],
                    "form_key": scattered,
                    "donor_id": _FIRST_ID + name.number,
                }
            case "gift_fact":
                sources = {
                    "gift_opened": str(name.gift),
                    "checkout_requested": f"{name.gift}:1",
                    "checkout_opened": f"cs_test_{scattered}",
                    "payment_succeeded": f"pi_{name.timed}",
                }
                return {"gift_id": gift_id, "source_id": sources[row["kind"]]}
            case "stripe_event":
                return {"gift_id": gift_id, "event_id": f"evt_{name.timed}"}
            case _:
                return {"gift_id": gift_id, "session_id": f"cs_test_{scattered}"}

    def _template(self, database: Database, *, settled: bool) -> dict[str, list[Row]]:
        session_id = f"cs_test_template_{settled}"
        gift = give(database, opened=session_id)
        with database.writing() as session:
            later = NOW + timedelta(days=3650)
            row = {"session_id": session_id, "gift_id": gift.id, "url": "https://127.0.0.1/c/pay"}
            row |= {"opened_at": NOW, "expires_at": later, "ask_at": later}
            insert_new(session, OpenCheckout, [row])
        if settled:
            payment = event("checkout.session.completed", session_for(gift, id=session_id))
            settle(database, payment, clock=FixedClock(NOW))
        with database.reading() as session:
            donor_id = session.exec(select(Gift.donor_id).where(Gift.id == gift.id)).one()
        condition = f"gift_id = '{self._bulk.as_stored(gift.id)}'"
        rows = {
            "donor": self._bulk.query(f"SELECT * FROM donor WHERE id = {donor_id}"),
            "gift": self._bulk.query(f"SELECT * FROM gift WHERE {condition.removeprefix('gift_')}"),
        }
        rows |= {t: self._bulk.query(f"SELECT * FROM {t} WHERE {condition}") for t in _TABLES[2:]}
        for table in ("gift_fact", "stripe_event"):
            rows[table] = [{k: v for k, v in row.items() if k != "id"} for row in rows[table]]
        return rows


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
