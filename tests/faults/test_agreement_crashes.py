"""Kills the service at every step of starting a monthly debit; the debit starts exactly once."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from donate.stripe_gateway.models import OpenAgreement
from tests.faults.processes import a_machine
from tests.faults.quick_start import Forker
from tests.journeys.donor_steps import AMOUNT, BANK_ACCOUNT, World
from tests.journeys.monthly import bank_says, subscriptions
from tests.waiting import until

GATEWAY = "donate.stripe_gateway"

# The first crash: the donor has agreed on Stripe's page, and the worker has not looked for a
# subscription yet.
AFTER_WEBHOOK = f"{GATEWAY}.requests.billing:Billing.subscription_of:before"
STEPS = [
    # A crash after the worker picked the agreement to process, and scheduled the next try.
    f"{GATEWAY}.requests.agreements:Agreements._take_due:after",
    # A crash after Stripe created the product, before it creates the subscription.
    f"{GATEWAY}.requests.billing:Billing.create_product:after",
    # A crash just before the worker asks Stripe for the subscription.
    f"{GATEWAY}.requests.billing:Billing.begin_debits:before",
    # A crash after Stripe created the subscription, before we record its answer.
    f"{GATEWAY}.requests.billing:Billing.begin_debits:after",
    # A crash after Stripe's answer is stored in the inbox; perhaps it is not settled yet.
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:after",
    # A crash after Stripe's answer became facts, before the worker notes that no try is due.
    f"{GATEWAY}.requests.agreements:Agreements._close:before",
]


def make_due(world: World) -> None:
    """Set the next try of every agreement to now, so that the worker does not wait."""
    with world.database.writing() as session:
        session.execute(update(OpenAgreement).values(ask_at=datetime.now(UTC)))


def test_an_agreement_survives_every_crash(
    start: Forker, database_url: str, tmp_path: Path
) -> None:
    """If the service is killed at every crash point, one agreement starts one subscription."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        process = machine.serve(killed_at=AFTER_WEBHOOK)
        form = world.fill_in("bank_debit") | {"frequency": "monthly"}
        world.pay(world.submit(form), BANK_ACCOUNT)
        machine.was_killed(process, AFTER_WEBHOOK)
        # Without webhooks, only the worker can learn of the subscription.
        world.webhooks(paused=True)
        for step in STEPS:
            make_due(world)
            process = machine.serve(killed_at=step)
            machine.was_killed(process, step)
        make_due(world)
        machine.serve()
        until(lambda: "pledge_started" in world.facts())
        (subscription,) = subscriptions(world)
        bank_says(world, subscription["id"], yes=True)
        world.webhooks(paused=False, deliver_missed=True)
        until(lambda: world.gift().status == "confirmed")
        assert (world.gift().received_minor, world.gift().flags) == (AMOUNT, "")
        assert Counter(world.facts())["pledge_started"] == 1
        assert len(subscriptions(world)) == 1
    with a_machine(start, database_url, tmp_path) as machine:
        assert machine.audit() == 0
