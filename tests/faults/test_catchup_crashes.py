"""Kills `donate catchup` at every step; the next run continues where the killed one stopped."""

from collections import Counter
from pathlib import Path

from sqlmodel import select

from donate.stripe_gateway.models import CatchupRun, StripeEvent
from tests.faults.processes import a_machine
from tests.faults.quick_start import Forker
from tests.stripe_gateway.without_webhooks import EVENTS, check_totals, going_away

GATEWAY = "donate.stripe_gateway"
STEPS = [
    # A crash before the database row about this catch-up is committed.
    f"{GATEWAY}.catchup.catchup:begin_run:after",
    # A crash while a page of Stripe's events is only in memory.
    f"{GATEWAY}.client:StripeClient.list_page:after",
    # A crash after a page of Stripe's events is stored, before the events are settled.
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:after",
    # A crash after a page of events is settled, before the position in Stripe's list is saved.
    f"{GATEWAY}.webhooks.settle:Settler.settle_due:after",
    # A crash after the position in Stripe's list is saved.
    f"{GATEWAY}.catchup.catchup:Catchup._save:after",
    # A crash after all events are stored, before our books are compared with Stripe's.
    f"{GATEWAY}.catchup.catchup:Catchup._compare:before",
    # A crash after our books are compared with Stripe's, before the result is reported.
    f"{GATEWAY}.catchup.catchup:Catchup._close:before",
]


def test_a_killed_catchup_goes_on_where_it_was(
    start: Forker, database_url: str, tmp_path: Path
) -> None:
    """A catch-up killed at every crash point ends with the totals of an undisturbed one."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        world.webhooks(paused=True)
        with going_away(world.database, world.sandbox, days_ago=8) as away:
            away.live(48, days=7.9)
        for step in STEPS:
            machine.was_killed(machine.command("catchup", killed_at=step), step)
        assert machine.command("catchup").wait(60) == 0
        check_totals(away)
        with world.database.reading() as session:
            runs = list(session.exec(select(CatchupRun).order_by("id")))
            events = Counter(session.exec(select(StripeEvent.source)))
        assert [run.finished_at is not None for run in runs] == [True, True]
        assert events == {"catchup": runs[0].events}
        log = (tmp_path / "log").read_text()
        assert "resuming the catch-up that began at" in log
        assert f"looked at {runs[0].events} events" in log
        assert "now settled; 0 differ." in log
        requests = [
            str(request["parameters"])
            for request in world.sandbox.control("GET", "/_sandbox/requests")
            if request["path"] == EVENTS and "lt" in request["parameters"].get("created", {})
        ]
        # After each kill, at most one page of Stripe's list is requested again.
        assert len(requests) <= len(set(requests)) + len(STEPS)
        assert machine.audit() == 0
