"""The few calls we make to Stripe, each with a deadline and one family of errors.

The SDK alone would wait 80 seconds, never retry, and write telemetry into the home folder. What it
raises is turned into "refused" (it will say so again) or "unavailable" (the outcome is unknown).
"""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import stripe

from donate.errors import StripeKeyRefused, StripeRefused, StripeUnavailable
from donate.stripe_gateway.refusals import words_of_refusal
from donate.web.observability import STRIPE_REFUSED_KEY

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

# A donor waits for this on a phone. Two tries of at most 3.5 s each and the pause between fit in.
DEADLINE_S: Final = 8.0
PER_TRY_S: Final = 3.5
_RETRIES: Final = 1
# More calls than this at once means that Stripe hangs; the rest wait within their own deadline.
_AT_ONCE: Final = 32
# Nobody refunds one payment more often than this; with more, what we look for may be beyond.
_MOST_PAGES_OF_REFUNDS: Final = 10
# Whoever waits holds one of the server's threads, which other donors need too.
MOST_WAITING: Final = 64

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What Stripe opened: the session's id, and where the donor goes."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one of Stripe's lists, the newest first, each object as Stripe's own JSON."""

    objects: list[dict[str, Any]]
    has_more: bool


class StripeClient:
    """Stripe, as far as we need it. With an `account` each call acts as that connected account."""

    def __init__(
        self,
        secret_key: str,
        api_base: str,
        checkout_hosts: tuple[str, ...],
        *,
        account: str = "",
        deadline_s: float = DEADLINE_S,
        per_try_s: float = PER_TRY_S,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        stripe.enable_telemetry = False
        self._checkout_hosts = checkout_hosts
        self._deadline_s = deadline_s
        self._http: Any = stripe.HTTPXClient(
            timeout=httpx.Timeout(per_try_s), allow_sync_methods=True
        )
        self._sdk = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            max_network_retries=_RETRIES,
            http_client=self._http,
            # Sent as Stripe-Account with every call: https://docs.stripe.com/connect/authentication
            stripe_account=account or None,
        )
        self._line = threading.BoundedSemaphore(most_waiting)
        self._calls = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="stripe")

    def create_session(self, params: "SessionCreateParams", idempotency_key: str) -> OpenedSession:
        """Open a checkout session; the same key and params again give the same session.

        Raises StripeRefused, StripeKeyRefused or StripeUnavailable.
        """
        session = self._in_line(
            lambda: self._sdk.v1.checkout.sessions.create(
                params, options={"idempotency_key": idempotency_key}
            )
        )
        found = _as_json(session, "checkout.session")
        session_id = found.get("id")
        if not isinstance(session_id, str):
            raise StripeUnavailable("Stripe's answer has no id")
        return OpenedSession(session_id, self.leads_to(found))

    def retrieve_session(self, session_id: str) -> dict[str, Any]:
        """Return a checkout session as Stripe's JSON, with its intent and the latest charge.

        The balance says on which day a bank debit came: with the charge, that is four objects.

        Raises as `create_session` does.
        """
        whole = ["payment_intent.latest_charge.balance_transaction", "setup_intent"]
        session = self._in_line(
            lambda: self._sdk.v1.checkout.sessions.retrieve(session_id, {"expand": whole})
        )
        return _as_json(session, "checkout.session")

    def expire_session(self, session_id: str) -> dict[str, Any]:
        """Make sure that nobody can pay in a checkout session; return it as Stripe's JSON.

        Raises as `create_session` does; StripeRefused where it was not open.
        """
        session = self._in_line(lambda: self._sdk.v1.checkout.sessions.expire(session_id))
        return _as_json(session, "checkout.session")

    def create_refund(self, params: "RefundCreateParams", idempotency_key: str) -> dict[str, Any]:
        """Send money back; the same key and params again give the same refund, as Stripe's JSON.

        Raises as `create_session` does.
        """
        refund = self._in_line(
            lambda: self._sdk.v1.refunds.create(
                params, options={"idempotency_key": idempotency_key}
            )
        )
        found = _as_json(refund, "refund")
        if not isinstance(found.get("id"), str):
            raise StripeUnavailable("Stripe's answer has no id")
        return found

    def refunds_of(self, payment_intent: str) -> list[dict[str, Any]]:
        """Return every refund of a payment, whoever made it, as Stripe's JSON; the newest first.

        Raises as `create_session` does, and StripeUnavailable when there are too many to read.
        """
        found: list[dict[str, Any]] = []
        params: dict[str, Any] = {"payment_intent": payment_intent, "limit": 100}
        for _ in range(_MOST_PAGES_OF_REFUNDS):
            page = self.list_page("refunds", params)
            found += page.objects
            if not page.has_more:
                return found
            params["starting_after"] = found[-1]["id"]
        raise StripeUnavailable("a payment has more refunds than we read")

    def list_page(self, listing: str, params: Mapping[str, Any]) -> Page:
        """Return a page of `listing`, which names one of Stripe's lists.

        Raises as `create_session` does; a page that is not one is StripeUnavailable.
        """
        v1 = self._sdk.v1
        lists: dict[str, Callable[[Any], Any]] = {
            "disputes": v1.disputes.list,
            "events": v1.events.list,
            "invoice_payments": v1.invoice_payments.list,
            "invoices": v1.invoices.list,
            "portal_configurations": v1.billing_portal.configurations.list,
            "refunds": v1.refunds.list,
            "sessions": v1.checkout.sessions.list,
            "subscriptions": v1.subscriptions.list,
        }
        answer = self._in_line(partial(lists[listing], dict(params)))
        _as_json(answer, "list")
        # Not as the SDK reads it: an event is kept exactly as Stripe gives it.
        return _page_of(json.loads(answer.last_response.body))

    def ask(self, call: Callable[[stripe.StripeClient], Any], kind: str) -> dict[str, Any]:
        """Make one call, and return the object of this kind that it answers with, as Stripe's JSON.

        Raises as `create_session` does.
        """
        answer = self._in_line(partial(call, self._sdk))
        _as_json(answer, kind)
        # Not as the SDK reads it, which makes numbers of some texts.
        found: dict[str, Any] = json.loads(answer.last_response.body)
        return found

    def leads_to(self, found: Mapping[str, Any]) -> str:
        """Return the address that an answer sends the donor to; never a host nobody configured.

        Raises StripeUnavailable where there is none.
        """
        url = found.get("url")
        if not isinstance(url, str) or not self.is_known(url):
            raise StripeUnavailable("Stripe's answer has no address to send the donor to")
        return url

    def close(self) -> None:
        """Stop waiting for calls under way, and hang up."""
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def is_known(self, url: str) -> bool:
        """Tell whether a donor may be sent there: never to a host that nobody configured."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return parts.scheme in ("https", "http") and parts.netloc in self._checkout_hosts

    def _in_line(self, call: Callable[[], _Answer]) -> _Answer:
        if not self._line.acquire(blocking=False):
            raise StripeUnavailable("too many wait for Stripe")
        try:
            return self._within_deadline(call)
        finally:
            self._line.release()

    def _within_deadline(self, call: Callable[[], _Answer]) -> _Answer:
        # A thread, because a server that drips a byte a second defeats every per-read timeout.
        future = self._calls.submit(call)
        try:
            return future.result(timeout=self._deadline_s)
        except FutureTimeout as error:
            future.cancel()
            raise StripeUnavailable("Stripe did not answer in time") from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            STRIPE_REFUSED_KEY.inc()
            raise StripeKeyRefused(_in_short(error), told=words_of_refusal(error)) from error
        except stripe.RateLimitError as error:
            raise StripeUnavailable(_in_short(error)) from error
        except (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError) as error:
            reused = isinstance(error, stripe.IdempotencyError)
            raise StripeRefused(
                _in_short(error),
                code=_code(error),
                param=str(getattr(error, "param", None) or "")[:100],
                may_have_acted=reused,
                told=words_of_refusal(error),
            ) from error
        except stripe.StripeError as error:
            if _replayed(error):
                # Stripe answers from its memory of this key: asking again changes nothing.
                told = words_of_refusal(error)
                raise StripeRefused(_in_short(error), may_have_acted=True, told=told) from error
            raise StripeUnavailable(_in_short(error)) from error
        except Exception as error:
            # The SDK lets through what its parser raises on answers that are no JSON object.
            raise StripeUnavailable(type(error).__name__) from error


def _as_json(answer: Any, kind: str) -> dict[str, Any]:
    # A 200 with `[]` or `null` comes back as a list or None.
    if not isinstance(answer, stripe.StripeObject):
        raise StripeUnavailable("Stripe's answer is not an object")
    found: dict[str, Any] = answer.to_dict()
    if found.get("object") != kind:
        raise StripeUnavailable(f"Stripe's answer is not a {kind}")
    return found


def _page_of(found: dict[str, Any]) -> Page:
    rows, more = found.get("data"), found.get("has_more")
    if not isinstance(rows, list) or not isinstance(more, bool):
        raise StripeUnavailable("Stripe's answer is not a list")
    if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise StripeUnavailable("Stripe's list has things in it without an id")
    if more and not rows:
        raise StripeUnavailable("Stripe's list is empty and says that there is more")
    return Page(rows, more)


def _code(error: stripe.StripeError) -> str:
    # Stripe has no code for an amount that is too large, but says which parameter was wrong.
    return str(error.code or getattr(error, "param", None) or "")[:100]


def _replayed(error: stripe.StripeError) -> bool:
    headers = {str(k).lower(): v for k, v in dict(error.headers or {}).items()}
    return headers.get("idempotent-replayed") == "true"


def _in_short(error: stripe.StripeError) -> str:
    # Code and request id only: Stripe's sentences may quote a donor's address.
    return f"{type(error).__name__} {error.http_status} {error.code or ''} {error.request_id or ''}"
