"""What a check works with: Stripe, what was made there, and perhaps a person to click."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import stripe

from donate.clock import Clock
from donate.errors import DonateError, StripeKeyRefused, StripeRefused
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried, DidNotHold
from donate.stripe_gateway.client import Page, StripeClient
from donate.stripe_gateway.events.fields import IrrelevantEvent, Reading, UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of_event, read_event
from donate.stripe_gateway.requests.billing import Billing

# Nobody waits for these answers but the operator, and test mode can be slow.
_DEADLINE_S: Final = 60.0
_PER_TRY_S: Final = 25.0
# What Stripe does by itself in test mode (a dispute, a failing refund) takes seconds.
PATIENCE_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.25

Json = dict[str, Any]
Look = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that only a person can do, on one of Stripe's pages."""

    name: str
    url: str
    what_to_do: str


Person = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """How Stripe said no."""

    code: str
    param: str
    kind: str
    status: int
    words: str
    request_id: str
    payment_intent: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Where Stripe is, and as whom it is asked."""

    secret_key: str
    api_base: str
    checkout_hosts: tuple[str, ...]
    public_url: str
    connected: str = ""
    """The Connect account that is meant, where the key is a platform's."""


class WatchedClient(StripeClient):
    """The service's own client, which remembers its last answer and lets a test look at each."""

    def __init__(self, account: Account, look: Look) -> None:
        super().__init__(
            account.secret_key,
            account.api_base,
            account.checkout_hosts,
            account=account.connected,
            deadline_s=_DEADLINE_S,
            per_try_s=_PER_TRY_S,
        )
        self._look = look
        self.headers: Mapping[str, str] = {}

    def ask(self, call: Callable[[stripe.StripeClient], Any], kind: str) -> Json:
        """Make one call, as the service does."""
        found: Json = self._look(super().ask(self._watched(call), kind))
        return found

    def retrieve_session(self, session_id: str) -> Json:
        """Return a checkout session, as the service does."""
        found: Json = self._look(super().retrieve_session(session_id))
        return found

    def list_page(self, listing: str, params: Mapping[str, Any]) -> Page:
        """Return a page of a list, as the service does."""
        page = super().list_page(listing, params)
        return Page([self._look(one) for one in page.objects], page.has_more)

    def _watched(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def watched(sdk: Any) -> Any:
            answer = call(sdk)
            headers = answer.last_response.headers
            self.headers = {str(name).lower(): str(value) for name, value in headers.items()}
            return answer

        return watched


class World:
    """Stripe in test mode, as the checks see it."""

    def __init__(
        self,
        account: Account,
        clock: Clock,
        *,
        person: Person | None = None,
        wait_s: float = 0.0,
        patience_s: float = PATIENCE_S,
        look: Look = lambda found: found,
    ) -> None:
        self.account = account
        self.api_version = stripe.api_version
        self.clock = clock
        self.client = WatchedClient(account, look)
        self.billing = Billing(self.client)
        self.look = look
        self._person = person
        self._wait_s = wait_s
        self._patience_s = patience_s
        self._until = 0.0
        self._things: dict[str, Any] = {}
        self._to_remove: list[tuple[str, Callable[[], object]]] = []

    @contextmanager
    def with_key(self, secret_key: str) -> Iterator["World"]:
        """Give the same world under another key."""
        other = World(replace(self.account, secret_key=secret_key), self.clock)
        try:
            yield other
        finally:
            other.close()

    def call(self, call: Callable[[Any], Any], kind: str) -> Json:
        """Make one call with the SDK; the answer is of this kind."""
        return self.client.ask(call, kind)

    def refusal(self, call: Callable[[], object]) -> Refusal:
        """Return how Stripe refuses this. Raises DidNotHold when it accepts it."""
        try:
            call()
        except (StripeRefused, StripeKeyRefused) as refused:
            return refusal_in(refused)
        raise DidNotHold("Stripe accepted what it should refuse")

    def make_once(self, name: str, make: Callable[[], Any], *, proving: bool = False) -> Any:
        """Return a thing that several checks look at, made the first time.

        Where making it failed, only a check that is `proving` it fails; others cannot be tried.
        """
        if name not in self._things:
            try:
                self._things[name] = make()
            except (DidNotHold, CouldNotBeTried, DonateError) as error:
                self._things[name] = error
        found = self._things[name]
        if not isinstance(found, Exception):
            return found
        if proving or isinstance(found, CouldNotBeTried):
            raise found
        raise CouldNotBeTried(f"there is no {name}: {error_message(found)}")

    def wait_for(self, what: str, look: Callable[[], Any], patience_s: float | None = None) -> Any:
        """Look until there is something to see, and return it. Raises DidNotHold."""
        patience_s = self._patience_s if patience_s is None else patience_s
        deadline = time.monotonic() + patience_s
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                raise DidNotHold(f"in {patience_s:.0f} s there was no {what}")
            time.sleep(_LOOK_AGAIN_S)

    def request_step(self, step: Step) -> None:
        """Ask the person for a step on a page of Stripe's, without waiting for it."""
        if self._person is None:
            raise CouldNotBeTried("it needs a person on a page of Stripe's")
        self._person(step)
        self._until = time.monotonic() + self._wait_s

    def wait_for_person(self, what: str, look: Callable[[], Any]) -> Any:
        """Wait for what the person does. Raises CouldNotBeTried when nobody does it in time."""
        try:
            return self.wait_for(what, look, max(0.0, self._until - time.monotonic()))
        except DidNotHold as error:
            raise CouldNotBeTried(f"nobody did it on Stripe's page in time: {error}") from error

    def event(self, kind: str, object_id: str) -> Json:
        """Return the event of this type about this object, as soon as Stripe lists it."""
        listed: list[Json] = self.wait_for(
            f"event {kind} about {object_id}", lambda: self.events(kind, object_id)
        )
        return listed[0]

    def events(self, kind: str, object_id: str) -> list[Json]:
        """Return the events of this type about this object, the newest first."""
        page = self.client.list_page("events", {"types": [kind], "limit": 100})
        return [event for event in page.objects if event["data"]["object"]["id"] == object_id]

    def read(self, event: Mapping[str, Any]) -> Reading:
        """Read an event as the service does. Raises DidNotHold where it tells nothing."""
        try:
            reading = read_event(envelope_of_event(event))
        except UnusableEvent as error:
            raise DidNotHold(f"{event['type']} cannot be used: {error}") from error
        if isinstance(reading, IrrelevantEvent):
            raise DidNotHold(f"{event['type']} tells nothing: {reading.reason}")
        return reading

    def remove_later(self, what: str, remove: Callable[[], object]) -> None:
        """Remember what is to be removed in the end, the newest first."""
        self._to_remove.append((what, remove))

    def clean_up(self) -> list[str]:
        """Remove what was made; returns what could not be removed, and why."""
        left = []
        while self._to_remove:
            what, remove = self._to_remove.pop()
            try:
                remove()
            except DonateError as error:
                left.append(f"{what}: {error_message(error)}")
        return left

    def close(self) -> None:
        """Hang up."""
        self.client.close()


def refusal_in(error: BaseException) -> Refusal:
    """Return what Stripe said, which stands behind the service's own error."""
    cause = error.__cause__
    if not isinstance(cause, stripe.StripeError):
        raise CouldNotBeTried(str(error)) from error
    body = cause.json_body if isinstance(cause.json_body, dict) else {}
    said = body.get("error")
    kind = said.get("type") if isinstance(said, dict) else ""
    return Refusal(
        code=cause.code or "",
        param=getattr(cause, "param", None) or "",
        kind=kind or "",
        status=cause.http_status or 0,
        words=cause.user_message or str(cause),
        request_id=cause.request_id or "",
        payment_intent=_id_in(said, "payment_intent"),
    )


def _id_in(error: Any, name: str) -> str:
    found = error.get(name) if isinstance(error, dict) else None
    return str(found.get("id", "")) if isinstance(found, dict) else ""


def error_message(error: BaseException) -> str:
    """Return what went wrong, in Stripe's words where it has any."""
    cause = error.__cause__
    if isinstance(cause, stripe.StripeError):
        return refusal_in(error).words
    return str(error)
