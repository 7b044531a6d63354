"""Catch-ups that run together with other catch-ups or webhooks, or after a restored backup."""

import shutil
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from donate.errors import Conflict
from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Catchup, Stopped
from donate.stripe_gateway.catchup.comparison import ListedTotal
from donate.stripe_gateway.models import CatchupRun, StripeEvent
from donate.stripe_gateway.webhooks.health import last_webhook_at
from tests.real_parts import Sqlite
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.service import WEBHOOK_PATH, serving
from tests.stripe_gateway.without_webhooks import EVENTS, HOUR, Away, check_totals, going_away
from tests.waiting import until


def test_a_second_catchup_at_the_same_time_is_refused(away: Away) -> None:
    """While one catch-up runs, another one refuses to start."""
    away.live(24, days=20)
    inside, go_on = threading.Event(), threading.Event()

    def pause(_: str) -> None:
        inside.set()
        go_on.wait(20)

    first = threading.Thread(target=away.catchup.run, args=(None, pause))
    first.start()
    assert inside.wait(20)
    with pytest.raises(Conflict, match="another catch-up is running"):
        away.another().run()
    before = away.calls(EVENTS)
    go_on.set()
    first.join()
    check_totals(away)
    with away.database.reading() as session:
        (run,) = session.exec(select(CatchupRun))
    assert run.finished_at is not None
    assert before < away.calls(EVENTS) <= 22


def test_five_catchups_at_once_store_each_event_once(away: Away) -> None:
    """Five catch-ups that start at the same moment store every event once."""
    away.live(24, days=3)
    refused: list[Conflict] = []
    together = threading.Barrier(5)

    def catch_up(catchup: Catchup) -> None:
        together.wait()
        try:
            catchup.run()
        except Conflict as conflict:
            refused.append(conflict)

    threads = [threading.Thread(target=catch_up, args=(away.another(),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) < 5
    check_totals(away)
    with away.database.reading() as session:
        ids = Counter(session.exec(select(StripeEvent.event_id)))
    assert set(ids.values()) == {1}


def test_a_stopped_catchup_is_resumed_at_its_page(away: Away) -> None:
    """A catch-up that is stopped again and again requests each page once, and counts it once."""
    away.live(60, days=10)
    for _ in range(5):
        with pytest.raises(Stopped):
            stop_after_two_pages(away.another())
    resumed, fresh = away.catchup.run()
    check_totals(away)
    with away.database.reading() as session:
        stored = Counter(session.exec(select(StripeEvent.source)))
    assert stored == {"catchup": resumed.missing}
    assert resumed.missing == resumed.events
    assert (fresh.missing, resumed.differing, fresh.differing) == (0, {}, {})
    requests = [
        str(one["parameters"])
        for one in away.sandbox.control("GET", "/_sandbox/requests")
        if one["path"] == EVENTS and "lt" in one["parameters"]["created"]
    ]
    assert len(requests) == len(set(requests)) >= 10


def stop_after_two_pages(catchup: Catchup) -> None:
    pages: list[str] = []

    def stop_soon(line: str) -> None:
        pages.append(line)
        # One line may say that the catch-up is resumed, so three lines are at least two pages.
        if len(pages) == 3:
            catchup.stop()

    catchup.run(None, stop_soon)


def test_a_catchup_interrupted_long_ago_begins_again(away: Away) -> None:
    """A catch-up that was interrupted more than twelve hours ago begins again."""
    away.live(12, days=3)
    catchup = away.another()
    with pytest.raises(Stopped):
        catchup.run(None, lambda _: catchup.stop())
    away.later(timedelta(hours=13))
    report = away.run()
    assert report.events > 0
    check_totals(away)


def test_an_event_by_webhook_and_by_catchup_is_stored_once(
    database: Database, sandbox: RunningSandbox
) -> None:
    """An event that arrives by webhook while catch-up fetches it is stored once."""
    # The test's clock is only an hour behind, because the served app uses the machine's clock.
    with going_away(database, sandbox, days_ago=0.04) as away:
        with serving(str(database.engine.url.render_as_string(hide_password=False))) as service:
            url = service.url + WEBHOOK_PATH
            assert urlsplit(url).hostname == "127.0.0.1"
            sandbox.control("POST", "/_sandbox/webhooks", url=url, paused=True)
            away.live(36, days=0.0001)
            running = threading.Thread(target=catch_up_again, args=(away,))
            running.start()
            sandbox.control("POST", "/_sandbox/webhooks", paused=False, deliver_missed=True)
            until(lambda: not state(sandbox)["deliveries"]["pending"])
            running.join()
            for event in away.events()[:5]:
                sandbox.control("POST", "/_sandbox/webhooks/deliver", event=event["id"], times=3)
        with database.reading() as session:
            heard = last_webhook_at(session)
        assert heard
        assert time.time() - heard.timestamp() < 120
        away.later(HOUR)
        report = away.catchup.run()[-1]
        check_totals(away)
        assert report.differing == {}
        with database.reading() as session:
            ids = Counter(session.exec(select(StripeEvent.event_id)))
        assert set(ids.values()) == {1}


def catch_up_again(away: Away) -> None:
    for _ in range(3):
        away.catchup.run()


def state(sandbox: RunningSandbox) -> dict[str, dict[str, object]]:
    counts: dict[str, dict[str, object]] = sandbox.control("GET", "/_sandbox/state")
    return counts


def test_catchup_completes_a_restored_backup(
    sqlite: Sqlite, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """After an old backup is restored, catch-up records every later payment of its gifts again."""
    url = sqlite.fresh_url()
    file = Path(url.removeprefix("sqlite:///"))
    database = Database(url)
    with going_away(database, sandbox, days_ago=3) as away:
        opened = [away.open() for _ in range(12)]
        away.run()
        database.close()
        shutil.copy(file, tmp_path / "copy")
        intents = [away.sandbox.pay(session)["charge"]["payment_intent"] for _, session in opened]
        away.refund(intents[0])
        lost, _ = away.paid()  # the backup does not have this gift
        away.later(timedelta(minutes=1))
        away.run()
        check_totals(away)
        database.close()
        for suffix in ("-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)
        shutil.copy(tmp_path / "copy", file)
        away.later(HOUR)
        report = away.run()
        assert away.statuses() == {"confirmed": 11, "refunded": 1}
        (sentence,) = report.differing.values()
        assert "50.00 CAD for a gift that is not recorded here" in sentence
        assert list(report.differing) == [str(lost.id)]
        assert report.totals == {"CAD": ListedTotal(65_000, 60_000, 13)}
    database.close()
