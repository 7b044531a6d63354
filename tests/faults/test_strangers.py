"""Sends a thousand odd requests (`make prove` sends more); each of them can be repeated."""

from pathlib import Path
from random import Random

from donate.storage.database import Database
from tests.faults.odd_requests import draw_request
from tests.faults.strangers import add_known_data, run_strangers
from tests.real_parts import Sqlite

SEED = 20
REQUESTS = 1_000


def test_no_odd_request_gets_500(database_url: str, tmp_path: Path) -> None:
    """A thousand odd requests cause no 500, no traceback, no memory leak and no audit finding."""
    report = run_strangers(database_url, tmp_path, numbers=range(REQUESTS), seed=SEED)
    assert report.errors == []
    assert report.requests == REQUESTS
    assert {200, 201, 303, 400, 403, 404, 405, 413, 422} <= report.answers.keys()


def test_a_seed_and_number_repeat_a_request(sqlite: Sqlite) -> None:
    """The same seed and number draw the same request, whatever was drawn before."""
    database = Database(sqlite.fresh_url())
    known = add_known_data(database)
    database.close()
    drawn = [draw_request(known, Random(f"{SEED}:{number}")) for number in range(300)]
    again = draw_request(known, Random(f"{SEED}:250"))
    assert (again.method, again.path, again.cut_at) == (
        drawn[250].method,
        drawn[250].path,
        drawn[250].cut_at,
    )
    assert len({request.as_bytes() for request in drawn}) > 250
