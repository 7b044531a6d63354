"""Kills the service many times while people give, and then compares our books with Stripe's.

As a program: python -m tests.faults.kills --kills 1000 --seed 7
"""

import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import update
from sqlmodel import col, func, select

from donate.errors import DatabaseBusy
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, OpenCheckout, OpenRefund, StripeEvent
from tests.faults.book_comparison import find_errors, list_all
from tests.faults.people import People, give, give_by_program, refund
from tests.faults.quick_start import Forker
from tests.faults.town import Report, Town, draw_life, new_report, run_as_program
from tests.journeys.donor_steps import pretend_stripe
from tests.real_parts import free_port
from tests.stripe_gateway.gifts_and_events import as_bytes, sign
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.waiting import until

GATEWAY: Final = "donate.stripe_gateway"
STEPS: Final = (
    f"{GATEWAY}.requests.checkout:Checkouts.open_for:before",
    f"{GATEWAY}.client:StripeClient.create_session:before",
    f"{GATEWAY}.client:StripeClient.create_session:after",
    f"{GATEWAY}.requests.checkout:Checkouts._remember:after",
    f"{GATEWAY}.webhooks.inbox:Inbox._commit:before",
    f"{GATEWAY}.webhooks.inbox:_answer:before",
    f"{GATEWAY}.webhooks.settle:Settler._settle:after",
    f"{GATEWAY}.webhooks.settle:Settler.settle_due:after",
    f"{GATEWAY}.client:StripeClient.retrieve_session:before",
    f"{GATEWAY}.client:StripeClient.retrieve_session:after",
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:before",
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:after",
    f"{GATEWAY}.requests.refunds:Refunds._take_due:after",
    f"{GATEWAY}.client:StripeClient.create_refund:before",
    f"{GATEWAY}.client:StripeClient.create_refund:after",
    f"{GATEWAY}.catchup.catchup:Catchup._take_events:after",
    f"{GATEWAY}.catchup.catchup:Catchup._take_objects:before",
    f"{GATEWAY}.catchup.catchup:Catchup._close:before",
    "donate.gifts.ledger:record_facts:after",
    "donate.storage.database:Database.upgrade:after",
)
DELIVERERS: Final = 4


def run_kills(start: Forker, database_url: str, folder: Path, *, kills: int, seed: int) -> Report:
    """Kill the service `kills` times, let its work finish, and compare our books with Stripe's."""
    rng, port, start_time = Random(seed), free_port(), time.monotonic()
    report = new_report(database_url)
    with pretend_stripe(f"http://127.0.0.1:{port}{WEBHOOK_PATH}") as sandbox:
        town = Town(start, database_url, folder, sandbox, port)
        people = People(town.url, sandbox, town.database, town.staff_token(), seed)
        people.start(give, give, give_by_program, refund)
        for report.kills in range(1, kills + 1):
            life, silent, due = draw_life(rng, STEPS), rng.random() < 0.15, rng.random() < 0.3
            sandbox.control("POST", "/_sandbox/webhooks", paused=silent, deliver_missed=not silent)
            if due:
                make_due(town.database)
            town.live(life, report)
        process = town.run("serve")
        people.finish()
        report.answers += people.answers
        report.errors += people.errors
        _end_everything(town, rng, report)
        process.kill()
        town.audit(report)
        report.errors += find_errors(town.database, sandbox, people.keys)
        paid = sandbox.control("GET", "/_sandbox/state")["totals"]["cad"]["paid"]
        report.results += Counter({"gifts": len(people.keys), "cents paid": paid})
        town.close()
    report.seconds = time.monotonic() - start_time
    return report


def _end_everything(town: Town, rng: Random, report: Report) -> None:
    """Let webhooks and requests to Stripe finish, run a catch-up, and deliver all events again."""
    sandbox = town.sandbox
    sandbox.control("POST", "/_sandbox/webhooks", paused=False, deliver_missed=True)
    until(lambda: not sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"])
    make_due(town.database)
    # While the service's own catch-up runs, the command `catchup` is refused and exits with 1.
    deadline = time.monotonic() + 120
    while town.run("catchup").wait(120):
        if time.monotonic() > deadline:
            report.errors.append(f"the catch-up did not end: {town.log()[-1_500:]}")
            break
        time.sleep(1)
    again = deliver_everything_again(town, rng)
    report.answers.update(again)
    if set(again) != {200}:
        report.errors.append(f"when delivered again, events got {dict(again)}")
    until(lambda: not waiting(town.database))


def make_due(database: Database) -> None:
    """Let the service repeat every request that Stripe has not answered, without waiting."""
    now = datetime.now(UTC)
    try:
        with database.writing() as session:
            for table in (OpenCheckout, OpenRefund):
                is_open = col(table.ask_at).is_not(None)
                session.execute(update(table).where(is_open).values(ask_at=now))
    except DatabaseBusy:
        pass  # the database was locked; this function is called again later


def deliver_everything_again(town: Town, rng: Random) -> Counter[int]:
    """Deliver each of Stripe's events once more, in random order; count the answers."""
    events = list_all(town.sandbox, "/v1/events")
    bodies = [as_bytes(event) for event in rng.sample(events, len(events))]

    def deliver(body: bytes) -> int:
        headers = {"stripe-signature": sign(body)}
        return town.http.post(WEBHOOK_PATH, content=body, headers=headers).status_code

    with ThreadPoolExecutor(DELIVERERS) as pool:
        return Counter(pool.map(deliver, bodies))


def waiting(database: Database) -> int:
    with database.reading() as session:
        is_open = StripeEvent.state == EventState.WAITING
        return session.exec(select(func.count()).where(is_open)).one()


if __name__ == "__main__":
    sys.exit(run_as_program(run_kills, sys.argv[1:]))
