"""The power goes at every beat of beginning a monthly debit, and each time it has begun once."""

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

# In the order in which an agreement comes by them, while the worker sees to it.
HEARD = f"{GATEWAY}.billing:Billing.subscription_of:before"  # the donor is long gone
BEATS = [
    f"{GATEWAY}.agreements:Agreements._take_due:after",  # claimed, and not asked
    f"{GATEWAY}.billing:Billing.create_product:after",  # half of it is made
    f"{GATEWAY}.billing:Billing.begin_debits:before",  # about to ask
    f"{GATEWAY}.billing:Billing.begin_debits:after",  # Stripe has begun; not remembered
    f"{GATEWAY}.inbox:Inbox.store_now:after",  # in the inbox; perhaps not settled
    f"{GATEWAY}.agreements:Agreements._close:before",  # settled, and still open
]


def cut_the_wait(world: World) -> None:
    """Make every agreement due, as time would."""
    with world.database.writing() as session:
        session.execute(update(OpenAgreement).values(ask_at=datetime.now(UTC)))


def test_an_agreement_survives_every_crash(
    start: Nursery, database_url: str, tmp_path: Path
) -> None:
    """Killed at each beat in turn and started again, one agreement is one subscription."""
    with a_machine(start, database_url, tmp_path) as machine:
        world = machine.world
        process = machine.serve(killed_at=HEARD)
        form = world.fill_in("bank_debit") | {"frequency": "monthly"}
        world.pay(world.submit(form), BANK_ACCOUNT)
        machine.was_killed(process, HEARD)
        world.webhooks(paused=True)  # or Stripe's events would tell what we forgot
        for beat in BEATS:
            cut_the_wait(world)
            process = machine.serve(killed_at=beat)
            machine.was_killed(process, beat)
        cut_the_wait(world)
        machine.serve()
        until(lambda: "pledge_started" in world.facts())
        (begun,) = subscriptions(world)
        bank_says(world, begun["id"], yes=True)
        world.webhooks(paused=False, deliver_missed=True)
        until(lambda: world.gift().status == "confirmed")
        assert (world.gift().received_minor, world.gift().flags) == (AMOUNT, "")
        assert Counter(world.facts())["pledge_started"] == 1
        assert len(subscriptions(world)) == 1
    with a_machine(start, database_url, tmp_path) as machine:
        assert machine.audit() == 0
