"""How to read gifts. Nothing here writes."""

import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from sqlalchemy import ColumnElement, func, sql, tuple_
from sqlmodel import Session, SQLModel, col, select

from donate.gifts.account_confirmation import ABOUT_CONFIRMING, confirmation_due
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish
from donate.gifts.status import STILL_PAYABLE, StatusName
from donate.money import Money
from donate.regions.modes import Mode

_FACT = SQLModel.metadata.tables["gift_fact"].c
# Settling asks this for each batch: it is put together once, and goes past the objects of the ORM.
_BY_SOURCE = sql.select(_FACT.source_id, _FACT.gift_id).where(
    _FACT.kind.in_(sql.bindparam("kinds", expanding=True)),
    _FACT.source_id.in_(sql.bindparam("source_ids", expanding=True)),
)

_INSTEAD: Final = re.compile(r"instead:([0-9a-f-]{36}):\w+")

DateOf = Literal["chosen", "received"]


@dataclass(frozen=True, slots=True)
class GiftFilter:
    """Which gifts to show; what is None or empty does not restrict. Dates are the region's.

    `by` says which date `first_day` and `last_day` are about; both days are included.
    """

    status: str | None = None
    mode: str | None = None
    code: str | None = None
    reference_part: str | None = None
    """Letters and digits in upper case; dashes in the reference do not count."""
    by: DateOf = "chosen"
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of gifts ended: the next one begins right after."""

    opened_at: datetime
    id: uuid.UUID


def count_gifts(session: Session) -> int:
    """Return how many gifts there are."""
    return session.exec(select(func.count()).select_from(Gift)).one()


def gift_by_id(session: Session, gift_id: uuid.UUID) -> Gift | None:
    """Return the gift with this id."""
    return session.get(Gift, gift_id)


def gift_by_token(session: Session, token: str) -> Gift | None:
    """Return the gift whose donor holds this token."""
    return session.exec(select(Gift).where(Gift.token == token)).one_or_none()


def gift_by_form_key(session: Session, form_key: str) -> Gift | None:
    """Return the gift that this form, or this request of a program, opened."""
    return session.exec(select(Gift).where(Gift.form_key == form_key)).one_or_none()


def replacement_key(gift: Gift, mode: str) -> str:
    """Return the form key of the gift that is made in `mode` in the place of this one."""
    return f"instead:{gift.id}:{mode}"


def paid_replacement(session: Session, gift: Gift) -> Gift | None:
    """Return a gift that was made in the place of this one, and is paid or under way."""
    keys = [replacement_key(gift, mode) for mode in Mode]
    made = select(Gift).where(col(Gift.form_key).in_(keys), ~col(Gift.status).in_(STILL_PAYABLE))
    return session.exec(made.limit(1)).first()


def replaced_gift(session: Session, gift: Gift) -> Gift | None:
    """Return the gift in whose place this one was made, if any."""
    found = _INSTEAD.fullmatch(gift.form_key)
    return gift_by_id(session, uuid.UUID(found[1])) if found else None


def donor_of(session: Session, gift: Gift) -> Donor:
    """Return the donor of a gift."""
    return session.exec(select(Donor).where(Donor.id == gift.donor_id)).one()


def wish_of(session: Session, gift: Gift) -> GiftWish | None:
    """Return what the donor added to a gift; a later month has what the first one had."""
    return session.get(GiftWish, gift.pledge_id or gift.id)


def facts_of(session: Session, gift_id: uuid.UUID) -> list[GiftFact]:
    """Return everything known about a gift, in the order in which it happened."""
    facts = session.exec(select(GiftFact).where(GiftFact.gift_id == gift_id))
    # Stripe tells whole seconds; within one, the order in which we heard is the better guess.
    return sorted(facts, key=lambda fact: (fact.happened_at.replace(microsecond=0), fact.id))


def accounts_to_confirm(session: Session, gifts: Iterable[Gift]) -> set[uuid.UUID]:
    """Return which of these gifts wait until the donor confirms their bank account."""
    under_way = [gift.id for gift in gifts if gift.status == StatusName.PROCESSING]
    known: dict[uuid.UUID, list[Fact]] = defaultdict(list)
    about = select(GiftFact).where(
        col(GiftFact.gift_id).in_(under_way), col(GiftFact.kind).in_(ABOUT_CONFIRMING)
    )
    for fact in session.exec(about.order_by(col(GiftFact.id))) if under_way else ():
        known[fact.gift_id].append(fact.as_fact())
    return {gift_id for gift_id, facts in known.items() if confirmation_due(facts)}


def gifts_by_source(
    session: Session, kinds: Sequence[FactKind], source_ids: Sequence[str]
) -> dict[str, uuid.UUID]:
    """Return which gift each source (a payment intent, say) told a fact of these kinds about."""
    if not source_ids:
        return {}
    given = {"kinds": list(kinds), "source_ids": list(source_ids)}
    return dict(session.connection().execute(_BY_SOURCE, given).all())


def refusals_since(
    session: Session, since: datetime, *, after: int, foreseen: Collection[str], most: int
) -> list[tuple[GiftFact, Gift]]:
    """Return what Stripe refused since then, and for which gift, the newest first.

    Its facts hold the id that Stripe knows the request by, and come after the fact of that number.
    Leaves out refunds that were refused with one of the `foreseen` codes.
    """
    evidence = col(GiftFact.evidence)
    code = func.coalesce(evidence["code"].as_string(), "")
    kinds = (
        FactKind.CHECKOUT_REFUSED,
        FactKind.REFUND_REFUSED,
        FactKind.PLEDGE_CHANGE_REFUSED,
        FactKind.PAYMENT_FAILED,
    )
    found = (
        select(GiftFact, Gift)
        .join(Gift, col(Gift.id) == col(GiftFact.gift_id))
        .where(
            col(GiftFact.kind).in_(kinds),
            GiftFact.recorded_at > since,
            col(GiftFact.id) > after,
            evidence["request_id"].as_string().is_not(None),
            (col(GiftFact.kind) != FactKind.REFUND_REFUSED) | code.not_in(foreseen),
        )
        .order_by(col(GiftFact.recorded_at).desc(), col(GiftFact.id).desc())
        .limit(most)
    )
    return list(session.exec(found))


def months_of(session: Session, pledge_id: uuid.UUID) -> list[Gift]:
    """Return the gifts of a pledge, the newest month first; the one that began it is the last."""
    months = select(Gift).where(Gift.pledge_id == pledge_id)
    return list(session.exec(months.order_by(col(Gift.opened_at).desc(), col(Gift.id).desc())))


def gift_by_reference(session: Session, reference: str) -> Gift | None:
    """Return the gift with exactly this reference."""
    return session.exec(select(Gift).where(Gift.reference == reference)).one_or_none()


def newest_gifts(
    session: Session, wanted: GiftFilter, *, limit: int, after: Cursor | None = None
) -> list[tuple[Gift, Donor]]:
    """Return up to `limit` gifts with their donors, newest first, from right after `after`."""
    statement = (
        select(Gift, Donor)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(*_conditions(wanted))
        .order_by(col(Gift.opened_at).desc(), col(Gift.id).desc())
        .limit(limit)
    )
    if after:
        place = tuple_(col(Gift.opened_at), col(Gift.id))
        statement = statement.where(place < (after.opened_at, after.id))
    return [(gift, donor) for gift, donor in session.exec(statement)]


@dataclass(frozen=True, slots=True)
class Total:
    """What the gifts of one currency come to."""

    gifts: int
    chosen: Money
    received: Money
    net: Money


def totals(session: Session, wanted: GiftFilter) -> list[Total]:
    """Return what all gifts that `wanted` lets through come to, one line for each currency."""
    sums = (func.sum(col(c)) for c in (Gift.amount_minor, Gift.received_minor, Gift.net_minor))
    statement = (
        select(col(Gift.currency), func.count())
        .add_columns(*sums)
        .where(*_conditions(wanted))
        .group_by(col(Gift.currency))
        .order_by(col(Gift.currency))
    )
    # PostgreSQL sums BIGINT to NUMERIC, hence int().
    return [
        Total(count, *(Money(int(amount), currency) for amount in amounts))
        for currency, count, *amounts in session.execute(statement)
    ]


def _conditions(wanted: GiftFilter) -> list[ColumnElement[bool]]:
    conditions = [
        column == value
        for column, value in (
            (col(Gift.status), wanted.status),
            (col(Gift.mode), wanted.mode),
            (col(Gift.code), wanted.code),
        )
        if value
    ]
    if wanted.reference_part:
        bare = func.replace(col(Gift.reference), "-", "")
        conditions.append(bare.contains(wanted.reference_part, autoescape=True))
    day = col(Gift.received_on) if wanted.by == "received" else col(Gift.opened_on)
    if wanted.first_day:
        conditions.append(day >= wanted.first_day)
    if wanted.last_day:
        conditions.append(day <= wanted.last_day)
    return conditions
