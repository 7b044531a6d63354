"""Donors, another program and a clerk, who try again until they are answered.

Each keeps what it typed, so that trying again is the same request. What they were answered is
counted, and what nobody may ever be answered is kept.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field as field_of
from random import Random
from typing import Any, Final

import httpx
from sqlmodel import select

from donate.errors import DatabaseBusy
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.api.program import ANN as PROGRAMS_ANN, GIFT
from tests.finance.refund_desk import GOOD
from tests.journeys.travelling import ANN, field
from tests.real_parts import caller
from tests.sandbox.running import RunningSandbox

# Between two gifts of one donor: a few hundred gifts a minute in all.
REST_S: Final = 0.25
AGAIN_S: Final = 0.04
_UNFORESEEN: Final = (500, 501, 502, 504)


@dataclass
class People:
    """Everybody at one service, each in a thread of their own."""

    url: str
    sandbox: RunningSandbox
    database: Database
    staff_token: str
    seed: int
    answers: Counter[int] = field_of(default_factory=Counter)
    odd: list[str] = field_of(default_factory=list)
    begun: set[str] = field_of(default_factory=set)
    """The form nonces and idempotency keys, each of which has to be one gift."""
    _leaving: threading.Event = field_of(default_factory=threading.Event)
    _threads: list[threading.Thread] = field_of(default_factory=list)

    def come(self) -> None:
        for number, act in enumerate((give, give, ask_by_program, send_back)):
            person = Person(self, Random(f"{self.seed}:{number}"), act)
            self._threads.append(threading.Thread(target=person.live, name=act.__name__))
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """Let everybody finish what they began; returns when all are gone."""
        self._leaving.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), f"{thread.name} gets no answer"

    @property
    def are_leaving(self) -> bool:
        return self._leaving.is_set()

    def rest(self, seconds: float) -> None:
        self._leaving.wait(seconds)


class Person:
    """One of them, with dice of their own."""

    def __init__(self, people: People, dice: Random, act: Callable[["Person"], None]) -> None:
        self.people = people
        self.dice = dice
        self._act = act
        self._http = caller(people.url)

    def live(self) -> None:
        with self._http:
            while not self.people.are_leaving:
                try:
                    self._act(self)
                except Exception as error:  # noqa: BLE001 -- it is told at the end, and fails all
                    self.people.odd.append(f"{self._act.__name__}: {type(error).__name__} {error}")
                self.people.rest(REST_S)

    def knock(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer that is not "come again"."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError:
                time.sleep(AGAIN_S)
                continue
            self.people.answers[answer.status_code] += 1
            if answer.status_code in _UNFORESEEN:
                self.people.odd.append(f"{method} {path}: {answer.status_code}")
            if answer.status_code < 500:
                return answer
            if answer.status_code == 503 and "retry-after" not in answer.headers:
                self.people.odd.append(f"{method} {path}: 503 without Retry-After")
            time.sleep(AGAIN_S)
        raise TimeoutError(f"{method} {path} is never answered")

    def at_stripe(self, path: str, **lever: Any) -> Any:
        """Pull a lever; None when Stripe refuses."""
        try:
            return self.people.sandbox.control("POST", f"/_sandbox/{path}", **lever)
        except httpx.HTTPStatusError:
            return None


def give(person: Person) -> None:
    """Fill in the form, be led to Stripe, pay or not, and look at the gift's page."""
    dice = person.dice
    page = person.knock("GET", "/give/LWCAN").text
    nonce = field(page, "nonce")
    person.people.begun.add(nonce)
    amount = f"{dice.randrange(200, 90_000) / 100:.2f}"
    form = ANN | {"preset": "other", "amount": amount}
    form |= {"mode": "card", "lang": "en-CA", "nonce": nonce}
    leads_to = _sent(person, form)
    if dice.random() < 0.2:  # a second tab, or a second tap
        again = _sent(person, form)
        if "/gifts/" in again and "/gifts/" in leads_to:
            assert again.partition("?")[0] == leads_to.partition("?")[0], "one form, two gifts"
    until = time.monotonic() + 60
    while "/pay/" not in leads_to:
        assert time.monotonic() < until, f"no card page: {leads_to}"
        time.sleep(AGAIN_S)
        token = leads_to.partition("?")[0]
        answer = person.knock("POST", f"{token}/checkout")
        assert answer.status_code == 303, f"no way to pay: {answer.status_code}"
        leads_to = answer.headers["location"]
    _pay_and_look(person, leads_to)


def _sent(person: Person, form: dict[str, str]) -> str:
    answer = person.knock("POST", "/give/LWCAN", data=form)
    assert answer.status_code == 303, f"the form was answered {answer.status_code}"
    return str(answer.headers["location"])


def _pay_and_look(person: Person, leads_to: str) -> None:
    dice, session_id = person.dice, leads_to.rpartition("/")[2]
    if dice.random() < 0.1:
        return
    if dice.random() < 0.1:
        person.at_stripe("pay", session=session_id, outcome="declined")
    paid = person.at_stripe("pay", session=session_id, outcome="paid")
    assert paid, "Stripe did not take the card"
    back = paid["session"]["success_url"].removeprefix(person.people.url)
    for _ in range(dice.randrange(3)):
        assert person.knock("GET", back).status_code == 200
    intent = paid["session"]["payment_intent"]
    if dice.random() < 0.05:
        person.at_stripe("refund", payment_intent=intent, amount=dice.randrange(1, 200))
    if dice.random() < 0.05:
        disputed = person.at_stripe("dispute", payment_intent=intent)
        if disputed and dice.random() < 0.5:
            outcome = dice.choice(["won", "lost"])
            person.at_stripe(f"dispute/{disputed['dispute']['id']}", outcome=outcome)


def ask_by_program(person: Person) -> None:
    """Open a gift under a key, ask again under the same one, and pay."""
    dice, key = person.dice, f"key-{person.dice.getrandbits(96):x}"
    person.people.begun.add(key)
    wanted = GIFT | {
        "mode": dice.choice(["card", "card", "interac"]),
        "amount_minor": dice.randrange(200, 90_000),
        "donor": PROGRAMS_ANN,
    }
    found = set()
    url = ""
    for _ in range(dice.choice([1, 2])):
        answer = person.knock(
            "POST", "/api/v1/gifts", json=wanted, headers={"Idempotency-Key": key}
        )
        assert answer.status_code in (200, 201), f"the program was answered {answer.status_code}"
        opened = answer.json()
        found.add(opened["id"])
        url = opened["next"].get("url", "")
    assert len(found) == 1, "one key, two gifts"
    if url:
        _pay_and_look(person, url)


def send_back(person: Person) -> None:
    """Send back a part of a gift that is confirmed, or all of it; one form is one refund."""
    dice, people = person.dice, person.people
    gift = _confirmed(people.database, dice)
    if gift is None:
        return
    cookies = {"Cookie": f"donate_staff={people.staff_token}"}
    page = person.knock("GET", f"/finance/gifts/{gift.id}", headers=cookies).text
    at = page.find("/refund")
    if at < 0:
        return
    hidden = {name: field(page, name) for name in ("form_key", "payment")}
    form = GOOD | hidden | {"csrf": field(page[at:], "csrf")}
    form["amount"] = f"{dice.randrange(1, gift.amount_minor + 1) / 100:.2f}"
    for _ in range(dice.choice([1, 1, 2])):
        answer = person.knock(
            "POST", f"/finance/gifts/{gift.id}/refund", data=form, headers=cookies
        )
        assert answer.status_code in (303, 409, 422), f"the clerk got {answer.status_code}"
    people.rest(4 * REST_S)


def _confirmed(database: Database, dice: Random) -> Gift | None:
    try:
        with database.reading() as session:
            wanted = select(Gift).where(Gift.status == "confirmed", Gift.mode == "card")
            gifts = session.exec(wanted).all()
    except DatabaseBusy:
        return None
    return dice.choice(gifts) if gifts else None
