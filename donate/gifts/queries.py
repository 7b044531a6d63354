"""Queries about gifts. They only read."""

import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import func, sql
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from donate.gifts.account_confirmation import ABOUT_CONFIRMING, confirmation_due
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish, plain_facts
from donate.gifts.movements.models import PrunedTotal
from donate.gifts.status import STILL_PAYABLE, StatusName
from donate.regions.modes import Mode
from donate.storage.bulk_writes import table_of

_FACT = table_of(GiftFact).c
# Build this statement once, without the ORM, because each batch of settled events runs it.
_BY_SOURCE = sql.select(_FACT.source_id, _FACT.gift_id).where(
    _FACT.kind.in_(sql.bindparam("kinds", expanding=True)),
    _FACT.source_id.in_(sql.bindparam("source_ids", expanding=True)),
)

_REPLACEMENT_KEY: Final = re.compile(r"instead:([0-9a-f-]{36}):\w+")


def count_gifts(session: Session) -> int:
    """Return how many gifts there are."""
    return session.exec(select(func.count()).select_from(Gift)).one()


def gift_by_id(session: Session, gift_id: uuid.UUID) -> Gift | None:
    """Return the gift with this id, or None."""
    return session.get(Gift, gift_id)


def gift_by_form_key(session: Session, form_key: str) -> Gift | None:
    """Return the gift that was opened with this form key, or None."""
    return session.exec(select(Gift).where(Gift.form_key == form_key)).one_or_none()


def replacement_key(gift: Gift, mode: Mode) -> str:
    """Return the form key of the gift that replaces `gift` if the donor switches to `mode`."""
    return f"instead:{gift.id}:{mode}"


def paid_replacement(session: Session, gift: Gift) -> Gift | None:
    """Return the new gift that replaces `gift` in another mode, if it is paid or being paid."""
    keys = [replacement_key(gift, mode) for mode in Mode]
    paid = select(Gift).where(col(Gift.form_key).in_(keys), ~col(Gift.status).in_(STILL_PAYABLE))
    return session.exec(paid.limit(1)).first()


def paid_elsewhere(session: Session, gifts: Iterable[Gift]) -> set[uuid.UUID]:
    """Return the ids of the gifts for which `paid_replacement` would return a gift."""
    keys = {
        replacement_key(gift, mode): gift.id
        for gift in gifts
        if gift.status in STILL_PAYABLE
        for mode in Mode
    }
    paid = select(Gift.form_key).where(
        col(Gift.form_key).in_(keys), ~col(Gift.status).in_(STILL_PAYABLE)
    )
    return {keys[key] for key in session.exec(paid)} if keys else set()


def replaced_gift(session: Session, gift: Gift) -> Gift | None:
    """Return the earlier gift that `gift` replaces in another mode, if there is one."""
    match = _REPLACEMENT_KEY.fullmatch(gift.form_key)
    return gift_by_id(session, uuid.UUID(match[1])) if match else None


def donor_of(session: Session, gift: Gift) -> Donor:
    """Return the donor of a gift."""
    return session.get_one(Donor, gift.donor_id)


def wish_of(session: Session, gift: Gift) -> GiftWish | None:
    """Return the options that the donor added. All gifts of a pledge share one row."""
    return session.get(GiftWish, gift.pledge_id or gift.id)


def facts_of(session: Session, gift_id: uuid.UUID) -> list[GiftFact]:
    """Return the facts of a gift as database rows, in the order in which they happened."""
    facts = session.exec(select(GiftFact).where(GiftFact.gift_id == gift_id))
    # Stripe's times are whole seconds. Within a second, sort by the order of recording.
    return sorted(facts, key=lambda fact: (fact.happened_at.replace(microsecond=0), fact.id))


def plain_facts_of(session: Session, gift_id: uuid.UUID) -> list[Fact]:
    """Return the facts of a gift as Fact values, in the order in which they happened."""
    return plain_facts(facts_of(session, gift_id))


def facts_of_kinds(
    session: Session, gift_ids: Collection[uuid.UUID], kinds: Collection[FactKind]
) -> dict[uuid.UUID, list[Fact]]:
    """Return a dict from gift ids to the facts of these kinds, in the order of recording."""
    by_gift: dict[uuid.UUID, list[Fact]] = {gift_id: [] for gift_id in gift_ids}
    statement = select(GiftFact).where(
        col(GiftFact.gift_id).in_(gift_ids), col(GiftFact.kind).in_(kinds)
    )
    for fact in session.exec(statement.order_by(col(GiftFact.id))) if gift_ids else ():
        by_gift[fact.gift_id].append(fact.as_fact())
    return by_gift


def accounts_to_confirm(session: Session, gifts: Iterable[Gift]) -> set[uuid.UUID]:
    """Return the ids of those of `gifts` whose donor still has to confirm the bank account."""
    processing = [gift.id for gift in gifts if gift.status == StatusName.PROCESSING]
    by_gift = facts_of_kinds(session, processing, ABOUT_CONFIRMING)
    return {gift_id for gift_id, facts in by_gift.items() if confirmation_due(facts)}


def gifts_by_source(
    session: Session, kinds: Sequence[FactKind], source_ids: Sequence[str]
) -> dict[str, uuid.UUID]:
    """Map the sources (such as payment intents) of facts of these kinds to their gifts."""
    if not source_ids:
        return {}
    parameters = {"kinds": list(kinds), "source_ids": list(source_ids)}
    return dict(session.connection().execute(_BY_SOURCE, parameters).all())


def refusals_since(
    session: Session, since: datetime, *, after: int, foreseen: Collection[str], most: int
) -> list[tuple[GiftFact, Gift]]:
    """Return the requests that Stripe refused after `since`, with their gifts, newest first.

    Return at most `most`, and only facts with an id above `after` that have the id of the request
    at Stripe. Leave out refunds that were refused with one of the `foreseen` codes.
    """
    statement = _refusals(frozenset(foreseen))
    return list(session.exec(statement, params={"since": since, "after": after, "most": most}))


@cache
def _refusals(foreseen: frozenset[str]) -> Select[GiftFact, Gift]:
    evidence = col(GiftFact.evidence)
    code = func.coalesce(evidence["code"].as_string(), "")
    kinds = (
        FactKind.CHECKOUT_REFUSED,
        FactKind.REFUND_REFUSED,
        FactKind.PLEDGE_CHANGE_REFUSED,
        FactKind.PAYMENT_FAILED,
    )
    return (
        select(GiftFact, Gift)
        .join(Gift, col(Gift.id) == col(GiftFact.gift_id))
        .where(
            col(GiftFact.kind).in_(kinds),
            col(GiftFact.recorded_at) > sql.bindparam("since"),
            col(GiftFact.id) > sql.bindparam("after"),
            evidence["request_id"].as_string().is_not(None),
            (col(GiftFact.kind) != FactKind.REFUND_REFUSED) | code.not_in(foreseen),
        )
        .order_by(col(GiftFact.recorded_at).desc(), col(GiftFact.id).desc())
        .limit(sql.bindparam("most"))
    )


def months_of(session: Session, pledge_id: uuid.UUID) -> list[Gift]:
    """Return the gifts of a pledge, newest month first. The last one began the pledge."""
    months = select(Gift).where(Gift.pledge_id == pledge_id)
    return list(session.exec(months.order_by(col(Gift.opened_at).desc(), col(Gift.id).desc())))


def gift_by_reference(session: Session, reference: str) -> Gift | None:
    """Return the gift with exactly this reference, or None."""
    return session.exec(select(Gift).where(Gift.reference == reference)).one_or_none()


def gifts_with_reference_part(
    session: Session, part: str, *, most: int
) -> list[tuple[Gift, Donor]]:
    """Return the newest gifts whose references contain `part`, with their donors.

    `part` has upper-case letters and digits, without dashes.
    """
    bare = func.replace(col(Gift.reference), "-", "")
    statement = (
        select(Gift, Donor)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(bare.contains(part, autoescape=True))
        .order_by(col(Gift.opened_at).desc(), col(Gift.id).desc())
        .limit(most)
    )
    return [(gift, donor) for gift, donor in session.exec(statement)]


def was_pruned(session: Session, gift_id: uuid.UUID) -> bool:
    """Whether the gift with this id does not exist, but may have existed and been pruned.

    It may, if the id's time is near a day of which gifts were pruned.
    """
    try:
        day = datetime.fromtimestamp((gift_id.int >> 80) / 1000, UTC).date()
    except (OverflowError, ValueError):
        return False  # not one of our ids, which begin with the time
    near = col(PrunedTotal.day).between(day - timedelta(days=1), day + timedelta(days=1))
    found = session.exec(select(PrunedTotal.id).where(near).limit(1)).first()
    return found is not None and session.get(Gift, gift_id) is None


def gifts_with_inquiries(session: Session, *, most: int) -> Sequence[uuid.UUID]:
    """Return the gifts with a bank inquiry that we have to answer, oldest inquiry first."""
    return session.scalars(_WITH_INQUIRIES.limit(most)).all()


def disputed_gifts(session: Session, *, most: int) -> Sequence[uuid.UUID]:
    """Return the gifts with an open dispute, in which a bank holds the money, oldest gift first."""
    return session.scalars(_DISPUTED.limit(most)).all()


def gifts_with_failed_refunds(session: Session, *, most: int) -> Sequence[uuid.UUID]:
    """Return the gifts with a failed refund that staff have not handled, oldest first."""
    return session.scalars(_WITH_FAILED_REFUNDS.limit(most)).all()


def _gifts_with(kind: FactKind, *, unless: Sequence[FactKind]) -> SelectOfScalar[uuid.UUID]:
    """Return a statement that selects the gifts with an open fact of `kind`, oldest first.

    A fact is open until a fact of one of the kinds in `unless` closes it.
    """
    other = aliased(GiftFact)
    is_closed = (
        select(other.id)
        .where(
            col(other.gift_id) == col(GiftFact.gift_id),
            col(other.kind).in_(unless),
            # The later rounds of a dispute have a number after its id: `dp_1`, then `dp_1:2`.
            (col(other.source_id) == col(GiftFact.source_id))
            | col(other.source_id).startswith(col(GiftFact.source_id).concat(":")),
        )
        .exists()
    )
    statement = select(GiftFact.gift_id).where(GiftFact.kind == kind, ~is_closed)
    return statement.order_by(col(GiftFact.id))


# Every staff page runs these statements. Building them each time would take longer than running
# them.
_WITH_INQUIRIES: Final = _gifts_with(
    FactKind.INQUIRY_OPENED,
    # A dispute ends an inquiry by replacing it.
    unless=(
        FactKind.INQUIRY_ANSWERED,
        FactKind.INQUIRY_CLOSED,
        FactKind.DISPUTE_OPENED,
        FactKind.DISPUTE_WON,
        FactKind.DISPUTE_LOST,
    ),
)
_WITH_FAILED_REFUNDS: Final = _gifts_with(
    FactKind.REFUND_FAILED, unless=[FactKind.REFUND_FOLLOWED_UP]
)
_DISPUTED: Final = (
    select(Gift.id)
    .where(Gift.status == StatusName.DISPUTED)
    .order_by(col(Gift.opened_at), col(Gift.id))
)
