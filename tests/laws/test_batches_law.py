"""A batch closes only if count and sum are as expected, and then each draft is one gift."""

import itertools
from collections import Counter
from contextlib import suppress
from datetime import date

from hypothesis import given, settings, strategies as st
from sqlmodel import select

from donate.errors import BadInput, Conflict
from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.gifts.offline.batches import (
    add_draft,
    close_batch,
    expect,
    remove_draft,
    start_batch,
)
from donate.gifts.offline.models import EntryState, OfflineBatch, OfflineEntry
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.finance.offline_desk import entered
from tests.laws.every_fact import BEGAN

REGIONS = load_regions()
NUMBERS = itertools.count()
AMOUNTS = st.sampled_from([1, 500, 2_000, 99_999])
# A step adds an entry, removes the entry at a position, corrects the expected count and sum, or
# closes the batch.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), AMOUNTS),
        st.tuples(st.just("remove"), st.integers(0, 5)),
        st.tuples(st.just("expect"), st.sampled_from([0, 0, 0, 1])),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=14,
)


class Clerk:
    """Types into one batch, and remembers which drafts there must be."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.number = next(NUMBERS)
        self.expected = (2, 2_500)
        self.drafts: dict[int, int] = {}
        self.is_closed = False
        with database.writing() as session:
            key = f"batch-{self.number}"
            expected = {"CAD": self.expected}
            batch, _ = start_batch(
                session, key, date(2026, 3, 1), expected, key, actor="a", now=BEGAN
            )
            assert batch.id is not None
            self.batch = batch.id

    def version(self) -> int:
        with self.database.reading() as session:
            return session.get_one(OfflineBatch, self.batch).version

    def add(self, amount: int) -> None:
        key = f"draft-{next(NUMBERS)}"
        with self.database.writing() as session:
            saved = add_draft(session, self.batch, entered(amount), key, actor="a", now=BEGAN)
            number = saved.entry.id or 0
        self.drafts[number] = amount

    def remove(self, place: int) -> None:
        if place < len(self.drafts):
            number = list(self.drafts)[place]
            with self.database.writing() as session:
                remove_draft(session, self.batch, number)
            del self.drafts[number]

    def expect(self, too_many: int) -> None:
        expected = (len(self.drafts) + too_many, sum(self.drafts.values()))
        with self.database.writing() as session:
            expect(session, self.batch, {"CAD": expected}, version=self.version())
        self.expected = expected

    def close(self, _nothing: int) -> None:
        agrees = self.expected == (len(self.drafts), sum(self.drafts.values()))
        try:
            with self.database.writing() as session:
                close_batch(
                    session, REGIONS, self.batch, version=self.version(), actor="a", now=BEGAN
                )
        except BadInput:
            assert not (agrees and self.drafts)
            raise
        assert agrees
        assert self.drafts
        self.is_closed = True

    def check(self) -> None:
        with self.database.reading() as session:
            entries = session.exec(
                select(OfflineEntry).where(
                    OfflineEntry.batch_id == self.batch, OfflineEntry.state != EntryState.REMOVED
                )
            ).all()
            ids = [entry.gift_id for entry in entries if entry.gift_id]
            gifts = [session.get_one(Gift, gift_id) for gift_id in ids]
        assert {entry.id: entry.amount_minor for entry in entries} == self.drafts
        amounts = Counter(gift.received_minor for gift in gifts)
        assert amounts == Counter(self.drafts.values() if self.is_closed else ())
        assert len(set(ids)) == len(ids)


def check_batch_law(database: Database, steps: list[tuple[str, int]]) -> None:
    clerk = Clerk(database)
    for step, value in steps:
        was_closed = clerk.is_closed
        try:
            getattr(clerk, step)(value)
        except Conflict:
            assert was_closed
        except BadInput:
            assert step == "close"
        clerk.check()


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_a_batch_closes_exactly(on_sqlite: Database, steps: list[tuple[str, int]]) -> None:
    """Whatever is added, removed and expected, a batch closes only when it agrees."""
    check_batch_law(on_sqlite, steps)


@given(steps=STEPS)
@settings(max_examples=20, deadline=None)
def test_a_batch_closes_exactly_on_postgresql(
    on_postgresql: Database, steps: list[tuple[str, int]]
) -> None:
    """Whatever is added, removed and expected, a batch closes only when it agrees."""
    check_batch_law(on_postgresql, steps)


def test_the_audit_agrees_after_all(on_sqlite: Database, on_postgresql: Database) -> None:
    """After all examples of the law, the audit finds no difference."""
    for database in (on_sqlite, on_postgresql):
        with suppress(Conflict), database.reading_snapshot() as session:
            assert list(differences(session)) == []
