"""What the checks need: access to Stripe, shared objects, and an operator on Stripe's pages."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, cast

import stripe

from donate.clock import Clock
from donate.errors import DonateError, StripeKeyRefused, StripeRefused
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried, DidNotHold
from donate.stripe_gateway.client import Page, StripeClient
from donate.stripe_gateway.events.fields import (
    IrrelevantEvent,
    PayoutNews,
    Reading,
    UnusableEvent,
)
from donate.stripe_gateway.events.parser import envelope_of_event, read_event
from donate.stripe_gateway.requests.billing import Billing

# The timeouts are long, because only the operator waits, and test mode can be slow.
_DEADLINE_S: Final = 60.0
_PER_ATTEMPT_S: Final = 25.0
# In test mode some changes, such as a dispute or a failing refund, become visible seconds later.
PATIENCE_S: Final = 60.0
_POLL_S: Final = 0.25

T = TypeVar("T")
Json = dict[str, Any]
Look = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that the operator has to do on one of Stripe's pages, because the API cannot."""

    name: str
    url: str
    what_to_do: str


Person = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Stripe's refusal of a request."""

    code: str
    param: str
    kind: str
    status: int
    words: str
    request_id: str
    payment_intent: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The Stripe account to check, and the address and key to reach it."""

    secret_key: str
    api_base: str
    checkout_hosts: tuple[str, ...]
    public_url: str
    connected: str = ""
    """The connected account to check, if the key belongs to a platform (Stripe Connect)."""


class WatchedClient(StripeClient):
    """The service's own client, which also keeps the headers of the last answer.

    It calls `look` with each answer, and returns what `look` returns.
    """

    def __init__(self, account: Account, look: Look) -> None:
        super().__init__(
            account.secret_key,
            account.api_base,
            account.checkout_hosts,
            account=account.connected,
            deadline_s=_DEADLINE_S,
            per_attempt_s=_PER_ATTEMPT_S,
        )
        self._look = look
        self.headers: Mapping[str, str] = {}

    def ask(self, call: Callable[[stripe.StripeClient], Any], kind: str) -> Json:
        """Make one call to Stripe, with the service's retries; return what `look` returns."""
        answer: Json = self._look(super().ask(self._watched(call), kind))
        return answer

    def list_page(self, listing: str, params: Mapping[str, Any]) -> Page:
        """Return a page of one of Stripe's lists, with what `look` returns for each object."""
        page = super().list_page(listing, params)
        return Page([self._look(item) for item in page.objects], page.has_more)

    def _watched(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def watched(sdk: Any) -> Any:
            answer = call(sdk)
            headers = answer.last_response.headers
            self.headers = {str(name).lower(): str(value) for name, value in headers.items()}
            return answer

        return watched


class World:
    """Stripe in test mode: what each check calls, and the objects that the checks share."""

    def __init__(
        self,
        account: Account,
        clock: Clock,
        *,
        person: Person | None = None,
        wait_s: float = 0.0,
        patience_s: float = PATIENCE_S,
        look: Look = lambda answer: answer,
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
        self._person_deadline = 0.0
        self._made: dict[str, Any] = {}
        self._to_remove: list[tuple[str, Callable[[], object]]] = []

    @contextmanager
    def with_key(self, secret_key: str) -> Iterator["World"]:
        """Yield a World that uses another API key of the same account."""
        other = World(replace(self.account, secret_key=secret_key), self.clock)
        try:
            yield other
        finally:
            other.close()

    def call(self, call: Callable[[Any], Any], kind: str) -> Json:
        """Make one call with the SDK and return the answer, a Stripe object of this `kind`."""
        return self.client.ask(call, kind)

    def refusal(self, call: Callable[[], object]) -> Refusal:
        """Make a call and return Stripe's refusal. Raises DidNotHold if Stripe accepts the call."""
        try:
            call()
        except (StripeRefused, StripeKeyRefused) as refused:
            return refusal_in(refused)
        raise DidNotHold("Stripe accepted a request that it should refuse")

    def make_once(self, name: str, make: Callable[[], T], *, proving: bool = False) -> T:
        """Create a shared object on the first call, and return the same one on later calls.

        If creating it fails, the check that tests the creation itself (`proving`) fails with that
        error, and the checks that only use the object are reported as not tried.
        """
        if name not in self._made:
            try:
                self._made[name] = make()
            except (DidNotHold, CouldNotBeTried, DonateError) as error:
                self._made[name] = error
        result = self._made[name]
        if not isinstance(result, Exception):
            return cast(T, result)
        if proving or isinstance(result, CouldNotBeTried):
            raise result
        raise CouldNotBeTried(f"there is no {name}: {error_message(result)}")

    def wait_for(
        self, what: str, look: Callable[[], T | None], patience_s: float | None = None
    ) -> T:
        """Call `look` until it returns a result, and return it. Raises DidNotHold on timeout."""
        patience_s = self._patience_s if patience_s is None else patience_s
        deadline = time.monotonic() + patience_s
        while True:
            result = look()
            if result:
                return result
            if time.monotonic() > deadline:
                raise DidNotHold(f"no {what} within {patience_s:.0f} s")
            time.sleep(_POLL_S)

    def request_step(self, step: Step) -> None:
        """Ask the operator to do this step on one of Stripe's pages. Returns without waiting."""
        if self._person is None:
            raise CouldNotBeTried("it needs a person on one of Stripe's pages")
        self._person(step)
        self._person_deadline = time.monotonic() + self._wait_s

    def wait_for_person(self, what: str, look: Callable[[], T | None]) -> T:
        """Wait for the result of the operator's step. Raises CouldNotBeTried after a timeout."""
        try:
            return self.wait_for(what, look, max(0.0, self._person_deadline - time.monotonic()))
        except DidNotHold as error:
            raise CouldNotBeTried(
                f"the step on Stripe's page was not done in time: {error}"
            ) from error

    def event(self, kind: str, object_id: str) -> Json:
        """Wait until Stripe lists an event of this type about this object; return the event."""
        listed: list[Json] = self.wait_for(
            f"event {kind} about {object_id}", lambda: self.events(kind, object_id)
        )
        return listed[0]

    def events(self, kind: str, object_id: str) -> list[Json]:
        """Return the events of this type about this object, newest first."""
        page = self.client.list_page("events", {"types": [kind], "limit": 100})
        return [event for event in page.objects if event["data"]["object"]["id"] == object_id]

    def read(self, event: Mapping[str, Any]) -> Reading:
        """Parse an event as the service does. Raises DidNotHold if this gives no facts."""
        try:
            reading = read_event(envelope_of_event(event))
        except UnusableEvent as error:
            raise DidNotHold(f"{event['type']} cannot be used: {error}") from error
        if isinstance(reading, IrrelevantEvent):
            raise DidNotHold(f"{event['type']} is ignored: {reading.reason}")
        if isinstance(reading, PayoutNews):
            raise DidNotHold(f"{event['type']} is about a payout")
        return reading

    def remove_later(self, what: str, remove: Callable[[], object]) -> None:
        """Register an object for removal in the clean-up, which removes the newest object first."""
        self._to_remove.append((what, remove))

    def clean_up(self) -> list[str]:
        """Remove the registered objects; return those that could not be removed, and why."""
        failures = []
        while self._to_remove:
            what, remove = self._to_remove.pop()
            try:
                remove()
            except DonateError as error:
                failures.append(f"{what}: {error_message(error)}")
        return failures

    def close(self) -> None:
        """Close the connection."""
        self.client.close()


def refusal_in(error: BaseException) -> Refusal:
    """Return Stripe's refusal, which is the `__cause__` of the service's own exception."""
    cause = error.__cause__
    if not isinstance(cause, stripe.StripeError):
        raise CouldNotBeTried(str(error)) from error
    body = cause.json_body if isinstance(cause.json_body, dict) else {}
    details = body.get("error")
    kind = details.get("type") if isinstance(details, dict) else ""
    return Refusal(
        code=cause.code or "",
        param=getattr(cause, "param", None) or "",
        kind=kind or "",
        status=cause.http_status or 0,
        words=cause.user_message or str(cause),
        request_id=cause.request_id or "",
        payment_intent=_id_in(details, "payment_intent"),
    )


def _id_in(error: Any, name: str) -> str:
    target = error.get(name) if isinstance(error, dict) else None
    return str(target.get("id", "")) if isinstance(target, dict) else ""


def error_message(error: BaseException) -> str:
    """Return Stripe's own error message if there is one, else the message of our exception."""
    cause = error.__cause__
    if isinstance(cause, stripe.StripeError):
        return refusal_in(error).words
    return str(error)
