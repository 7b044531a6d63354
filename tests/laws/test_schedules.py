"""However Stripe's events arrive, every gift ends in the state that its story says."""

import pytest

from donate.storage.database import Database
from tests.laws.schedules import WrongEnd, check_story, run_schedule, run_schedules
from tests.laws.stories import STORIES, WHOLE, Story
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import give


def test_no_schedule_loses_or_doubles_a_gift(database: Database) -> None:
    """With dropped, repeated and shuffled events, every gift ends in the state of its story."""
    assert run_schedules(database, range(1, 41)) > 400


def test_the_same_seed_is_the_same_schedule(sqlite: Sqlite) -> None:
    """The same seed gives the same schedule of deliveries."""
    runs = []
    for _ in range(2):
        database = Database(sqlite.fresh_url())
        runs.append([run_schedule(database, seed) for seed in range(5)])
        database.close()
    assert runs[0] == runs[1]


def test_there_are_stories_of_every_kind() -> None:
    """There are stories of cards, debits, expired sessions, pledges and contradictory events."""
    assert {story.__name__ for story in STORIES} == {
        "paid_by_card",
        "paid_late",
        "never_paid",
        "paid_every_month",
        "not_ours",
    }


def test_a_wrong_end_is_noticed(database: Database) -> None:
    """The check that a gift ends as its story says fails if the payment's event is missing."""
    story = Story(give(database), [], WHOLE)
    with pytest.raises(WrongEnd, match="seed 7"):
        check_story(database, story, 7)
