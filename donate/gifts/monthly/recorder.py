"""Records the changes of pledges that donors are told about. It never commits."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from donate.gifts.monthly.models import PledgeNews
from donate.gifts.monthly.news import news_rows
from donate.gifts.movements.recorder import Change
from donate.money import Money
from donate.storage.bulk_writes import insert_new


def record_news(session: Session, changes: Iterable[Change], *, now: datetime) -> None:
    """Record what has changed for the donors of pledges that got new facts.

    The caller has locked the gifts, so that two facts about one change bring one row.
    """
    rows = [
        row
        for change in changes
        if change.pledge_before
        for row in news_rows(
            change.gift.id,
            change.facts_before,
            change.facts_after,
            Money(change.gift.amount_minor, change.gift.currency),
            now,
        )
    ]
    insert_new(session, PledgeNews, rows)
