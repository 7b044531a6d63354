"""Calls Stripe, with a deadline for each call and one family of errors.

The SDK alone would wait 80 seconds, never retry, and write telemetry into the home folder. The
SDK's errors become "refused" (a retry would be refused again) or "unavailable" (the outcome is
unknown).
"""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
import stripe

from donate.errors import StripeKeyRefused, StripeRefused, StripeUnavailable
from donate.stripe_gateway.refusals import refusal_details
from donate.stripe_gateway.turns import Turns
from donate.trust.hosts import may_send_donor_to
from donate.web.logs_and_metrics import STRIPE_REFUSED_KEY

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

# The deadline of a call. It is short, because a donor waits for the answer. Two tries of 3.5 s and
# a pause fit into it. A client whose second try would not fit makes only one.
DEADLINE_S: Final = 8.0
PER_ATTEMPT_S: Final = 3.5
# Maximum number of concurrent calls to Stripe. If Stripe hangs, further calls wait until their
# deadline.
_MAX_CONCURRENT: Final = 32
# Maximum number of pages of refunds to read. A payment with more refunds is an error, because we
# could miss one.
_MAX_REFUND_PAGES: Final = 10
# Maximum number of waiting calls. Each occupies a thread of the server, which other donors need.
MAX_WAITING: Final = 64

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new checkout session: its id, and the URL of its page."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one of Stripe's lists, newest object first. Each object is Stripe's JSON."""

    objects: list[dict[str, Any]]
    has_more: bool


class StripeClient:
    """The calls that we make to Stripe. With `account`, they act as that connected account.

    Each call waits for one of its `turns`, if it has any: see `turns.py`.
    """

    def __init__(
        self,
        secret_key: str,
        api_base: str,
        checkout_hosts: tuple[str, ...],
        *,
        account: str = "",
        deadline_s: float = DEADLINE_S,
        per_attempt_s: float = PER_ATTEMPT_S,
        max_waiting: int = MAX_WAITING,
        turns: Turns | None = None,
    ) -> None:
        stripe.enable_telemetry = False
        self._checkout_hosts = checkout_hosts
        self._deadline_s = deadline_s
        self._http: Any = stripe.HTTPXClient(
            timeout=httpx.Timeout(per_attempt_s), allow_sync_methods=True
        )
        self._sdk = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            max_network_retries=1 if 2 * per_attempt_s < deadline_s else 0,
            http_client=self._http,
            # This account is sent as Stripe-Account with every call:
            # https://docs.stripe.com/connect/authentication
            stripe_account=account or None,
        )
        self._turns = turns
        self._waiting_calls = threading.BoundedSemaphore(max_waiting)
        self._calls = ThreadPoolExecutor(_MAX_CONCURRENT, thread_name_prefix="stripe")

    def create_session(self, params: "SessionCreateParams", idempotency_key: str) -> OpenedSession:
        """Open a checkout session. The same key and parameters always give the same session.

        Raises StripeRefused, StripeKeyRefused or StripeUnavailable.
        """
        options: Any = {"idempotency_key": idempotency_key}
        session = self.ask(
            lambda sdk: sdk.v1.checkout.sessions.create(params, options), "checkout.session"
        )
        return OpenedSession(_id_of(session), self.redirect_url(session))

    def retrieve_session(self, session_id: str) -> dict[str, Any]:
        """Return a checkout session as Stripe's JSON, with its intents and the latest charge.

        The charge's balance transaction has the day on which a bank debit arrived.

        Raises as `create_session` does.
        """
        expand = ["payment_intent.latest_charge.balance_transaction", "setup_intent"]
        return self.ask(
            lambda sdk: sdk.v1.checkout.sessions.retrieve(session_id, {"expand": expand}),
            "checkout.session",
        )

    def expire_session(self, session_id: str) -> dict[str, Any]:
        """Expire a checkout session so that it cannot be paid any more; return it as Stripe's JSON.

        Raises as `create_session` does. Raises StripeRefused if the session was not open.
        """
        return self.ask(lambda sdk: sdk.v1.checkout.sessions.expire(session_id), "checkout.session")

    def create_refund(self, params: "RefundCreateParams", idempotency_key: str) -> dict[str, Any]:
        """Refund a payment; return the refund as Stripe's JSON.

        The same key and parameters always give the same refund. Raises as `create_session` does.
        """
        options: Any = {"idempotency_key": idempotency_key}
        refund = self.ask(lambda sdk: sdk.v1.refunds.create(params, options), "refund")
        _id_of(refund)
        return refund

    def refunds_of(self, payment_intent: str) -> list[dict[str, Any]]:
        """Return every refund of a payment as Stripe's JSON, newest first, whoever requested it.

        Raises as `create_session` does, and StripeUnavailable if there are too many refunds to
        read.
        """
        refunds: list[dict[str, Any]] = []
        params: dict[str, Any] = {"payment_intent": payment_intent, "limit": 100}
        for _ in range(_MAX_REFUND_PAGES):
            page = self.list_page("refunds", params)
            refunds += page.objects
            if not page.has_more:
                return refunds
            params["starting_after"] = refunds[-1]["id"]
        raise StripeUnavailable("a payment has more refunds than we read")

    def list_page(self, listing: str, params: Mapping[str, Any]) -> Page:
        """Return a page of one of Stripe's lists.

        Raises as `create_session` does, and StripeUnavailable also if the answer is not a page.
        """
        v1 = self._sdk.v1
        lists: dict[str, Callable[[Any], Any]] = {
            "balance_transactions": v1.balance_transactions.list,
            "disputes": v1.disputes.list,
            "events": v1.events.list,
            "invoice_payments": v1.invoice_payments.list,
            "invoices": v1.invoices.list,
            "payouts": v1.payouts.list,
            "portal_configurations": v1.billing_portal.configurations.list,
            "refunds": v1.refunds.list,
            "sessions": v1.checkout.sessions.list,
            "subscriptions": v1.subscriptions.list,
        }
        return _page_of(_json_of(self._call(partial(lists[listing], dict(params))), "list"))

    def ask(self, call: Callable[[stripe.StripeClient], Any], kind: str) -> dict[str, Any]:
        """Make one call; return its answer, which must be an object of `kind`, as Stripe's JSON.

        Raises as `create_session` does.
        """
        return _json_of(self._call(partial(call, self._sdk)), kind)

    def redirect_url(self, answer: Mapping[str, Any]) -> str:
        """Return the URL in Stripe's answer for redirecting the donor, after checking its host.

        Raises StripeUnavailable if the answer has no URL, or a URL whose host is not configured.
        """
        url = answer.get("url")
        if not isinstance(url, str) or not self.is_allowed_url(url):
            raise StripeUnavailable("Stripe's answer has no address to send the donor to")
        return url

    def close(self) -> None:
        """Cancel waiting calls, and close the connections."""
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def is_allowed_url(self, url: str) -> bool:
        """Return whether we may send a donor to a URL, by the rule of `trust/hosts.py`."""
        return may_send_donor_to(url, self._checkout_hosts)

    def _call(self, call: Callable[[], _Answer]) -> _Answer:
        if not self._waiting_calls.acquire(blocking=False):
            raise StripeUnavailable("too many calls are waiting for Stripe")
        try:
            if self._turns:
                self._turns.wait()
            return self._within_deadline(call)
        finally:
            self._waiting_calls.release()

    def _within_deadline(self, call: Callable[[], _Answer]) -> _Answer:
        # Call in a thread, because a read timeout does not stop an answer that arrives at a byte a
        # second.
        future = self._calls.submit(call)
        try:
            return future.result(timeout=self._deadline_s)
        except FutureTimeout as error:
            future.cancel()
            raise StripeUnavailable("Stripe did not answer in time") from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            STRIPE_REFUSED_KEY.inc()
            raise StripeKeyRefused(_summary(error), told=refusal_details(error)) from error
        except stripe.RateLimitError as error:
            # Stripe answers 429 with this code if another request has locked the object.
            if self._turns and error.code != "lock_timeout":
                self._turns.back_off()
            raise StripeUnavailable(_summary(error)) from error
        except (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError) as error:
            reused = isinstance(error, stripe.IdempotencyError)
            raise StripeRefused(
                _summary(error),
                code=_code_of(error),
                param=str(getattr(error, "param", None) or "")[:100],
                may_have_acted=reused,
                told=refusal_details(error),
            ) from error
        except stripe.StripeError as error:
            if _is_replay(error):
                # Stripe replays an earlier answer for this key, so a retry with the same key would
                # fail again.
                told = refusal_details(error)
                raise StripeRefused(_summary(error), may_have_acted=True, told=told) from error
            raise StripeUnavailable(_summary(error)) from error
        except Exception as error:
            # If an answer is not a JSON object, the SDK's parser raises an error of its own.
            raise StripeUnavailable(type(error).__name__) from error


def _json_of(answer: Any, kind: str) -> dict[str, Any]:
    """Return an answer as Stripe sent it.

    Raises StripeUnavailable if the answer is not an object of `kind`.
    """
    # The SDK returns a list or None for a 200 with `[]` or `null`.
    if not isinstance(answer, stripe.StripeObject) or answer.last_response is None:
        raise StripeUnavailable("Stripe's answer is not an object")
    # Parse the body again, because the SDK's object has numbers in place of some strings that
    # Stripe sent.
    stripe_object: dict[str, Any] = json.loads(answer.last_response.body)
    if stripe_object.get("object") != kind:
        raise StripeUnavailable(f"Stripe's answer is not a {kind}")
    return stripe_object


def _id_of(stripe_object: Mapping[str, Any]) -> str:
    object_id = stripe_object.get("id")
    if not isinstance(object_id, str):
        raise StripeUnavailable("Stripe's answer has no id")
    return object_id


def _page_of(answer: dict[str, Any]) -> Page:
    rows, has_more = answer.get("data"), answer.get("has_more")
    if not isinstance(rows, list) or not isinstance(has_more, bool):
        raise StripeUnavailable("Stripe's answer is not a list")
    if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise StripeUnavailable("Stripe's list has objects without an id")
    if has_more and not rows:
        raise StripeUnavailable("Stripe's list is empty and says that there is more")
    return Page(rows, has_more)


def _code_of(error: stripe.StripeError) -> str:
    # Stripe has no code for an amount that is too large, but names the invalid parameter.
    return str(error.code or getattr(error, "param", None) or "")[:100]


def _is_replay(error: stripe.StripeError) -> bool:
    headers = {str(k).lower(): v for k, v in dict(error.headers or {}).items()}
    return headers.get("idempotent-replayed") == "true"


def _summary(error: stripe.StripeError) -> str:
    # Leave out Stripe's message, because it may quote a donor's e-mail address.
    return f"{type(error).__name__} {error.http_status} {error.code or ''} {error.request_id or ''}"
