"""`donate breaker` shows and sets the protection from the command line."""

import pytest

from donate.cli import main
from donate.regions.modes import Mode
from donate.storage.database import Database
from tests.breaker.attempts import Crowd
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("STRIPE_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
    monkeypatch.setenv("LINK_KEY", LINK_KEY)
    return database_url


def test_the_command_pauses_and_lets_go(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command sets the switch for all processes, and prints the levels."""
    assert main(["breaker", "pause"]) == 0
    assert capsys.readouterr().out == "switch: pause\nstripe: paused\nother: calm\n"
    crowd = Crowd(Database(url))
    assert crowd.attempt("203.0.113.7") == "refused"
    assert crowd.attempt("203.0.113.7", Mode.INTERAC) == "opened"
    main(["breaker", "automatic"])
    assert crowd.attempt("203.0.113.7") == "opened"
    assert main(["breaker"]) == 0
    assert "switch: automatic\nstripe: calm\n" in capsys.readouterr().out
    crowd.database.close()


def test_the_status_has_the_log(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The status lists the newest attacks with their networks."""
    crowd = Crowd(Database(url))
    for _ in range(120):
        crowd.attempt("203.0.113.7")
    crowd.watch.watch_due()
    main(["breaker", "status"])
    printed = capsys.readouterr().out
    assert "attack on stripe from 2026-03-01 12:00 UTC to now: 12 opened, 0 challenged" in printed
    assert "203.0.113.7: 120 tries, 12 opened" in printed
    crowd.database.close()
