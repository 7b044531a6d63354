"""Requests with the same idempotency key always lead to the same gift."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from donate.breaker.models import SwitchPosition
from donate.breaker.switch import set_switch
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.queries import facts_of
from tests.api.program import (
    ANN,
    Program,
    calling,
    new_key,
    problem_in,
    stripe_at,
)
from tests.real_parts import Sqlite, free_port
from tests.sandbox.running import run_sandbox

AT_ONCE = 20


def sessions_at(stripe: str) -> int:
    state = httpx.get(f"{stripe}/_sandbox/state", trust_env=False, verify=False).json()
    return sum(state["counts"]["sessions"].values())


def make_trouble(stripe: str, kind: str, times: int) -> None:
    # Stripe's SDK retries once if the connection breaks, so such a fault needs `times=2`.
    trouble = {"path": "/v1/checkout/sessions", "method": "POST", "kind": kind, "times": times}
    answer = httpx.post(f"{stripe}/_sandbox/trouble", json=trouble, trust_env=False, verify=False)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("mode", ["interac", "giving_code", "card"])
def test_same_answer(card_program: tuple[Program, str], mode: str) -> None:
    """A request with the same key and body gets the same answer, with `Idempotency-Replayed`."""
    program, _ = card_program
    key = new_key()
    first, again = program.open(key, mode=mode), program.open(key, mode=mode)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(program.gifts()) == 1


def test_same_content_in_other_notation(program: Program) -> None:
    """A repeated request may order its fields differently, and have more spaces in donor fields."""
    key = new_key()
    first = program.open(key)
    donor = {"email": " ann@example.com", "name": " Ann  Lee "}
    assert program.open(key, donor=donor).json() == first.json()


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "giving_code"},
        {"amount_minor": 5001},
        {"language": "fr-CA"},
        {"mode": "giving_code", "country": "US"},
        {"donor": ANN | {"name": "Eve"}},
        {"donor": ANN | {"email": "eve@example.com"}},
        {"code": "LWJPN", "currency": "JPY", "mode": "giving_code"},
    ],
    ids=str,
)
def test_same_key_for_another_gift(program: Program, changes: dict[str, Any]) -> None:
    """A used key with another body is refused, and the error reveals nothing about the gift."""
    key = new_key()
    first = program.open(key)
    before = len(program.gifts())
    answer = program.open(key, **changes)
    (error,) = problem_in(answer, 422)["errors"]
    assert error["header"] == "Idempotency-Key"
    assert "used for another gift" in error["detail"]
    assert first.json()["token"] not in answer.text
    assert len(program.gifts()) == before


def test_other_keys_are_other_gifts(program: Program) -> None:
    """Two keys that differ only in case open two gifts."""
    ids = {
        program.open(key).json()["id"]
        for key in ("Abcdefghijklmnopqrstuv0123", "abcdefghijklmnopqrstuv0123")
    }
    assert len(ids) == 2


def test_twenty_at_once(first_program: Program) -> None:
    """Twenty concurrent requests with one key open one gift and get the same answer."""
    key = new_key()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: first_program.open(key), range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(first_program.gifts()) == 1


def test_twenty_different_at_once(first_program: Program) -> None:
    """Of twenty concurrent requests with one key and different bodies, exactly one succeeds."""
    key = new_key()

    def open_gift(extra: int) -> int:
        return first_program.open(key, amount_minor=5000 + extra).status_code

    with ThreadPoolExecutor(AT_ONCE) as threads:
        statuses = list(threads.map(open_gift, range(AT_ONCE)))
    assert sorted(statuses) == [201] + [422] * (AT_ONCE - 1)
    assert len(first_program.gifts()) == 1


def test_twenty_cards_at_once(card_program: tuple[Program, str]) -> None:
    """Twenty concurrent requests for one card gift open one gift and one session."""
    program, stripe = card_program
    key = new_key()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: program.open(key, mode="card"), range(AT_ONCE)))
    # While Stripe handles the first request, it may answer 409 to the others.
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert (len(program.gifts()), sessions_at(stripe)) == (1, 1)


def test_stripe_down_then_up(database_url: str) -> None:
    """A request that failed because Stripe was down can be repeated with the same key."""
    port, key = free_port(), new_key()
    stripe = f"http://127.0.0.1:{port}"
    with calling(database_url, **stripe_at(stripe)) as program:
        problem_in(program.open(key, mode="card"), 503)
        with run_sandbox(port):
            first, again = program.open(key, mode="card"), program.open(key, mode="card")
            assert first.json() == again.json()
            assert first.json()["next"]["url"].startswith(stripe)
            assert first.headers["idempotency-replayed"] == "true"
            assert (len(program.gifts()), sessions_at(stripe)) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "attempts"), [("reset_after", 2), ("cut_body", 2), ("html_200", 1)]
)
def test_answer_lost_on_the_way(
    card_program: tuple[Program, str], kind: str, attempts: int
) -> None:
    """If Stripe's answer was lost, a repeated request gets the session that Stripe created."""
    program, stripe = card_program
    key = new_key()
    make_trouble(stripe, kind, times=attempts)
    problem_in(program.open(key, mode="card"), 503)
    assert program.open(key, mode="card").status_code == 201
    assert (len(program.gifts()), sessions_at(stripe)) == (1, 1)


def test_stripe_refused(card_program: tuple[Program, str]) -> None:
    """If Stripe refuses a gift's payment, the answer redirects to the gift's page.

    A repeated request with the same key asks Stripe again for the same gift.
    """
    program, stripe = card_program
    key = new_key()
    make_trouble(stripe, "400", times=1)
    refused = program.open(key, mode="card").json()
    assert refused["next"] == {
        "kind": "redirect",
        "url": f"{refused['status_url']}?problem=refused",
    }
    again = program.open(key, mode="card")
    assert again.status_code == 201
    assert again.json()["next"]["url"].startswith(stripe)
    assert (len(program.gifts()), sessions_at(stripe)) == (1, 1)


def test_an_ended_session_is_not_followed_by_a_free_one(
    card_program: tuple[Program, str],
) -> None:
    """Once the gift's session has ended, a repeated request leads to the gift's page."""
    program, stripe = card_program
    key, now = new_key(), datetime.now(UTC)
    program.open(key, mode="card")
    (gift,) = program.gifts()
    with program.database.writing() as session:
        (opened,) = (
            fact.source_id
            for fact in facts_of(session, gift.id)
            if fact.kind == FactKind.CHECKOUT_OPENED
        )
        ended = Fact(FactKind.CHECKOUT_EXPIRED, opened, now, "stripe")
        record_facts(session, [(gift.id, ended)], now=now)
    again = program.open(key, mode="card").json()
    assert again["status"] == "lapsed"
    assert again["next"] == {"kind": "redirect", "url": again["status_url"]}
    assert sessions_at(stripe) == 1


def test_another_session_is_counted(card_program: tuple[Program, str]) -> None:
    """If Stripe refused the session, a repeated request is refused while card gifts pause.

    An open session is returned all the same.
    """
    program, stripe = card_program
    refused, opened = new_key(), new_key()
    make_trouble(stripe, "400", times=1)
    program.open(refused, mode="card")
    url = program.open(opened, mode="card").json()["next"]["url"]
    with program.database.writing() as session:
        set_switch(session, SwitchPosition.PAUSE, "shell", now=datetime.now(UTC))
    assert program.open(refused, mode="card").status_code == 429
    assert program.open(opened, mode="card").json()["next"]["url"] == url
    assert sessions_at(stripe) == 1


@pytest.mark.parametrize("mode", ["interac", "card"])
def test_paid_meanwhile(program: Program, mode: str) -> None:
    """If the gift has been paid, a repeated request is redirected to the gift's page."""
    key = new_key()
    program.open(key, mode=mode)
    gift = program.gifts()[-1]
    now = datetime.now(UTC)
    paid = Fact(
        kind=FactKind.TRANSFER_RECEIVED,
        source_id=f"bank-{gift.reference}",
        happened_at=now,
        actor="staff:1",
        amount_minor=5000,
        currency="CAD",
    )
    with program.database.writing() as session:
        record_facts(session, [(gift.id, paid)], now=now)
    again = program.open(key, mode=mode)
    assert again.status_code == 201
    assert again.json()["status"] == "confirmed"
    assert again.json()["next"] == {"kind": "redirect", "url": again.json()["status_url"]}


def test_keys_are_neither_logged_nor_stored(
    sqlite: Sqlite, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Idempotency keys are neither logged nor stored, because they give access to gifts."""
    caplog.set_level(logging.DEBUG)
    url = sqlite.fresh_url()
    key = "remember-me-0123456789-abcdef"
    with calling(url) as program:
        program.open(key)
        program.open(key, amount_minor=1)
        program.open(key, mode="card")
        program.open("remember-me-9876543210-abcdef", mode="card")
        program.database.engine.dispose()
        stored = [gift.form_key for gift in program.gifts()]
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert ours
    assert "remember-me" not in "".join([*ours, *capfd.readouterr(), *stored])
