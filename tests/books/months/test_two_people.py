"""Above the limit, two people close a month; what the second sees is what is closed."""

from dataclasses import replace

import pytest

from donate.books.months.closing import NOT_AS_SHOWN, MonthCloser
from donate.books.months.queries import latest_request
from donate.errors import Conflict
from donate.storage.database import Database
from tests.books.months.month_world import (
    APRIL_3,
    IN_APRIL,
    IN_MARCH,
    RULES,
    ZOE,
    anybody_may,
    close,
    draft,
    nothing_recorded,
    record_march,
)
from tests.finance.money_samples import MARCH, give, pay

TWO_PEOPLE = replace(RULES, second_person_above_minor=20_000)


def test_only_the_request_that_was_shown_is_confirmed(database: Database) -> None:
    """If somebody asks again after the page was opened, the page cannot confirm that."""
    record_march(database)
    close(database, rules=TWO_PEOPLE)
    with database.reading() as session:
        shown = latest_request(session, IN_MARCH)
    close(database, rules=TWO_PEOPLE)
    assert shown
    for seen in (shown.id, None):
        with pytest.raises(Conflict) as stale:
            MonthCloser(database, TWO_PEOPLE).confirm(
                IN_MARCH,
                ZOE,
                "Ann Lee",
                seen=seen,
                now=APRIL_3,
                record=nothing_recorded,
                may_close=anybody_may,
            )
        assert stale.value.message == NOT_AS_SHOWN


def test_late_money_counts_for_the_limit(database: Database) -> None:
    """Money that is recorded late for a closed month needs two people too, above the limit."""
    record_march(database)
    close(database)
    pay(database, give(database, "late", amount_minor=30_000), MARCH, amount_minor=30_000)
    assert draft(database, IN_APRIL, rules=TWO_PEOPLE).needs_second
    assert not draft(database, IN_APRIL, rules=RULES).needs_second
