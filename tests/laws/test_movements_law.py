"""A gift's movements add up to its money, and day totals add up to movements, in any order."""

import itertools
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings, strategies as st

from donate.gifts.audit import differences
from donate.gifts.disputes import disputes_of
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.movements.models import Subject
from donate.gifts.movements.rules import MONEY_IN, MovementKind, movements_of
from donate.gifts.movements.totals import TotalFilter, TotalsMerger, add_up
from donate.gifts.queries import count_gifts
from donate.gifts.status import status_of
from donate.storage.database import Database
from tests.gifts.samples import open_one
from tests.laws.every_fact import BEGAN, EVERY_FACT, name_of

ZONE = "America/Toronto"
NUMBERS = itertools.count()
FACTS = st.lists(
    st.sampled_from([fact for fact in EVERY_FACT if fact.kind != FactKind.GIFT_OPENED]),
    unique_by=name_of,
    max_size=14,
)


@settings(max_examples=250, deadline=None)
@given(FACTS, st.data())
def test_movements_add_up_to_the_money_of_the_gift(facts: list[Fact], data: st.DataObject) -> None:
    """In whatever order facts come, the movements add up to the money received less returned."""
    movements = movements_of(data.draw(st.permutations(facts)), ZONE)
    assert movements == movements_of(facts, ZONE)
    sums: Counter[MovementKind] = Counter()
    for one in movements:
        assert (one.amount_minor > 0) == (one.kind in MONEY_IN)
        sums[one.kind] += one.amount_minor
    status = status_of(facts)
    received = sums[MovementKind.PAYMENT] + sums[MovementKind.TRANSFER]
    assert received + sums[MovementKind.TRANSFER_UNDONE] == status.received_minor
    taken = sum(dispute.amount_minor for dispute in disputes_of(facts) if dispute.has_money)
    assert sums[MovementKind.DISPUTE] + sums[MovementKind.DISPUTE_RETURNED] == -taken
    went_back = -(sums[MovementKind.REFUND] + sums[MovementKind.REFUND_RETURNED]) + taken
    assert min(went_back, status.received_minor) == status.returned_minor


@settings(max_examples=250, deadline=None)
@given(FACTS)
def test_each_movement_has_the_time_of_its_fact(facts: list[Fact]) -> None:
    """Each movement names a recorded fact and has the fact's time; no fact moves money twice."""
    times = {(fact.kind, fact.source_id): fact.happened_at for fact in facts}
    movements = movements_of(facts, ZONE)
    assert all(one.happened_at == times[one.cause, one.source_id] for one in movements)
    assert len({(one.cause, one.source_id) for one in movements}) == len(movements)


def check_stored(database: Database, facts: list[Fact], data: st.DataObject) -> None:
    number = next(NUMBERS)
    entries = [replace(fact, source_id=f"{fact.source_id}{number}") for fact in facts]
    entries = data.draw(st.permutations(entries), label="in this order")
    cuts = data.draw(st.sets(st.integers(1, max(1, len(entries))), max_size=4), label="cut at")
    with database.writing() as session:
        gift_id = open_one(session, f"form-{number}", now=BEGAN).id
    for start, end in itertools.pairwise(sorted({0, len(entries), *cuts})):
        with database.writing() as session:
            record_facts(session, [(gift_id, fact) for fact in entries[start:end]], now=BEGAN)
        if data.draw(st.booleans(), label="merge"):
            TotalsMerger(database, merge_from=1).merge_due()
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
        (total,) = add_up(session, TotalFilter(Subject.GIFT))
        assert total.count == count_gifts(session)


@settings(max_examples=40, deadline=None)
@given(facts=FACTS, data=st.data())
def test_stored_movements_and_totals_follow_the_facts_on_sqlite(
    on_sqlite: Database, facts: list[Fact], data: st.DataObject
) -> None:
    """On SQLite, movements and day totals match the facts, also after totals were merged."""
    check_stored(on_sqlite, facts, data)


@settings(max_examples=25, deadline=None)
@given(facts=FACTS, data=st.data())
def test_stored_movements_and_totals_follow_the_facts_on_postgresql(
    on_postgresql: Database, facts: list[Fact], data: st.DataObject
) -> None:
    """On PostgreSQL, movements and day totals match the facts, also after totals were merged."""
    check_stored(on_postgresql, facts, data)
