"""Whatever fashion events come in, every gift ends as its story says."""

import pytest

from donate.storage.database import Database
from tests.laws.schedules import WrongEnd, check_story, run_schedule, run_schedules
from tests.laws.stories import STORIES, WHOLE, Story
from tests.real_parts import Sqlite
from tests.stripe_gateway.given import give


def test_no_schedule_loses_or_doubles_a_gift(database: Database) -> None:
    """Forty drawn schedules: dropped, doubled and shuffled events end as their stories say."""
    assert run_schedules(database, range(1, 41)) > 400


def test_the_same_seed_is_the_same_schedule(sqlite: Sqlite) -> None:
    """A seed says everything, so that what failed can be run again."""
    runs = []
    for _ in range(2):
        database = Database(sqlite.fresh_url())
        runs.append([run_schedule(database, seed) for seed in range(5)])
        database.close()
    assert runs[0] == runs[1]


def test_every_kind_of_story_is_told() -> None:
    """Cards, debits, expiries, pledges and forgeries all occur."""
    assert {story.__name__ for story in STORIES} == {
        "paid_by_card",
        "paid_late",
        "never_paid",
        "paid_every_month",
        "not_ours",
    }


def test_a_wrong_end_is_noticed(database: Database) -> None:
    """The check itself can fail: a gift that was paid and never told of does not pass."""
    story = Story(give(database), [], WHOLE)
    with pytest.raises(WrongEnd, match="seed 7"):
        check_story(database, story, 7)
