"""Kills the service while clerks work on bank statements (`make prove`: far more often)."""

from pathlib import Path
from random import Random

from tests.faults.bank_kills import BANK_STEPS, run_bank_kills
from tests.faults.quick_start import Forker
from tests.faults.town import draw_life

KILLS = 4
SEED = 4


def test_after_kills_each_bank_line_is_there_once(
    start: Forker, database_url: str, tmp_path: Path
) -> None:
    """After kills at random moments, all lines, gifts and closed months are there once."""
    report = run_bank_kills(start, database_url, tmp_path, kills=KILLS, seed=SEED)
    assert report.errors == [], f"seed {SEED}"
    assert 1 <= report.kills <= KILLS


def test_many_kills_reach_every_step_of_the_bank() -> None:
    """A thousand kills include every crash point of the bank."""
    random = Random(7)
    steps = {draw_life(random, BANK_STEPS).step.rpartition(":")[0] for _ in range(1_000)}
    assert steps == {*BANK_STEPS, ""}
