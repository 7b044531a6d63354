"""Compares the cached status of each gift with its facts. Changes nothing."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.ledger import cached_copy
from donate.gifts.models import Gift, GiftFact

_ROWS_AT_A_TIME: Final = 1_000


def differences(session: Session) -> Iterator[str]:
    """Yield a line for each cached column of a gift that does not match the gift's facts."""
    statement = (
        select(Gift, GiftFact)
        .join(GiftFact, col(GiftFact.gift_id) == col(Gift.id), isouter=True)
        .order_by(col(Gift.id))
        .execution_options(yield_per=_ROWS_AT_A_TIME)
    )
    for _, rows in groupby(session.exec(statement), key=lambda row: row[0].id):
        # A gift without facts has one row, in which the fact is None, because of the outer join.
        pairs: list[tuple[Gift, GiftFact | None]] = list(rows)
        gift = pairs[0][0]
        facts = [fact.as_fact() for _, fact in pairs if fact is not None]
        if not facts:
            yield f"{gift.reference}: has no facts, not even gift_opened"
            continue
        expected = cached_copy(facts, gift.time_zone)
        for name, value in expected.items():
            if getattr(gift, name) != value:
                cached = getattr(gift, name)
                yield f"{gift.reference}: {name} is {cached}, but its facts give {value}"
