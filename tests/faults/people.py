"""Threads that act as donors, a program and a staff member while the service is killed.

After an error, a person sends the same input again until an answer comes. All answers are counted,
and those that the service must never give are recorded as errors.
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
from tests.journeys.donor_steps import ANN, field
from tests.real_parts import caller
from tests.sandbox.running import RunningSandbox
from tests.waiting import PATIENCE_S

# The pause between two gifts of one donor; all donors together give a few hundred a minute.
REST_S: Final = 0.25
RETRY_AFTER_S: Final = 0.04
_NEVER_ALLOWED: Final = (500, 501, 502, 504)


@dataclass
class People:
    """The people who use one service, each in a thread, and the answers that they got."""

    url: str
    sandbox: RunningSandbox
    database: Database
    staff_token: str
    seed: int
    answers: Counter[int] = field_of(default_factory=Counter)
    errors: list[str] = field_of(default_factory=list)
    keys: set[str] = field_of(default_factory=set)
    """The nonces of forms and the idempotency keys that were sent; each has to open one gift."""
    _finishing: threading.Event = field_of(default_factory=threading.Event)
    _threads: list[threading.Thread] = field_of(default_factory=list)

    def start(self, *actions: "Callable[[Person], None]") -> None:
        """Start a thread for each action, which repeats it."""
        for number, action in enumerate(actions):
            person = Person(self, Random(f"{self.seed}:{number}"), action)
            self._threads.append(threading.Thread(target=person.live, name=action.__name__))
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Tell the people to stop, and wait until each has completed the current action."""
        self._finishing.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), f"{thread.name} got no answer"

    @property
    def is_finishing(self) -> bool:
        return self._finishing.is_set()

    def rest(self, seconds: float) -> None:
        self._finishing.wait(seconds)


class Person:
    """A thread that repeats one action, such as `give`, with random numbers of its own."""

    def __init__(self, people: People, rng: Random, action: Callable[["Person"], None]) -> None:
        self.people = people
        self.rng = rng
        self._action = action
        self._http = caller(people.url)

    def live(self) -> None:
        with self._http:
            while not self.people.is_finishing:
                try:
                    self._action(self)
                except Exception as error:  # noqa: BLE001 -- reported at the end
                    self.people.errors.append(
                        f"{self._action.__name__}: {type(error).__name__} {error}"
                    )
                self.people.rest(REST_S)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request until it gets an answer other than 5xx."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError:
                time.sleep(RETRY_AFTER_S)
                continue
            self.people.answers[answer.status_code] += 1
            if answer.status_code in _NEVER_ALLOWED:
                self.people.errors.append(f"{method} {path}: {answer.status_code}")
            if answer.status_code < 500:
                return answer
            if answer.status_code == 503 and "retry-after" not in answer.headers:
                self.people.errors.append(f"{method} {path}: 503 without Retry-After")
            time.sleep(RETRY_AFTER_S)
        raise TimeoutError(f"{method} {path} got no answer")

    def at_stripe(self, path: str, **options: Any) -> Any:
        """Send a control request to the sandbox; return its answer, or None if it refuses."""
        try:
            return self.people.sandbox.control("POST", f"/_sandbox/{path}", **options)
        except httpx.HTTPStatusError:
            return None


def give(person: Person) -> None:
    """Send the Give form, perhaps twice; pay at Stripe, or not; open the gift's page."""
    rng = person.rng
    page = person.request("GET", "/give/LWCAN").text
    nonce = field(page, "nonce")
    person.people.keys.add(nonce)
    amount = f"{rng.randrange(200, 90_000) / 100:.2f}"
    form = ANN | {"preset": "other", "amount": amount}
    form |= {"mode": "card", "lang": "en-CA", "nonce": nonce}
    location = _send_form(person, form)
    if rng.random() < 0.2:  # the donor used two tabs, or tapped twice
        again = _send_form(person, form)
        if "/gifts/" in again and "/gifts/" in location:
            assert again.partition("?")[0] == location.partition("?")[0], "one form, two gifts"
    deadline = time.monotonic() + PATIENCE_S
    while "/pay/" not in location:
        assert time.monotonic() < deadline, f"no card page: {location}"
        time.sleep(RETRY_AFTER_S)
        token = location.partition("?")[0]
        answer = person.request("POST", f"{token}/checkout")
        assert answer.status_code == 303, f"no way to pay: {answer.status_code}"
        location = answer.headers["location"]
    _pay_and_return(person, location)


def _send_form(person: Person, form: dict[str, str]) -> str:
    answer = person.request("POST", "/give/LWCAN", data=form)
    assert answer.status_code == 303, f"the form got {answer.status_code}"
    return str(answer.headers["location"])


def _pay_and_return(person: Person, location: str) -> None:
    rng, session_id = person.rng, location.rpartition("/")[2]
    if rng.random() < 0.1:
        return
    if rng.random() < 0.1:
        person.at_stripe("pay", session=session_id, outcome="declined")
    paid = person.at_stripe("pay", session=session_id, outcome="paid")
    assert paid, "Stripe did not accept the card"
    back = paid["session"]["success_url"].removeprefix(person.people.url)
    for _ in range(rng.randrange(3)):
        assert person.request("GET", back).status_code == 200
    intent = paid["session"]["payment_intent"]
    if rng.random() < 0.05:
        person.at_stripe("refund", payment_intent=intent, amount=rng.randrange(1, 200))
    if rng.random() < 0.05:
        dispute = person.at_stripe("dispute", payment_intent=intent)
        if dispute and rng.random() < 0.5:
            outcome = rng.choice(["won", "lost"])
            person.at_stripe(f"dispute/{dispute['dispute']['id']}", outcome=outcome)


def give_by_program(person: Person) -> None:
    """Request a gift through the API, perhaps twice with the same form key; pay at Stripe."""
    rng, key = person.rng, f"{person.rng.getrandbits(128):032x}"
    person.people.keys.add(key)
    choice = GIFT | {
        "mode": rng.choice(["card", "card", "interac"]),
        "amount_minor": rng.randrange(200, 90_000),
        "donor": PROGRAMS_ANN,
    }
    gift_ids = set()
    url = ""
    for _ in range(rng.choice([1, 2])):
        answer = person.request(
            "POST", "/api/v1/gifts", json=choice, headers={"Idempotency-Key": key}
        )
        assert answer.status_code in (200, 201), f"the program got {answer.status_code}"
        opened = answer.json()
        gift_ids.add(opened["id"])
        url = opened["next"].get("url", "")
    assert len(gift_ids) == 1, "one key, two gifts"
    if url:
        _pay_and_return(person, url)


def refund(person: Person) -> None:
    """Refund a random amount of a confirmed gift, perhaps sending the form twice."""
    rng, people = person.rng, person.people
    gift = _confirmed(people.database, rng)
    if gift is None:
        return
    cookies = {"Cookie": f"donate_staff={people.staff_token}"}
    page = person.request("GET", f"/finance/gifts/{gift.id}", headers=cookies).text
    at = page.find("/refund")
    if at < 0:
        return
    hidden = {name: field(page, name) for name in ("form_key", "payment")}
    form = GOOD | hidden | {"csrf": field(page[at:], "csrf")}
    form["amount"] = f"{rng.randrange(1, gift.amount_minor + 1) / 100:.2f}"
    for _ in range(rng.choice([1, 1, 2])):
        answer = person.request(
            "POST", f"/finance/gifts/{gift.id}/refund", data=form, headers=cookies
        )
        assert answer.status_code in (303, 409, 422), f"the staff member got {answer.status_code}"
    people.rest(4 * REST_S)


def _confirmed(database: Database, rng: Random) -> Gift | None:
    try:
        with database.reading() as session:
            confirmed = select(Gift).where(Gift.status == "confirmed", Gift.mode == "card")
            gifts = session.exec(confirmed).all()
    except DatabaseBusy:
        return None
    return rng.choice(gifts) if gifts else None
