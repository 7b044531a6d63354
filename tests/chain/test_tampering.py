"""The audit finds every change of chained rows and links."""

import random
import uuid
from datetime import timedelta

from sqlalchemy import Uuid, bindparam, text

from donate.clock import FixedClock
from donate.storage.chain.verification import ChainCheck, check_chain
from donate.storage.column_types import UtcDateTime
from donate.storage.database import Database
from tests.chain.chained import amend_some, fill, leave_gaps, link_all, unguarded
from tests.chain.tampering import ChainInMemory, seal_in_memory, tamperings
from tests.gifts.samples import NOW
from tests.real_parts import Sqlite

SEED = 20260328
IN_MEMORY = 10_000
IN_A_DATABASE = 150
A_TIME = bindparam("time", NOW + timedelta(microseconds=1), UtcDateTime())
A_GIFT = bindparam("gift", uuid.UUID(int=7), Uuid())


def edits(table: str, key: str, *changes: str) -> list[tuple[str, ...]]:
    return [(f"UPDATE {table} SET {change} WHERE {key} = :one",) for change in changes]


def swap(table: str, key: str) -> tuple[str, ...]:
    move = f"UPDATE {table} SET {key} = %s WHERE {key} = %s"
    return (move % ("-7", ":one"), move % (":one", ":other"), move % (":other", "-7"))


COPY_FACT = (
    "INSERT INTO gift_fact SELECT -1, gift_id, kind, source_id || 'x', amount_minor, currency, "
    "happened_at, recorded_at, actor, evidence FROM gift_fact WHERE id = :one"
)
COPY_ACT = (
    "INSERT INTO staff_act SELECT -1, staff_id, act, about, address, happened_at, detail "
    "FROM staff_act WHERE id = :one"
)
KEYS = {"gift_fact": "id", "staff_act": "id", "chain_link": "position", "chain_amendment": "id"}
CHANGES = [
    *edits(
        *("gift_fact", "id", "id = id + 1000", "gift_id = :gift", "kind = 'payment_named'"),
        *("source_id = source_id || 'x'", "happened_at = :time", "recorded_at = :time"),
        *("amount_minor = 77, currency = 'CAD'", "actor = 'staff:9'", "evidence = '{\"a\": 1}'"),
    ),
    *edits(
        *("staff_act", "id", "id = id + 1000", "staff_id = 77", "act = 'signed_out'"),
        *("about = about || ' '", "address = '::1'", "happened_at = :time"),
        """detail = '{"why": null}'""",
    ),
    *edits(
        *("chain_link", "position", "position = position + 1000", "table_name = 'donor'"),
        *("first_id = first_id - 1", "last_id = last_id + 1", "row_count = row_count + 1"),
        *("as_of = :time", "fingerprints = hash", "hash = fingerprints"),
    ),
    *edits(
        *("chain_amendment", "id", "id = id + 1000", "position = 13"),
        *(
            "number = number + 100",
            "removed = '1'",
            "redacted = '[[1, 2, 3]]'",
            "rows_before = rows_after",
        ),
        *("rows_after = rows_before", "why = 'another'", "about = 'x'", "actor = 'staff:9'"),
        "recorded_at = :time",
    ),
    ("DELETE FROM chain_amendment WHERE id = :one",),
    *(swap(table, "id") for table in ("gift_fact", "staff_act")),
    swap("chain_link", "position"),
    *((f"DELETE FROM {table} WHERE id = :one",) for table in ("gift_fact", "staff_act")),
    ("DELETE FROM chain_link WHERE position = 3",),
    ("DELETE FROM gift_fact WHERE id > :one OR id = :one",),
    (COPY_FACT,),
    (COPY_ACT,),
]


def chain_of_many_links(database: Database) -> ChainInMemory:
    """Return a chain of 13 links; every three days it got a link of facts and a link of acts.

    Some rows of the older ones are removed or redacted; the last link covers the amendments.
    """
    clock = FixedClock(NOW)
    for number in range(6):
        fill(database, 2, name=f"part-{number}", now=clock.now())
        if database.is_sqlite:  # on PostgreSQL, later rows would get the same ids
            leave_gaps(database)
        link_all(database, clock)
        clock.instant += timedelta(days=3)
    for number in range(8):
        amend_some(database, number, clock.now())
    link_all(database, clock)
    with database.reading() as session:
        return ChainInMemory.read(session)


def test_ten_thousand_random_changes_are_found(sqlite: Sqlite) -> None:
    """Any edit, insert, delete, swap or cut of rows and links is found, given the newest seal."""
    database = Database(sqlite.fresh_url())
    chain = chain_of_many_links(database)
    database.close()
    seal = seal_in_memory(chain)
    assert len(chain.links) == 13
    assert chain.problems(seal) == []
    missed = [
        what for what, changed in tamperings(chain, IN_MEMORY, SEED) if not changed.problems(seal)
    ]
    assert missed == []


def test_changes_in_a_database_are_found(database: Database) -> None:
    """The audit finds each change that somebody makes in the database without its triggers."""
    chain_of_many_links(database)
    dice = random.Random(SEED)
    missed = []
    with unguarded(database) as session:
        assert list(check_chain(session, ChainCheck())) == []
        for number in range(IN_A_DATABASE):
            statements = CHANGES[number % len(CHANGES)]
            table = next(name for name in KEYS if f" {name} " in statements[0])
            ids = list(session.execute(text(f"SELECT {KEYS[table]} FROM {table}")).scalars())
            one, other = dice.sample(ids, 2)
            with session.begin_nested() as savepoint:
                for statement in statements:
                    given = {"one": one, "other": other, "time": A_TIME.value, "gift": A_GIFT.value}
                    kinds = [each for each in (A_TIME, A_GIFT) if f":{each.key}" in statement]
                    used = {name: given[name] for name in given if f":{name}" in statement}
                    session.execute(text(statement).bindparams(*kinds), used)
                if not list(check_chain(session, ChainCheck())):
                    missed.append((statements, one, other))
                savepoint.rollback()
        assert list(check_chain(session, ChainCheck())) == []
    assert missed == []
