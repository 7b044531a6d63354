"""The status cached in a gift's row matches its facts, however they were recorded."""

import itertools
from dataclasses import replace

from hypothesis import given, settings, strategies as st
from sqlmodel import Session

from donate.clock import local_date
from donate.gifts.audit import differences
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import Outcome, record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of, gift_by_id
from donate.gifts.status import status_of
from donate.storage.database import Database
from tests.gifts.samples import open_one
from tests.laws.every_fact import BEGAN, EVERY_FACT, name_of

# All examples share one database, so the ids in each example end with a number of its own.
NUMBERS = itertools.count()

FACT_LISTS = st.lists(
    st.sampled_from([fact for fact in EVERY_FACT if fact.kind != FactKind.GIFT_OPENED]),
    unique_by=name_of,
    min_size=1,
    max_size=12,
)


def check_ledger(database: Database, facts: list[Fact], data: st.DataObject) -> None:
    number = next(NUMBERS)
    own = [replace(fact, source_id=f"{fact.source_id}{number}") for fact in facts]
    again = data.draw(st.lists(st.sampled_from(own), max_size=8), label="again")
    entries = data.draw(st.permutations(own + again), label="in this order")
    cuts = data.draw(st.sets(st.integers(1, len(entries)), max_size=4), label="cut at")
    with database.writing() as session:
        gift_id = open_one(session, f"form-{number}", now=BEGAN).id
    outcomes: list[Outcome] = []
    for start, end in itertools.pairwise(sorted({0, len(entries), *cuts})):
        with database.writing() as session:
            chunk = [(gift_id, fact) for fact in entries[start:end]]
            outcomes += record_facts(session, chunk, now=BEGAN)
    expected = [
        Outcome.KNOWN if fact in entries[:place] else Outcome.RECORDED
        for place, fact in enumerate(entries)
    ]
    assert outcomes == expected
    with database.reading() as session:
        gift = gift_by_id(session, gift_id)
        assert gift is not None
        check_cached_row(session, gift, own)


def check_cached_row(session: Session, gift: Gift, facts: list[Fact]) -> None:
    recorded = {row.as_fact() for row in facts_of(session, gift.id) if row.kind != "gift_opened"}
    assert {name_of(fact) for fact in recorded} == {name_of(fact) for fact in facts}
    opened = Fact(FactKind.GIFT_OPENED, str(gift.id), BEGAN, "donor", 5_000, "CAD")
    status = status_of([opened, *facts])
    assert gift.status == status.name
    assert gift.received_minor == status.received_minor
    assert gift.returned_minor == status.returned_minor
    assert gift.net_minor == status.net_minor
    assert gift.flags == ",".join(sorted(status.flags))
    received_on = status.received_at and local_date(status.received_at, "America/Toronto")
    assert gift.received_on == received_on


@settings(max_examples=100, deadline=None)
@given(facts=FACT_LISTS, data=st.data())
def test_a_row_matches_its_facts_on_sqlite(
    on_sqlite: Database, facts: list[Fact], data: st.DataObject
) -> None:
    """On SQLite, a gift's row is the same however its facts are ordered, grouped and repeated."""
    check_ledger(on_sqlite, facts, data)


@settings(max_examples=30, deadline=None)
@given(facts=FACT_LISTS, data=st.data())
def test_a_row_matches_its_facts_on_postgresql(
    on_postgresql: Database, facts: list[Fact], data: st.DataObject
) -> None:
    """On PostgreSQL, a gift's row is the same however facts are ordered, grouped and repeated."""
    check_ledger(on_postgresql, facts, data)


def test_the_audit_finds_nothing_afterwards(on_sqlite: Database, on_postgresql: Database) -> None:
    """After the tests of the ledger, the audit finds no difference on either database."""
    for database in (on_sqlite, on_postgresql):
        with database.writing() as session:
            gift = open_one(session, "the last")
            record_facts(session, [(gift.id, replace(EVERY_FACT[0], source_id="x"))], now=BEGAN)
        with database.reading_snapshot() as session:
            assert list(differences(session)) == []
