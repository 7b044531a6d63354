"""Prunes gifts that nobody has paid for a long time, with all rows that belong to them.

A gift is kept if anything else refers to it: money, a decision of staff, or a donor's choice. The
chain records which facts were removed, and totals still count the gift. An event about a pruned
gift goes to staff if it is about money (`stripe_gateway/webhooks/recorder.py`).
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    String,
    Table,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlmodel import Session, SQLModel

from donate.clock import Clock
from donate.gifts.donor_profiles.models import DonorNameWord, DonorProfile
from donate.gifts.facts import NEVER_PAID, FactKind
from donate.gifts.ledger import LockedGifts, pledge_of_gift
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.movements.recorder import TotalKey, pledge_total_key, shares_in_totals
from donate.gifts.movements.totals import add_pruned
from donate.gifts.search_index.models import SearchDocument, SearchKey
from donate.gifts.status import StatusName
from donate.letters.models import Letter, LetterState
from donate.regions.modes import Mode
from donate.storage.bulk_writes import table_of
from donate.storage.chain.amending import amend_rows
from donate.storage.chain.models import AmendmentReason
from donate.storage.database import Database
from donate.stripe_gateway.models import (
    EventState,
    OpenAgreement,
    OpenCheckout,
    StripeEvent,
)

# How many gifts to look at in one transaction. They are consecutive, so only a few links of the
# chain cover their facts.
AT_A_TIME: Final = 200
# Younger gifts are never pruned. Catch-up reads Stripe's events of the last 30 days, and would
# report those of pruned gifts as missing.
YOUNGEST: Final = timedelta(days=35)
# Gifts that do not go through Stripe are kept this much longer, because staff may import the bank
# statements of a whole year at once. Card testers do not open such gifts.
LATER_WITHOUT_STRIPE: Final = timedelta(days=400)
_THROUGH_STRIPE: Final = tuple(mode for mode in Mode if mode.through_stripe)
_STATUSES: Final = (StatusName.LAPSED, StatusName.FAILED, StatusName.AWAITED)
# Rows with the gift's id in these columns are removed before the gift, in this order.
_HANG_ON_GIFT: Final = (
    table_of(OpenAgreement).c.gift_id,
    table_of(OpenCheckout).c.gift_id,
    table_of(Letter).c.gift_id,
    table_of(GiftWish).c.gift_id,
    table_of(PledgeRow).c.id,
    table_of(StripeEvent).c.gift_id,
    table_of(SearchDocument).c.gift_id,
    table_of(SearchKey).c.gift_id,
)
_GIFT, _FACT, _EVENT = table_of(Gift), table_of(GiftFact), table_of(StripeEvent)
_PROFILE = table_of(DonorProfile)
_OPEN_STATES: Final = (EventState.WAITING, EventState.SET_ASIDE, EventState.DISMISSED)

Position = tuple[datetime, uuid.UUID]


class NeverPaid:
    """Prunes never-paid gifts, oldest first, a batch in each transaction."""

    def __init__(self, database: Database, clock: Clock, *, after: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._after = max(after, YOUNGEST)
        self._position: Position | None = None

    def prune_some(self) -> int:
        """Look at a batch of gifts, and prune some; return 0 at the end of the list.

        Raises NotChainedYet or ChainBroken, and then has changed nothing.
        """
        now = self._clock.now()
        with self._database.reading() as session:
            page = [tuple(row) for row in session.execute(self._page(now - self._after))]
            found = _prunable(session, [gift_id for _, gift_id in page], now)
        if not page:
            self._position = None
            return 0
        if found:
            with self._database.writing() as session:
                prune(session, found, now=now)
        self._position = page[-1]
        return len(page)

    def _page(self, opened_before: datetime) -> Any:
        columns = (_GIFT.c.opened_at, _GIFT.c.id)
        statement = select(*columns).where(
            _GIFT.c.status.in_(_STATUSES),
            _GIFT.c.opened_at <= opened_before,
            or_(
                _GIFT.c.mode.in_(_THROUGH_STRIPE),
                _GIFT.c.opened_at <= opened_before - LATER_WITHOUT_STRIPE,
            ),
        )
        if self._position:
            statement = statement.where(tuple_(*columns) > self._position)
        return statement.order_by(*columns).limit(AT_A_TIME)


def prune(session: Session, gift_ids: Sequence[uuid.UUID], *, now: datetime) -> int:
    """Prune those of these gifts that were never paid and that nothing else refers to.

    Returns how many. The caller has checked their age, and commits.
    """
    locked = LockedGifts(session)
    locked.lock(gift_ids)
    gone = _prunable(session, gift_ids, now)
    if not gone:
        return 0
    _keep_shares(session, locked, gone)
    facts = session.execute(select(_FACT.c.id).where(_FACT.c.gift_id.in_(gone)))
    fact_ids = [row.id for row in facts]
    amend_rows(
        session,
        _FACT.name,
        fact_ids,
        lambda: session.execute(delete(_FACT).where(_FACT.c.id.in_(fact_ids))),
        why=AmendmentReason.NEVER_PAID,
        about=f"{len(gone)} gifts",
        actor="service",
        now=now,
    )
    of_gifts = select(_GIFT.c.donor_id, _GIFT.c.profile_id).where(_GIFT.c.id.in_(gone))
    people = session.execute(of_gifts).all()
    for column in _HANG_ON_GIFT:
        session.execute(delete(column.table).where(column.in_(gone)))
    session.execute(delete(_GIFT).where(_GIFT.c.id.in_(gone)))
    _forget_people(session, {row.donor_id for row in people}, {row.profile_id for row in people})
    return len(gone)


def _prunable(session: Session, gift_ids: Sequence[uuid.UUID], now: datetime) -> list[uuid.UUID]:
    matters = exists().where(
        _FACT.c.gift_id == _GIFT.c.id,
        or_(_FACT.c.kind.not_in(NEVER_PAID), _FACT.c.actor.like("staff:%")),
    )
    is_open = exists().where(
        _FACT.c.gift_id == _GIFT.c.id, _FACT.c.kind == FactKind.CHECKOUT_OPENED
    )
    newest = select(func.max(_FACT.c.id)).scalar_subquery()
    act = SQLModel.metadata.tables["staff_act"].c
    letter = table_of(Letter).c
    statement = select(_GIFT.c.id).where(
        _GIFT.c.id.in_(gift_ids),
        _GIFT.c.status.in_(_STATUSES),
        # A gift is awaited while a session is open, but also if it never had one: then prune it.
        or_(_GIFT.c.status != StatusName.AWAITED, ~is_open),
        ~matters,
        ~exists().where(act.about == _GIFT.c.reference),
        # The newest fact stays, or SQLite would give its id to another fact.
        ~exists().where(_FACT.c.gift_id == _GIFT.c.id, _FACT.c.id == newest),
        ~exists().where(letter.gift_id == _GIFT.c.id, letter.state == LetterState.WAITING),
        ~exists().where(
            _EVENT.c.gift_id == _GIFT.c.id,
            or_(_EVENT.c.state.in_(_OPEN_STATES), _EVENT.c.received_at > now - YOUNGEST),
        ),
        *(~refers for refers in _references(_GIFT, {_FACT.c.gift_id, *_HANG_ON_GIFT})),
    )
    return sorted(session.execute(statement).scalars())


def _references(target: Table, removed: Collection[Any]) -> Iterator[Any]:
    """Yield a condition for each column that refers to a row of `target`, except those `removed`.

    So a reference from a table that is added later keeps the row, until its column is in `removed`.
    """
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            refers = any(key.column is target.c.id for key in column.foreign_keys)
            if refers and not any(column is each for each in removed):
                other = table.alias()
                is_another = other.c.id != target.c.id if table is target else true()
                yield exists().where(other.c[column.name] == target.c.id, is_another)


def _keep_shares(session: Session, locked: LockedGifts, gone: Iterable[uuid.UUID]) -> None:
    """Record what these gifts add to day totals, because the audit needs it to check the totals."""
    counts: Counter[TotalKey] = Counter()
    amounts: Counter[TotalKey] = Counter()
    for gift_id in gone:
        gift = locked[gift_id]
        shares = list(shares_in_totals(gift, gift.status, ()))
        pledge = pledge_of_gift(gift, list(gift.facts.values()), gift.status)
        if pledge:
            shares.append((pledge_total_key(gift, pledge), pledge.amount_minor))
        for key, amount in shares:
            counts[key] += 1
            amounts[key] += amount
    add_pruned(session, counts, amounts)


def _forget_people(session: Session, donors: set[int], profiles: set[int | None]) -> None:
    """Delete the donors and profiles that nothing refers to any more."""
    donor = table_of(Donor)
    unused = [~refers for refers in _references(donor, ())]
    session.execute(delete(donor).where(donor.c.id.in_(donors), *unused))
    words = table_of(DonorNameWord).c.profile_id
    about = SQLModel.metadata.tables["staff_act"].c.about
    statement = select(_PROFILE.c.id).where(
        _PROFILE.c.id.in_([each for each in profiles if each]),
        ~exists().where(about == literal("donor ") + cast(_PROFILE.c.id, String)),
        *(~refers for refers in _references(_PROFILE, {words})),
    )
    unused_profiles = list(session.execute(statement).scalars())
    session.execute(delete(words.table).where(words.in_(unused_profiles)))
    session.execute(delete(_PROFILE).where(_PROFILE.c.id.in_(unused_profiles)))
