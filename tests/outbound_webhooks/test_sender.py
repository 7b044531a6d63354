"""Webhooks are sent at least once, signed, with pauses after failures."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from donate.gifts.facts import FactKind
from donate.outbound_webhooks.client import BROKEN_OFF
from donate.outbound_webhooks.models import DeliveryState, WebhookReceiver
from donate.outbound_webhooks.receivers import (
    OLD_SECRET_FOR,
    disable_receiver,
    lock_receiver,
    rotate_secret,
)
from donate.outbound_webhooks.sender import MOST_RECEIVERS
from donate.outbound_webhooks.signing import new_secret
from donate.storage.claiming import LEASE
from tests.letters.facts import tell
from tests.outbound_webhooks.receiving import (
    CIPHER,
    Program,
    Received,
    WebhookDesk,
    running_program,
)
from tests.stripe_gateway.gifts_and_events import NOW
from tests.waiting import PATIENCE_S


def signature(secret: str, one: Received) -> str:
    """Compute a signature as the specification says, without the package that signs."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{one.id}.{one.headers['webhook-timestamp']}.".encode() + one.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_webhook_is_signed_as_the_specification_says(desk: WebhookDesk, program: Program) -> None:
    """A receiver verifies a webhook with the package of Standard Webhooks, and by hand."""
    desk.clock.instant, secret = datetime.now(UTC), new_secret()
    desk.add(program.url, secret=secret)
    desk.confirm()
    assert desk.send() == 1
    (got,) = program.got
    assert Webhook(secret).verify(got.body, got.headers)["type"] == "gift.confirmed"
    assert got.headers["webhook-signature"] == signature(secret, got)
    assert got.id == desk.only().message_id
    assert got.headers["content-type"] == "application/json"
    assert got.path == "/hooks"
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    delivery = desk.only()
    assert (delivery.state, delivery.answer_code, delivery.answer) == ("delivered", 200, "ok")
    assert desk.send() == 0


def test_an_answer_that_may_repeat_donors_data_is_not_stored(
    desk: WebhookDesk, program: Program
) -> None:
    """Of a program that gets donors' data only the answer's code is stored."""
    program.text = "stored Ann Lee"
    desk.add(program.url, with_donor=True)
    desk.confirm()
    assert desk.send() == 1
    delivery = desk.only()
    assert (delivery.state, delivery.answer_code, delivery.answer) == ("delivered", 200, "")


def test_a_new_secret_overlaps_with_the_old_one(desk: WebhookDesk, program: Program) -> None:
    """For a day after a new secret was made, the old one signs too, then no longer."""
    old, new = new_secret(), new_secret()
    receiver = desk.add(program.url, secret=old)
    with desk.database.writing() as session:
        row = lock_receiver(session, receiver.id or 0)
        rotate_secret(row, CIPHER.encrypt(new), now=NOW)
    desk.clock.instant = NOW + OLD_SECRET_FOR - timedelta(seconds=1)
    desk.confirm()
    desk.send()
    desk.wait(seconds=1)
    desk.confirm("pi_2")
    desk.send()
    during, after = program.got
    assert (
        during.headers["webhook-signature"] == f"{signature(new, during)} {signature(old, during)}"
    )
    assert after.headers["webhook-signature"] == signature(new, after)


def test_a_kill_after_sending_sends_again_with_the_same_id(
    desk: WebhookDesk, program: Program
) -> None:
    """If the process dies before it marks a webhook, it is sent again, byte for byte, later."""
    desk.add(program.url)
    gift = desk.confirm()
    receiver = desk.sender._claim()
    assert receiver
    delivery = desk.sender._begin(receiver)
    assert delivery
    desk.sender._exchange(receiver, delivery, desk.clock.now())  # then the process dies
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    assert desk.send() == 0
    desk.clock.instant = NOW + LEASE
    assert desk.send() == 1
    first, second = program.got
    assert (first.id, first.body) == (second.id, second.body)
    assert second.headers["webhook-timestamp"] == str(int((NOW + LEASE).timestamp()))
    assert desk.only().tries == 2


def test_a_slow_worker_changes_nothing_after_its_lease(desk: WebhookDesk, program: Program) -> None:
    """A worker whose lease is over does not put off a webhook that another one has sent."""
    program.code, program.meanwhile = 500, lambda: None
    desk.add(program.url)
    desk.confirm()
    receiver = desk.sender._claim()
    assert receiver
    delivery = desk.sender._begin(receiver)
    assert delivery
    desk.wait(minutes=3)
    program.code = 200
    assert desk.send() == 1
    desk.sender._put_off(receiver, delivery, reason=BROKEN_OFF)
    assert desk.only().state == DeliveryState.DELIVERED
    assert desk.receiver().failures == 0


def test_a_program_that_hangs_delays_no_other(desk: WebhookDesk, program: Program) -> None:
    """While one program does not answer, all others get their webhooks, one at a time."""
    hangs, at_once, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def count() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        hangs.wait(0.02)
        with lock:
            at_once -= 1

    with running_program() as slow:
        slow.meanwhile, program.meanwhile = lambda: hangs.wait(PATIENCE_S), count
        for _ in range(MOST_RECEIVERS - 1):
            desk.add(slow.url)
        desk.add(program.url)
        for number in range(5):
            desk.confirm(f"pi_{number}")
        assert desk.sender.send_due() == MOST_RECEIVERS
        _until(lambda: len(program.got) == 5)
        assert most == 1
        assert len(slow.got) == MOST_RECEIVERS - 1
        assert desk.sender.send_due() == 0
        hangs.set()
        desk.sender.stop()
    assert all(one.state == DeliveryState.DELIVERED for one in desk.deliveries()[-1:])


def _until(holds: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if holds():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not happen in time")


def test_nobody_sends_twice_at_once(desk: WebhookDesk, program: Program) -> None:
    """A receiver that a worker has claimed is claimed by no other, until its lease is over."""
    desk.add(program.url)
    desk.confirm()
    assert desk.sender._claim()
    assert desk.sender._claim() is None
    desk.clock.instant = NOW + LEASE - timedelta(seconds=1)
    assert desk.sender._claim() is None
    desk.wait(seconds=1)
    assert desk.sender._claim()


def test_a_program_that_is_switched_off_gets_nothing(desk: WebhookDesk, program: Program) -> None:
    """What waits is not sent to a program that staff switched off, not even by a claimed worker."""
    receiver = desk.add(program.url)
    desk.confirm()
    claimed = desk.sender._claim()
    with desk.database.writing() as session:
        disable_receiver(lock_receiver(session, receiver.id or 0), now=NOW)
    assert claimed
    assert desk.sender.send_to(claimed) == 0
    desk.wait(hours=1)
    assert desk.send() == 0
    assert program.got == []
    assert desk.only().state == DeliveryState.WAITING


def test_secrets_are_not_stored_in_the_clear(desk: WebhookDesk) -> None:
    """The database has the secret only encrypted."""
    secret = new_secret()
    desk.add("https://crm.example.org/", secret=secret)
    stored: WebhookReceiver = desk.receiver()
    assert secret.removeprefix("whsec_") not in stored.secret
    assert CIPHER.decrypt(stored.secret) == secret
