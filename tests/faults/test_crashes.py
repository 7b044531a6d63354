"""Kills the service at every step of a card gift; after a restart, the gift continues."""

import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from donate.gifts.models import Gift
from donate.stripe_gateway.models import StripeEvent
from tests.faults.processes import Machine, a_machine, ended_within
from tests.faults.quick_start import Forker
from tests.journeys.donor_steps import AMOUNT, RECEIVED
from tests.stripe_gateway.gifts_and_events import as_bytes, event, give_many, session_for, sign
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.waiting import until

GATEWAY = "donate.stripe_gateway"

WHILE_THE_DONOR_WAITS = [
    # A crash after the gift is recorded, before a checkout session is requested.
    f"{GATEWAY}.requests.checkout:Checkouts.open_for:before",
    # A crash just before the service asks Stripe for a checkout session.
    f"{GATEWAY}.client:StripeClient.create_session:before",
    # A crash after Stripe opened the session, before we record its answer.
    f"{GATEWAY}.client:StripeClient.create_session:after",
    # A crash after the session is recorded, before the donor gets an answer.
    f"{GATEWAY}.requests.checkout:Checkouts._remember:after",
]
WHILE_THE_EVENT_ARRIVES = [
    # A crash while the payment's event is only in memory.
    f"{GATEWAY}.webhooks.inbox:Inbox._commit:before",
    # A crash after the event is on disk, before Stripe gets an answer.
    f"{GATEWAY}.webhooks.inbox:_answer:before",
    # A crash after the facts are written, before they are committed.
    f"{GATEWAY}.webhooks.settle:Settler._settle:after",
    # A crash after the facts are committed.
    f"{GATEWAY}.webhooks.settle:Settler.settle_due:after",
]


def counts(machine: Machine) -> dict[str, int]:
    state = machine.world.sandbox.control("GET", "/_sandbox/state")
    sessions: dict[str, int] = state["counts"]["sessions"]
    return sessions


def test_a_gift_survives_every_crash(start: Forker, database_url: str, tmp_path: Path) -> None:
    """If the service is killed at every crash point, the donor has exactly one confirmed gift."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        process = machine.serve(killed_at=WHILE_THE_DONOR_WAITS[0])
        form = world.fill_in()
        for step in WHILE_THE_DONOR_WAITS:
            if step != WHILE_THE_DONOR_WAITS[0]:
                process = machine.serve(killed_at=step)
            with pytest.raises(httpx.TransportError):
                world.submit(form)
            machine.was_killed(process, step)
            assert world.gift().status == "awaited"

        process = machine.serve(killed_at=WHILE_THE_EVENT_ARRIVES[0])
        checkout = world.submit(form)
        assert counts(machine) == {"open": 1}
        back = world.pay(checkout)
        for step in WHILE_THE_EVENT_ARRIVES:
            if step != WHILE_THE_EVENT_ARRIVES[0]:
                process = machine.serve(killed_at=step)
            machine.was_killed(process, step)

        machine.serve()
        until(lambda: RECEIVED in world.page(back))
        until(lambda: not world.sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"])
        gift = world.gift()
        assert (gift.status, gift.received_minor, gift.flags) == ("confirmed", AMOUNT, "")
        assert Counter(world.facts()) == {
            "gift_opened": 1,
            "checkout_requested": 1,
            "checkout_opened": 1,
            "payment_succeeded": 1,
        }
        assert counts(machine) == {"complete": 1}
    with a_machine(start, database_url, tmp_path) as machine:
        assert machine.audit() == 0


def test_stopping_under_load_loses_nothing(
    start: Forker, database_url: str, tmp_path: Path
) -> None:
    """After SIGTERM under load, the service ends in ten seconds; all accepted events are stored."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        gifts = give_many(world.database, 2_000)
        events = [event("checkout.session.completed", session_for(gift)) for gift in gifts]
        waiting, accepted = list(events), set()
        enough = threading.Event()
        process = machine.serve()

        def deliver() -> None:
            with httpx.Client(base_url=world.url, verify=False, trust_env=False) as http:
                while waiting:
                    event_sent = waiting.pop()
                    body = as_bytes(event_sent)
                    try:
                        answer = http.post(
                            WEBHOOK_PATH, content=body, headers={"stripe-signature": sign(body)}
                        )
                    except httpx.TransportError:
                        return
                    if answer.status_code == 200:
                        accepted.add(event_sent["id"])
                    if len(accepted) >= 100:
                        enough.set()

        callers = [threading.Thread(target=deliver) for _ in range(4)]
        for caller in callers:
            caller.start()
        assert enough.wait(30)
        process.terminate()
        assert ended_within(process, 10)
        for caller in callers:
            caller.join()
        assert 100 <= len(accepted) < len(events)
        with world.database.reading() as session:
            stored = set(session.exec(select(StripeEvent.event_id)))
        assert accepted <= stored

        machine.serve()

        def confirmed() -> int:
            with world.database.reading() as session:
                return len(session.exec(select(Gift.id).where(Gift.status == "confirmed")).all())

        until(lambda: confirmed() == len(stored))
