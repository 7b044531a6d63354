"""`donate stripe check`, run as an operator runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from donate.cli import main
from donate.stripe_gateway.assumptions.listing import ASSUMPTIONS
from tests.assumptions.altered_stripe import altered, refused
from tests.assumptions.clicking import Clicker
from tests.assumptions.worlds import pay_out
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET
from tests.sandbox.running import RunningSandbox

LIVE = SECRET_KEY.replace("_test_", "_live_")


@pytest.fixture
def environment(
    sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Environment variables of a service that uses the sandbox; the test runs in a new folder.

    The sandbox has a payout, because an account needs days to get its first one.
    """
    pay_out(sandbox)
    values = {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LINK_KEY": LINK_KEY,
        "STRIPE_API_BASE": sandbox.url,
        "CHECKOUT_HOSTS": sandbox.url.removeprefix("http://"),
        "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return os.environ | values


def report_in(folder: Path) -> Any:
    return json.loads((folder / "donate-stripe-check.json").read_text())


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout
    for line in process.stdout:
        yield line.rstrip("\n")


def test_all_assumptions_hold_for_the_sandbox(
    sandbox: RunningSandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    """If a person opens the links, all assumptions hold for the sandbox, within a minute."""
    person = Clicker(sandbox)
    command = [sys.executable, "-m", "donate.cli", "stripe", "check", "--wait", "20"]
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines = []
        for line in lines_of(process):
            lines.append(line)
            if line.strip().startswith(f"{sandbox.url}/pay/"):
                person.click(line.strip())
    assert process.returncode == 0, "\n".join(lines)
    assert lines[-1].startswith(f"{len(ASSUMPTIONS)} held, 0 did not hold, 0 could not be tried.")
    assert not any(line.startswith("Not removed") for line in lines)
    counts = sandbox.control("GET", "/_sandbox/state")["counts"]
    assert "open" not in counts["sessions"]
    assert set(counts["subscriptions"]) <= {"canceled", "incomplete_expired"}
    report = report_in(tmp_path)
    assert report["counts"] == {"held": len(ASSUMPTIONS)}
    assert sum(one["seconds"] for one in report["results"]) < 60


@pytest.mark.usefixtures("environment")
def test_no_links_leaves_out_what_needs_a_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --no-links, assumptions that need a person at Stripe's pages are not tried."""
    assert main(["stripe", "check", "--no-links"]) == 0
    output = capsys.readouterr().out
    assert "/pay/" not in output
    by_hand = {one.name for one in ASSUMPTIONS if one.by_hand}
    results = report_in(tmp_path)["results"]
    assert {r["name"] for r in results if r["outcome"] == "could not be tried"} == by_hand
    assert {r["name"] for r in results if r["outcome"] == "did not hold"} == set()


def test_a_failed_assumption_has_stripes_words(
    sandbox: RunningSandbox,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If an assumption fails, the report has Stripe's message and request id, without the key."""
    message = f"acss_debit is not for setup; the key was {environment['STRIPE_SECRET_KEY']}."
    alteration = refused("POST", "/v1/checkout/sessions", message, parameter="mode", value="setup")
    with altered(sandbox, alteration) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        assert main(["stripe", "check", "--no-links"]) == 1
    output = capsys.readouterr().out
    assert "DID NOT HOLD       a-monthly-debit-session-opens: " in output
    assert "Stripe says: acss_debit is not for setup; the key was sk_test_…" in output
    assert "Stripe's request: req_" in output
    report = (tmp_path / "donate-stripe-check.json").read_text()
    assert SECRET_KEY not in output + report
    (failure,) = [r for r in report_in(tmp_path)["results"] if r["outcome"] == "did not hold"]
    assert failure["name"] == "a-monthly-debit-session-opens"
    assert failure["words"].startswith("acss_debit is not for setup")
    assert failure["request_id"].startswith("req_")


def test_a_live_key_is_refused(
    sandbox: RunningSandbox,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a live key the command stops before it calls Stripe or writes a report."""
    assert environment
    monkeypatch.setenv("STRIPE_SECRET_KEY", LIVE)
    monkeypatch.setenv("STRIPE_API_BASE", "https://127.0.0.1:9")
    monkeypatch.setenv("PUBLIC_URL", "https://give.example.org")
    sandbox.control("DELETE", "/_sandbox/requests")
    assert main(["stripe", "check"]) == 1
    assert "STRIPE_SECRET_KEY is a live key" in capsys.readouterr().err
    assert sandbox.control("GET", "/_sandbox/requests") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("environment")
def test_a_report_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """If the report cannot be written, the command stops before it calls Stripe."""
    assert main(["stripe", "check", "--report", "no/such/folder/report.json"]) == 1
    assert "the report cannot be written" in capsys.readouterr().err


def test_the_list_needs_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--list needs no settings; it begins with the assumptions whose failure would cost most."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    assert main(["stripe", "check", "--list"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) == len(ASSUMPTIONS)
    assert "wrong money" in rows[0]
