"""Kills the service at every step of a refund; Stripe makes exactly one refund."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from donate.gifts.models import Gift
from donate.stripe_gateway.models import OpenRefund
from tests.faults.processes import Machine, a_machine
from tests.faults.quick_start import Forker
from tests.finance.finance_site import start_staff_session
from tests.finance.refund_desk import GOOD
from tests.journeys.donor_steps import AMOUNT, RECEIVED, World, field
from tests.waiting import until

GATEWAY = "donate.stripe_gateway"

# The first crash: the refund request is recorded, and the staff member has no answer yet.
RECORDED = "donate.finance.refunds.pages:RefundPages._record_request:after"
WHILE_THE_WORKER_ASKS = [
    # A crash after the worker picked the refund request to send, and scheduled the next try.
    f"{GATEWAY}.requests.refunds:Refunds._take_due:after",
    # A crash just before the worker asks Stripe for the refund.
    f"{GATEWAY}.client:StripeClient.create_refund:before",
    # A crash after Stripe made the refund, before we record its answer.
    f"{GATEWAY}.client:StripeClient.create_refund:after",
    # A crash after Stripe's answer is stored in the inbox; perhaps it is not settled yet.
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:after",
]


def sign_in(world: World) -> None:
    """Sign the HTTP client in as finance staff."""
    now = datetime.now(UTC)
    with world.database.writing() as session:
        token = start_staff_session(session, now=now)
    world.http.cookies.set("donate_staff", token)


def paid(machine: Machine) -> Gift:
    world = machine.world
    back = world.pay(world.submit(world.fill_in()))
    until(lambda: RECEIVED in world.page(back))
    return world.gift()


def send_back(world: World, gift: Gift) -> httpx.Response:
    """Fill in a gift's refund form with the whole amount, and send it."""
    page = world.page(f"/finance/gifts/{gift.id}")
    hidden = {name: field(page, name) for name in ("form_key", "payment")}
    form = page[page.index("/refund") :]
    return world.http.post(
        f"/finance/gifts/{gift.id}/refund", data=GOOD | hidden | {"csrf": field(form, "csrf")}
    )


def make_due(world: World) -> None:
    """Set the next try of every refund request to now, so that the worker does not wait."""
    with world.database.writing() as session:
        session.execute(update(OpenRefund).values(ask_at=datetime.now(UTC)))


def test_a_refund_survives_every_crash(start: Forker, database_url: str, tmp_path: Path) -> None:
    """If the service is killed at every crash point, one request makes one refund."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        process = machine.serve(killed_at=RECORDED)
        gift = paid(machine)
        sign_in(world)
        # Without webhooks, only the worker can learn of the refund.
        world.webhooks(paused=True)
        with pytest.raises(httpx.TransportError):
            send_back(world, gift)
        machine.was_killed(process, RECORDED)
        assert world.gift().status == "confirmed"

        for step in WHILE_THE_WORKER_ASKS:
            make_due(world)
            process = machine.serve(killed_at=step)
            machine.was_killed(process, step)

        machine.serve()
        until(lambda: world.gift().status == "refunded")
        assert "Refunded $" in world.page(f"/finance/gifts/{gift.id}")
        world.webhooks(paused=False, deliver_missed=True)
        until(lambda: not world.sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"])
        assert Counter(world.facts())["refund_requested"] == 1
        assert Counter(world.facts())["refund_succeeded"] == 1
        assert (world.gift().returned_minor, world.gift().flags) == (AMOUNT, "")
        state = world.sandbox.control("GET", "/_sandbox/state")
        assert state["counts"]["refunds"] == {"succeeded": 1}
    with a_machine(start, database_url, tmp_path) as machine:
        assert machine.audit() == 0
