"""The power goes at every beat of a card gift, and each time the service goes on where it was."""

import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from donate.gifts.models import Gift
from donate.stripe_gateway.models import StripeEvent
from tests.faults.processes import Machine, a_machine, ended_within
from tests.faults.quick_start import Nursery
from tests.journeys.travelling import AMOUNT, RECEIVED, until
from tests.stripe_gateway.given import as_bytes, event, give_many, session_for, sign
from tests.stripe_gateway.service import WEBHOOK_PATH

GATEWAY = "donate.stripe_gateway"

# In the order in which a gift comes by them.
WHILE_THE_DONOR_WAITS = [
    f"{GATEWAY}.checkout:Checkouts.open_for:before",  # the gift is recorded, nothing else
    f"{GATEWAY}.client:StripeClient.create_session:before",  # we meant to ask
    f"{GATEWAY}.client:StripeClient.create_session:after",  # Stripe answered; not remembered
    f"{GATEWAY}.checkout:Checkouts._remember:after",  # remembered; the donor was not told
]
WHILE_STRIPE_TELLS = [
    f"{GATEWAY}.inbox:Inbox._commit:before",  # the event is in memory only
    f"{GATEWAY}.inbox:_answer:before",  # it is on disk; Stripe was not answered
    f"{GATEWAY}.settle:Settler._settle:after",  # the facts are written, not committed
    f"{GATEWAY}.settle:Settler.settle_due:after",  # and committed
]


def counts(machine: Machine) -> dict[str, int]:
    state = machine.world.sandbox.control("GET", "/_sandbox/state")
    found: dict[str, int] = state["counts"]["sessions"]
    return found


def test_a_gift_survives_every_crash(start: Nursery, database_url: str, tmp_path: Path) -> None:
    """Killed at each beat in turn and started again, it ends as exactly one confirmed gift."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        process = machine.serve(killed_at=WHILE_THE_DONOR_WAITS[0])
        form = world.fill_in()
        for beat in WHILE_THE_DONOR_WAITS:
            if beat != WHILE_THE_DONOR_WAITS[0]:
                process = machine.serve(killed_at=beat)
            with pytest.raises(httpx.TransportError):
                world.submit(form)
            machine.was_killed(process, beat)
            assert world.gift().status == "awaited"

        process = machine.serve(killed_at=WHILE_STRIPE_TELLS[0])
        checkout = world.submit(form)
        assert counts(machine) == {"open": 1}
        back = world.pay(checkout)
        for beat in WHILE_STRIPE_TELLS:
            if beat != WHILE_STRIPE_TELLS[0]:
                process = machine.serve(killed_at=beat)
            machine.was_killed(process, beat)

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
    start: Nursery, database_url: str, tmp_path: Path
) -> None:
    """SIGTERM while events stream in: it ends within ten seconds, and every 200 is on disk."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        gifts = give_many(world.database, 2_000)
        told = [event("checkout.session.completed", session_for(gift)) for gift in gifts]
        waiting, taken = list(told), set()
        enough = threading.Event()
        process = machine.serve()

        def deliver() -> None:
            with httpx.Client(base_url=world.url, verify=False, trust_env=False) as http:
                while waiting:
                    one = waiting.pop()
                    body = as_bytes(one)
                    try:
                        answer = http.post(
                            WEBHOOK_PATH, content=body, headers={"stripe-signature": sign(body)}
                        )
                    except httpx.TransportError:
                        return
                    if answer.status_code == 200:
                        taken.add(one["id"])
                    if len(taken) >= 100:
                        enough.set()

        callers = [threading.Thread(target=deliver) for _ in range(4)]
        for caller in callers:
            caller.start()
        assert enough.wait(30)
        process.terminate()
        assert ended_within(process, 10)
        for caller in callers:
            caller.join()
        assert 100 <= len(taken) < len(told)
        with world.database.reading() as session:
            stored = set(session.exec(select(StripeEvent.event_id)))
        assert taken <= stored

        machine.serve()

        def confirmed() -> int:
            with world.database.reading() as session:
                return len(session.exec(select(Gift.id).where(Gift.status == "confirmed")).all())

        until(lambda: confirmed() == len(stored), patience_s=30)
