"""Kills the service ten times (`make prove`: more often); also tests the code that kills it."""

import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.kills import STEPS, run_kills
from tests.faults.quick_start import Forker
from tests.faults.town import draw_life
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, free_port

KILLS = 10
SEED = 20


def test_after_kills_our_books_match_stripes(
    start: Forker, database_url: str, tmp_path: Path
) -> None:
    """After the service was killed ten times while people gave, our books match Stripe's."""
    report = run_kills(start, database_url, tmp_path, kills=KILLS, seed=SEED)
    assert report.errors == [], f"seed {SEED}"
    assert report.kills == KILLS
    assert min(report.results["gifts"], report.results["cents paid"]) > 0


def test_a_seed_chooses_the_kills() -> None:
    """The same seed draws the same kills, and a thousand kills include every crash point."""
    first, second = Random(7), Random(7)
    lives = [draw_life(first, STEPS) for _ in range(1_000)]
    assert lives == [draw_life(second, STEPS) for _ in range(1_000)]
    assert {life.step.rpartition(":")[0] for life in lives} == {*STEPS, ""}


@pytest.mark.parametrize("step", ["donate.storage.database:Database.upgrade:after:1", ""])
def test_a_forked_service_is_killed_as_any_other(start: Forker, step: str, tmp_path: Path) -> None:
    """A forked service dies by SIGKILL at its crash point, or when the test kills it."""
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/donate.sqlite3",
        "PORT": str(free_port()),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LINK_KEY": LINK_KEY,
        "KILLED_AT": step,
        "KILLED_MARK": str(tmp_path / "killed"),
    }
    process = start.start("serve", folder=tmp_path, settings=settings)
    if step:
        assert process.wait(20) == -9
        assert (tmp_path / "killed").read_text() == step
    else:
        time.sleep(0.1)
        assert process.ended() is None
        process.kill()
        assert process.status == -9
