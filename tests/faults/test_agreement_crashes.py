"""Kills the service at every step of beginning a monthly debit, and checks that it begins once."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from donate.stripe_gateway.models import OpenAgreement
from tests.faults.processes import a_machine
from tests.faults.quick_start import Nursery
from tests.journeys.monthly import bank_says, subscriptions
from tests.journeys.travelling import AMOUNT, BANK_ACCOUNT, World, until

GATEWAY = "donate.stripe_gateway"

# In the order in which the worker reaches them.
AFTER_WEBHOOK = f"{GATEWAY}.requests.billing:Billing.subscription_of:before"  # the donor has left
STEPS = [
    f"{GATEWAY}.requests.agreements:Agreements._take_due:after",  # claimed, not yet asked
    f"{GATEWAY}.requests.billing:Billing.create_product:after",  # the subscription is missing
    f"{GATEWAY}.requests.billing:Billing.begin_debits:before",  # about to ask
    f"{GATEWAY}.requests.billing:Billing.begin_debits:after",  # Stripe has begun; not recorded
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:after",  # in the inbox, perhaps not settled
    f"{GATEWAY}.requests.agreements:Agreements._close:before",  # settled, but the row is open
]


def make_due(world: World) -> None:
    """Make every agreement due now."""
    with world.database.writing() as session:
        session.execute(update(OpenAgreement).values(ask_at=datetime.now(UTC)))


def test_an_agreement_survives_every_crash(
    start: Nursery, database_url: str, tmp_path: Path
) -> None:
    """Killed at each step in turn and restarted, one agreement is one subscription."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        process = machine.serve(killed_at=AFTER_WEBHOOK)
        form = world.fill_in("bank_debit") | {"frequency": "monthly"}
        world.pay(world.submit(form), BANK_ACCOUNT)
        machine.was_killed(process, AFTER_WEBHOOK)
        world.webhooks(paused=True)  # or Stripe's events would tell us
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
