"""What follows when a program does not accept a webhook."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlmodel import Session

from donate.outbound_webhooks import payload
from donate.outbound_webhooks.models import DeliveryState, WebhookDelivery
from donate.outbound_webhooks.sender import NO_SECRET, RETRY_AFTER
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from tests.outbound_webhooks.receiving import (
    Program,
    WebhookDesk,
    open_desk,
)
from tests.stripe_gateway.gifts_and_events import NOW


def test_a_failure_is_tried_again_for_days_and_then_has_failed(
    desk: WebhookDesk, program: Program
) -> None:
    """A webhook is tried ten times with the pauses of Standard Webhooks, then it has failed."""
    program.code, program.text = 500, "no\x00\u2028pe" + 600 * "!"
    desk.add(program.url)
    desk.confirm()
    for tries, pause in enumerate(RETRY_AFTER.pauses, start=1):
        assert desk.send() == 0
        delivery = desk.only()
        assert (delivery.state, delivery.tries, delivery.answer_code) == ("waiting", tries, 500)
        assert delivery.due_at - desk.clock.now() == pause
        desk.clock.instant = delivery.due_at - timedelta(seconds=1)
        desk.send()
        assert len(program.got) == tries
        desk.clock.instant = delivery.due_at
    desk.send()
    delivery = desk.only()
    assert (delivery.state, delivery.tries) == ("failed", 10)
    assert delivery.answer == ("no��pe" + 600 * "!")[:500]
    assert sum(RETRY_AFTER.pauses, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert {one.id for one in program.got} == {delivery.message_id}
    desk.wait(days=9)
    assert desk.send() == 0


def test_pauses_have_jitter(database: Database, program: Program) -> None:
    """Each pause is longer or shorter by up to a tenth."""
    limits: list[tuple[float, float]] = []

    def most(low: float, high: float) -> float:
        limits.append((low, high))
        return high

    desk, program.code = open_desk(database, spread=most), 500
    desk.add(program.url)
    desk.confirm()
    desk.send()
    assert limits == [(0.9, 1.1)]
    assert desk.only().due_at == NOW + timedelta(seconds=5.5)


@pytest.mark.parametrize("code", [201, 204, 299])
def test_any_2xx_is_a_success(desk: WebhookDesk, program: Program, code: int) -> None:
    """Any answer from 200 to 299 means that the program has it."""
    program.code, program.text = code, ""
    desk.add(program.url)
    desk.confirm()
    assert desk.send() == 1
    assert desk.only().state == DeliveryState.DELIVERED


@pytest.mark.parametrize("code", [301, 302, 308, 400, 404, 502])
def test_redirects_and_errors_are_failures(desk: WebhookDesk, program: Program, code: int) -> None:
    """A redirect is not followed, and counts as a failure like an error."""
    program.code, program.headers = code, {"Location": program.url + "/elsewhere"}
    desk.add(program.url)
    desk.confirm()
    assert desk.send() == 0
    assert [one.path for one in program.got] == ["/hooks"]
    assert (desk.only().state, desk.only().answer_code) == ("waiting", code)
    assert desk.receiver().failing_since == NOW


def test_gone_switches_the_program_off(desk: WebhookDesk, program: Program) -> None:
    """After the answer 410 nothing more is sent, and nothing is tried again."""
    program.code = 410
    desk.add(program.url)
    desk.confirm()
    desk.confirm("pi_2")
    assert desk.send() == 0
    assert len(program.got) == 1
    assert sorted(each.state for each in desk.deliveries()) == ["failed", "waiting"]
    receiver = desk.receiver()
    assert (receiver.disabled_at, receiver.disabled_why) == (NOW, "gone")
    desk.wait(days=2)
    assert desk.send() == 0


@pytest.mark.parametrize(
    ("code", "asked", "pause"),
    [
        (429, "3600", timedelta(hours=1)),
        (503, "Sun, 01 Mar 2026 14:00:00 GMT", timedelta(hours=2)),
        (503, "2", timedelta(seconds=5)),
        (429, "999999", timedelta(days=1)),
        (429, "soon", timedelta(seconds=5)),
    ],
)
def test_retry_after_is_respected(
    desk: WebhookDesk, program: Program, code: int, asked: str, pause: timedelta
) -> None:
    """A program that asks for a pause gets nothing before it is over, at most a day later."""
    program.code, program.headers = code, {"Retry-After": asked}
    desk.add(program.url)
    desk.confirm()
    assert desk.send() == 0
    assert desk.only().due_at == NOW + pause
    assert desk.receiver().free_at == NOW + pause


def test_a_failing_program_rests_before_the_next_webhook(
    desk: WebhookDesk, program: Program
) -> None:
    """After a failure the next webhook waits: 5 and 30 seconds, then a minute each time."""
    program.code = 500
    desk.add(program.url)
    for number in range(4):
        desk.confirm(f"pi_{number}")
    for rest_s in (5, 30, 60, 60):
        got = len(program.got)
        desk.send()
        assert len(program.got) == got + 1
        assert desk.receiver().free_at - desk.clock.now() == timedelta(seconds=rest_s)
        desk.clock.instant = desk.receiver().free_at
    program.code = 200
    assert desk.send() >= 3
    assert (desk.receiver().failures, desk.receiver().failing_since) == (0, None)


@pytest.mark.parametrize("cipher", [None, SecretCipher(["another key"])])
def test_without_its_key_nothing_is_sent(
    database: Database, program: Program, cipher: SecretCipher | None
) -> None:
    """A webhook that cannot be signed is not sent; staff see why, and it is tried again."""
    desk = open_desk(database, cipher=cipher)
    desk.add(program.url)
    desk.confirm()
    assert desk.send() == 0
    assert program.got == []
    assert (desk.only().state, desk.only().reason) == ("waiting", NO_SECRET)


def test_a_webhook_that_cannot_be_written_blocks_no_other(
    desk: WebhookDesk, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the content of one webhook cannot be written, it is put off, and the next one is sent."""
    desk.add(program.url)
    first, second = desk.confirm(), desk.confirm("pi_2")
    body_of = payload.body_of

    def broken(session: Session, delivery: WebhookDelivery, *, with_donor: bool) -> str:
        text = body_of(session, delivery, with_donor=with_donor)
        if first.reference in text:
            raise KeyError("a donor’s name")
        return text

    monkeypatch.setattr("donate.outbound_webhooks.sender.body_of", broken)
    desk.send()
    desk.wait(seconds=5)
    desk.send()
    assert [one.content["data"]["gift"]["reference"] for one in program.got] == [second.reference]


def test_the_metrics_count_what_became_of_webhooks(desk: WebhookDesk, program: Program) -> None:
    """The metrics count webhooks that were accepted, put off and given up."""

    def count(outcome: str) -> float:
        labels = {"event": "gift.confirmed", "outcome": outcome}
        return REGISTRY.get_sample_value("donate_outbound_webhooks_total", labels) or 0

    outcomes = ("delivered", "retried", "failed")
    before = [count(outcome) for outcome in outcomes]
    desk.add(program.url)
    desk.confirm()
    for code in (500, 200):
        program.code = code
        desk.send()
        desk.wait(seconds=5)
    desk.confirm("pi_2")
    program.code = 410
    desk.send()
    assert [count(outcome) for outcome in outcomes] == [number + 1 for number in before]
