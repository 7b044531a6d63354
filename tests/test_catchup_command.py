"""The output and exit codes of `donate catchup`, which fetches events missed by the webhook."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from donate.cli import main
from donate.commands.catchup import STRIPE_BEGAN, read_since
from donate.errors import BadInput
from donate.storage.database import Database
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET
from tests.sandbox.running import run_sandbox, session_params
from tests.stripe_gateway.without_webhooks import Away, check_totals, going_away

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def away(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Away]:
    """Yield a service and a sandbox whose clocks are two days behind, for `donate` commands."""
    with run_sandbox() as sandbox, going_away(database, sandbox, days_ago=2) as away:
        settings = {
            "DATABASE_URL": database_url,
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LINK_KEY": LINK_KEY,
            "STRIPE_API_BASE": sandbox.url,
            "LOG_LEVEL": "WARNING",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield away


def test_progress_and_report_are_printed(away: Away, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress goes to standard error, the report to standard output, and the exit code is 0."""
    away.live(12, days=1)
    assert main(["catchup"]) == 0
    check_totals(away)
    output = capsys.readouterr()
    assert "were missing, now settled; 0 differ." in output.out
    assert "Stripe lists" in output.out
    assert "events and" in output.err
    assert main(["catchup", "--since", "45d"]) == 0
    assert "; 0 were missing; 0 differ." in capsys.readouterr().out


def test_a_set_aside_event_exits_with_1(away: Away, capsys: pytest.CaptureFixture[str]) -> None:
    """`donate catchup` names an event that it had to set aside, and exits with 1."""
    away.open()
    opened = away.client.create_session(session_params(metadata={"gift_id": "nobody"}), "odd")
    away.sandbox.pay(opened.session_id)
    assert main(["catchup"]) == 1
    assert "was set aside: metadata.gift_id" in capsys.readouterr().out


def test_doctor_reports_that_no_webhook_arrives(
    away: Away, capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate doctor` reports that Stripe has events for us, but that no webhook has arrived."""
    away.paid()
    assert main(["catchup"]) == 0
    main(["doctor"])
    assert "None of Stripe's webhooks has arrived yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["--since", "yesterday"], {}, "--since takes a day such as"),
        (["--since", "99999d"], {}, ""),
        ([], {"STRIPE_SECRET_KEY": "sk_test_4fJd83kfLs02mQpZ7u"}, "does not let this key read"),
        (
            [],
            {"STRIPE_SECRET_KEY": "rk_live_4fJd83kfLs02mQpZ7u", "PUBLIC_URL": "https://x.example"},
            "must begin with https:// with a live key",
        ),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    away: Away,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environment: dict[str, str],
    sentence: str,
) -> None:
    """`donate catchup` exits with 1 and a sentence if the day or the settings are wrong."""
    away.paid()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["catchup", *arguments]) == (1 if sentence else 0)
    output = capsys.readouterr().err
    assert sentence in output
    assert "Traceback" not in output


def test_a_second_catch_up_is_refused(
    away: Away, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate catchup` exits with 1 and says why if another catch-up is running."""
    with database.alone("catchup") as alone:
        assert alone
        assert main(["catchup"]) == 1
    assert "another catch-up is running" in capsys.readouterr().err
    assert main(["catchup"]) == 0
    assert away.calls("/v1/events") > 0


def test_since_is_a_day_or_so_many_days() -> None:
    """`--since` takes a date, which means midnight in UTC, or a number of days ago, as in 45d."""
    assert read_since("2026-02-01", NOW) == datetime(2026, 2, 1, tzinfo=UTC)
    assert read_since("45d", NOW) == NOW - timedelta(days=45)
    assert read_since("99999d", NOW) == read_since("0001-01-01", NOW) == STRIPE_BEGAN


def test_since_is_not_in_the_future() -> None:
    """`--since` refuses a date in the future."""
    with pytest.raises(BadInput, match="in the past"):
        read_since("2062-02-01", NOW)


@pytest.mark.parametrize("text", ["", "d", "-1d", "2026-02-30", "1.5d", "999999d", "01/02/2026"])
def test_any_other_since_is_refused(text: str) -> None:
    """`--since` refuses a text that is neither a date nor a number of days."""
    with pytest.raises(BadInput, match="--since takes"):
        read_since(text, NOW)


def test_one_holder_at_a_time_runs_a_task(database: Database) -> None:
    """`Database.alone` locks a task for one holder at a time; other tasks have other locks."""
    with database.alone("one") as first, database.alone("one") as second:
        assert (first, second) == (True, False)
        with database.alone("two") as other:
            assert other
    for _ in range(50):
        with database.alone("one") as again:
            assert again
