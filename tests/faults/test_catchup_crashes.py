"""`donate catchup` as a process of its own, which loses its power at every beat and goes on."""

from collections import Counter
from pathlib import Path

from sqlmodel import select

from donate.stripe_gateway.models import CatchupRun, StripeEvent
from tests.faults.processes import a_machine
from tests.faults.quick_start import Nursery
from tests.stripe_gateway.away import EVENTS, check_totals, going_away

GATEWAY = "donate.stripe_gateway"
BEATS = [
    f"{GATEWAY}.catchup:begin_run:after",  # nothing is committed yet
    f"{GATEWAY}.client:StripeClient.list_page:after",  # the page came, and is in memory only
    f"{GATEWAY}.inbox:Inbox.store_now:after",  # stored, and not settled
    f"{GATEWAY}.settle:Settler.settle_due:after",  # settled, and not written down
    f"{GATEWAY}.catchup:Catchup._save:after",  # written down
    f"{GATEWAY}.catchup:Catchup._compare:before",  # all events are in
    f"{GATEWAY}.catchup:Catchup._close:before",  # all is compared, and not told
]


def test_a_killed_catchup_goes_on_where_it_was(
    start: Nursery, database_url: str, tmp_path: Path
) -> None:
    """Killed at each beat in turn and begun again, it ends with the same totals, counted once."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        world.webhooks(paused=True)
        with going_away(world.database, world.sandbox, days_ago=8) as away:
            away.live(48, days=7.9)
        for beat in BEATS:
            machine.was_killed(machine.command("catchup", killed_at=beat), beat)
        assert machine.command("catchup").wait(60) == 0
        check_totals(away)
        with world.database.reading() as session:
            runs = list(session.exec(select(CatchupRun).order_by("id")))
            events = Counter(session.exec(select(StripeEvent.source)))
        assert [run.finished_at is not None for run in runs] == [True, True]
        assert events == {"catchup": runs[0].events}
        said = (tmp_path / "log").read_text()
        assert "resuming the catch-up that began at" in said
        assert f"looked at {runs[0].events} events" in said
        assert "now settled; 0 differ." in said
        asked = [
            str(one["parameters"])
            for one in world.sandbox.control("GET", "/_sandbox/requests")
            if one["path"] == EVENTS and "lt" in one["parameters"].get("created", {})
        ]
        # Only the page at which it was killed is asked for again.
        assert len(asked) <= len(set(asked)) + len(BEATS)
        assert machine.audit() == 0
