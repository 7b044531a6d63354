"""A few of the kills of `make prove`, and that each way of killing does what it says."""

import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.kills import BEATS, draw_life, run_kills
from tests.faults.quick_start import Nursery
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, free_port

KILLS = 10
SEED = 20


def test_after_kills_the_books_are_stripes(
    start: Nursery, database_url: str, tmp_path: Path
) -> None:
    """Killed ten times while people give, it ends with what Stripe was paid, each payment once."""
    report = run_kills(start, database_url, tmp_path, kills=KILLS, seed=SEED)
    assert report.wrong == [], f"seed {SEED}"
    assert (report.kills, report.paid_minor > 0, report.gifts > 0) == (KILLS, True, True)


def test_a_seed_chooses_the_kills() -> None:
    """The same seed draws the same kills, and all beats come up among a thousand of them."""
    once, again = Random(7), Random(7)
    lives = [draw_life(once) for _ in range(1_000)]
    assert lives == [draw_life(again) for _ in range(1_000)]
    assert {life.beat.rpartition(":")[0] for life in lives} == {*BEATS, ""}


@pytest.mark.parametrize("beat", ["donate.storage.database:Database.upgrade:after:1", ""])
def test_a_forked_service_is_killed_as_any_other(start: Nursery, beat: str, tmp_path: Path) -> None:
    """What was forked ends with the signal that killed it, at its beat or at once."""
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/donate.sqlite3",
        "PORT": str(free_port()),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "KILLED_AT": beat,
        "KILLED_MARK": str(tmp_path / "killed"),
    }
    process = start.start("serve", folder=tmp_path, settings=settings)
    if beat:
        assert process.wait(20) == -9
        assert (tmp_path / "killed").read_text() == beat
    else:
        time.sleep(0.1)
        assert process.ended() is None
        process.kill()
        assert process.status == -9
