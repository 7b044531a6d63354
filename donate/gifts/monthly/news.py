"""Finds what is new to a donor in facts about their pledge. Pure functions.

Each change is found once, when the ledger records the first fact that reports it. It does not
matter whether the donor, staff or Stripe made the change.
"""

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from donate.gifts.facts import Fact, FactKind
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, pledge_of
from donate.money import Money


class NewsKind(StrEnum):
    """The kinds of change that a donor is told about, except the end, which has its own fact."""

    AMOUNT = "amount"  # Another monthly amount is collected.
    PAUSED = "paused"  # The pledge is paused, or paused until another date.
    RESUMED = "resumed"  # The pledge was resumed before the pause was over.
    PAYMENT_METHOD = "payment_method"  # Another card or bank account is charged.


def news_between(before: Pledge, after: Pledge) -> Iterator[NewsKind]:
    """Yield what has changed for the donor between two states of a pledge."""
    same = before.subscription == after.subscription
    if not (before.runs and after.runs and same and after.last_change):
        return
    if after.each_month != before.each_month:
        yield NewsKind.AMOUNT
    was_paused, is_paused = (one.state is PledgeState.PAUSED for one in (before, after))
    if is_paused and (not was_paused or before.resumes_at != after.resumes_at):
        yield NewsKind.PAUSED
    if was_paused and not is_paused:
        # The donor already knows the day on which the pause should end.
        ended_at = after.last_change.happened_at
        if before.resumes_at is None or ended_at < before.resumes_at:
            yield NewsKind.RESUMED
    old, new = before.last_method_id, after.last_method_id
    if old and new and old != new:
        yield NewsKind.PAYMENT_METHOD


def news_rows(
    gift_id: uuid.UUID, before: Iterable[Fact], after: Iterable[Fact], chosen: Money, now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield the columns of a `PledgeNews` for each change that new facts report.

    `before` and `after` are the facts of the pledge's first gift, without and with the new ones.
    `chosen` is the monthly amount that the donor chose.
    """
    before, after = list(before), list(after)
    if not any(fact.kind == FactKind.PLEDGE_CHANGED for fact in after[len(before) :]):
        return
    pledge = pledge_of(after, chosen)
    for kind in news_between(pledge_of(before, chosen), pledge):
        assert pledge.last_change
        yield {
            "gift_id": gift_id,
            "kind": kind,
            "source_id": pledge.last_change.source_id,
            "happened_at": pledge.last_change.happened_at,
            "recorded_at": now,
        }
