"""Queries about gifts. They only read."""

import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, sql
from sqlmodel import Session, col, select

from donate.gifts.account_confirmation import ABOUT_CONFIRMING, confirmation_due
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish, plain_facts
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


def gift_by_token(session: Session, token: str) -> Gift | None:
    """Return the gift with this token, or None."""
    return session.exec(select(Gift).where(Gift.token == token)).one_or_none()


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

    At most `most` are returned. Only facts with an id above `after` that have Stripe's request id
    are returned. Refunds that were refused with one of the `foreseen` codes are left out.
    """
    evidence = col(GiftFact.evidence)
    code = func.coalesce(evidence["code"].as_string(), "")
    kinds = (
        FactKind.CHECKOUT_REFUSED,
        FactKind.REFUND_REFUSED,
        FactKind.PLEDGE_CHANGE_REFUSED,
        FactKind.PAYMENT_FAILED,
    )
    statement = (
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
    return list(session.exec(statement))


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
