"""Strangers who open pages all the time: Stripe is asked little, and honest donors still give."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from donate.gifts.models import Gift
from tests.journeys.donor_steps import ANN, RECEIVED, World
from tests.journeys.monthly import months
from tests.keys import key_of
from tests.links import token_of
from tests.real_parts import caller
from tests.waiting import until

STRANGERS = 50
SECONDS = 4.0
QUESTIONS_A_SECOND = 5


def hammer(world: World, paths: list[str], meanwhile: Callable[[], object]) -> Counter[int]:
    """Open these pages with 50 threads for `SECONDS`; return how often each status came.

    Call `meanwhile` a second after the beginning.
    """
    statuses: Counter[int] = Counter()
    until_then = time.monotonic() + SECONDS

    def open_pages(first: int) -> None:
        with caller(world.url) as http:
            number = first
            while time.monotonic() < until_then:
                statuses[http.get(paths[number % len(paths)]).status_code] += 1
                number += 1

    threads = [threading.Thread(target=open_pages, args=(n,)) for n in range(STRANGERS)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    meanwhile()
    for thread in threads:
        thread.join()
    return statuses


def open_gift(world: World, number: int) -> str:
    """Open a gift by card through the API; return the path of its page."""
    answer = world.http.post(
        "/api/v1/gifts",
        json={
            "code": "LWCAN",
            "mode": "card",
            "amount_minor": 5_000,
            "currency": "CAD",
            "frequency": "once",
            "country": "CA",
            "donor": {"name": ANN["name"], "email": ANN["email"]},
        },
        headers={"Idempotency-Key": key_of(f"a gift that nobody pays, {number}")},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["status_url"]).removeprefix(world.url)


def questions(world: World) -> list[str]:
    """Return the methods and paths that Stripe was asked for since the last call."""
    log = world.sandbox.control("GET", "/_sandbox/requests")
    world.sandbox.control("DELETE", "/_sandbox/requests")
    return [f"{one['method']} {one['path']}" for one in log]


@pytest.mark.alone
def test_pages_of_unpaid_gifts_ask_little(world: World) -> None:
    """However many strangers open pages of unpaid gifts, Stripe is asked five times a second.

    Meanwhile an honest donor still gets a payment page at once, and the page shows the payment.
    """
    gifts = [open_gift(world, number) for number in range(40)]
    paths = [f"{gift}{query}" for gift in gifts for query in ("?back=paid", "?lang=fr-CA")]
    questions(world)
    took: list[float] = []

    def give() -> None:
        begin = time.monotonic()
        back = world.pay(world.submit(world.fill_in()))
        took.append(time.monotonic() - begin)
        until(lambda: RECEIVED in world.page(back))

    start = time.monotonic()
    statuses = hammer(world, paths, give)
    asked = Counter(question.split("/")[0].strip() for question in questions(world))
    assert set(statuses) == {200}
    assert asked["GET"] <= QUESTIONS_A_SECOND * (1 + time.monotonic() - start)
    assert asked["POST"] == 1
    assert took[0] < 5


def test_the_page_of_a_monthly_gift_asks_little(world: World) -> None:
    """One monthly gift's page cannot use up what other donors need, however often it is opened."""
    back = world.pay(world.submit(world.fill_in() | {"frequency": "monthly"}))
    until(lambda: RECEIVED in world.page(back))
    gift: Gift = months(world)[0]
    until(lambda: "ending in 4242" in world.page(f"/pledges/{token_of(gift)}"))
    unpaid = open_gift(world, 1)
    questions(world)
    page = f"/pledges/{token_of(gift)}"
    statuses = hammer(world, [f"{page}?done=card", page], lambda: world.page(unpaid))
    asked = questions(world)
    assert set(statuses) == {200}
    assert len(asked) <= 10
    assert any("/checkout/sessions/" in question for question in asked)
