"""Recomputes every gift from its facts and says where the cached copy differs. Reads only."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.ledger import cached_copy
from donate.gifts.models import Gift, GiftFact

_ROWS_AT_A_TIME: Final = 1_000


def differences(session: Session) -> Iterator[str]:
    """Say, a line each, what in the cached copies is not what the facts mean."""
    statement = (
        select(Gift, GiftFact)
        .join(GiftFact, col(GiftFact.gift_id) == col(Gift.id), isouter=True)
        .order_by(col(Gift.id))
        .execution_options(yield_per=_ROWS_AT_A_TIME)
    )
    for _, rows in groupby(session.exec(statement), key=lambda row: row[0].id):
        # An outer join: a gift without facts comes with None.
        pairs: list[tuple[Gift, GiftFact | None]] = list(rows)
        gift = pairs[0][0]
        facts = [fact.as_fact() for _, fact in pairs if fact is not None]
        if not facts:
            yield f"{gift.reference}: has no fact, not even that it was opened"
            continue
        meant = cached_copy(facts, gift.time_zone)
        for name, value in meant.items():
            if getattr(gift, name) != value:
                yield f"{gift.reference}: {name} is {getattr(gift, name)}, its facts mean {value}"
