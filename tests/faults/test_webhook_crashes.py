"""Kills the service at every step of sending a webhook; the webhook is sent in the end."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from donate.gifts.facts import FactKind
from donate.outbound_webhooks.models import DeliveryState, WebhookReceiver
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from tests.faults.processes import a_machine
from tests.faults.quick_start import Forker
from tests.letters.facts import tell
from tests.outbound_webhooks.receiving import open_desk, running_program
from tests.stripe_gateway.gifts_and_events import give
from tests.waiting import until

KEY = "0123456789abcdef0123456789abcdef"
# Each crash point, and how many copies of the webhook the program has got by then.
STEPS = [
    # A crash after the delivery is inserted, before it is committed.
    ("donate.outbound_webhooks.finder:insert_new:after", 0),
    # A crash after the delivery is committed.
    ("donate.outbound_webhooks.finder:DeliveryFinder.find_due:after", 0),
    # A crash after the receiver is claimed, before the webhook is sent.
    ("donate.outbound_webhooks.sender:WebhookSender._send:before", 0),
    # A crash after the webhook is sent, before it is marked as delivered.
    ("donate.outbound_webhooks.client:WebhookClient.post:after", 1),
    # A crash after it is sent a second time and marked.
    ("donate.outbound_webhooks.sender:WebhookSender._send:after", 2),
]


def end_leases(database: Database) -> None:
    with database.writing() as session:
        session.execute(update(WebhookReceiver).values(free_at=datetime.now(UTC)))


def test_a_webhook_survives_every_crash(start: Forker, database_url: str, tmp_path: Path) -> None:
    """If the service is killed at every crash point, the program gets copies with one id."""
    with a_machine(start, database_url, tmp_path) as machine, running_program() as program:
        machine.settings |= {"DEMO": "true", "SECOND_FACTOR_KEY": KEY}
        desk = open_desk(machine.world.database, datetime.now(UTC), cipher=SecretCipher([KEY]))
        machine.world.database.upgrade()
        desk.add(program.url, cipher=SecretCipher([KEY]))
        gift = give(desk.database)
        tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1", recorded_at=datetime.now(UTC))
        for step, sent in STEPS:
            end_leases(desk.database)
            machine.was_killed(machine.serve(killed_at=step), step)
            assert len(program.got) == sent
        assert desk.only().state == DeliveryState.DELIVERED
        assert {one.id for one in program.got} == {desk.only().message_id}
        # The next process does not send it again.
        end_leases(desk.database)
        machine.serve()
        tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1", recorded_at=datetime.now(UTC))
        until(lambda: len(program.got) == 3)
        assert program.types[-1] == "gift.refunded"
