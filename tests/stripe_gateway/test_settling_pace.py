"""While webhooks arrive quickly, settling works in small batches and pauses after each."""

import asyncio
import time
from typing import Any

import sqlalchemy

from donate.clock import SystemClock
from donate.storage.database import Database
from donate.stripe_gateway.webhooks.inbox import QUIET_AFTER_S, STORE_TIMEOUT_S, Arrival, Inbox
from donate.stripe_gateway.webhooks.settling_pace import (
    LATE_AFTER_S,
    MAX_REST_S,
    MIN_REST_S,
    REST_FACTOR_WHEN_LATE,
    SMALL_BATCH,
    PacedSettling,
)
from tests.stripe_gateway.gifts_and_events import as_bytes, event, settler_of

MORE = 2 * SMALL_BATCH + 5


async def arrive(inbox: Inbox, how_many: int) -> None:
    now = SystemClock().now()
    bodies = (as_bytes(event("customer.created", {"id": "cus_1"})) for _ in range(how_many))
    await asyncio.gather(*(inbox.store(Arrival(body, now)) for body in bodies))


def settle_during_stream(
    settling: PacedSettling, inbox: Inbox, rests: list[float]
) -> tuple[int, float]:
    """Settle events while others arrive; return how many were settled, and in how many seconds.

    If settling never paused, all events had arrived before it began, so the attempt is repeated.
    """
    before, settled, seconds = len(rests), 0, 0.0
    while len(rests) == before:
        asyncio.run(arrive(inbox, MORE))
        start = time.monotonic()
        settled = settling.settle_due()
        seconds = time.monotonic() - start
    return settled, seconds


def test_concurrent_events_share_commits(database: Database) -> None:
    """Events that fifty clients send at the same time are stored in shared commits."""
    commits: list[Any] = []
    sqlalchemy.event.listen(database.engine, "commit", commits.append)
    inbox = Inbox(database, on_stored=lambda: None)
    inbox.start()

    async def call() -> None:
        for _ in range(10):
            await arrive(inbox, 1)

    async def all_call() -> None:
        await asyncio.gather(*(call() for _ in range(50)))

    asyncio.run(all_call())
    inbox.stop()
    assert len(commits) < 100


def test_a_closed_event_loop_does_not_delay_later_events(database: Database) -> None:
    """If an event loop closes while its event is in the queue, later events are still stored."""
    inbox = Inbox(database, on_stored=lambda: None)
    inbox.start()
    asyncio.run(arrive(inbox, MORE))

    async def come_and_go() -> None:
        caller = asyncio.create_task(arrive(inbox, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        caller.cancel()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(come_and_go())
    loop.close()
    start = time.monotonic()
    asyncio.run(arrive(inbox, 1))
    assert time.monotonic() < start + STORE_TIMEOUT_S / 2
    inbox.stop()


def test_settling_rests_while_events_stream_in(database: Database) -> None:
    """While events arrive, settling works in small batches and pauses after each."""
    inbox = Inbox(database, on_stored=lambda: None)
    rests: list[float] = []
    settling = PacedSettling(settler_of(database, SystemClock()), inbox, rests.append)
    inbox.start()
    assert (settling.settle_due(), rests) == (0, [])
    assert settle_during_stream(settling, inbox, rests)[0] == SMALL_BATCH
    assert MIN_REST_S <= rests[0] <= MAX_REST_S
    time.sleep(QUIET_AFTER_S * 2)
    assert settling.settle_due() == MORE - SMALL_BATCH
    assert (settling.settle_due(), len(rests)) == (0, 1)
    inbox.stop()


def test_a_backlog_is_not_put_off_for_ever(database: Database) -> None:
    """If a backlog lasts for seconds while events arrive, settling pauses for less time."""
    inbox = Inbox(database, on_stored=lambda: None)
    rests: list[float] = []
    settling = PacedSettling(settler_of(database, SystemClock()), inbox, rests.append)
    inbox.start()
    start, seconds = time.monotonic(), 0.0
    while not rests or rests[-1] > REST_FACTOR_WHEN_LATE * seconds:
        assert time.monotonic() < start + 60
        _, seconds = settle_during_stream(settling, inbox, rests)
    assert time.monotonic() > start + LATE_AFTER_S
    inbox.stop()
