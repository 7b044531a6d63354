"""The sandbox's whole state: its clock, ids, objects and events.

Only the event loop's thread uses the store. Each request is processed without an `await`, so no
other request can run meanwhile, and no lock is needed.
"""

import heapq
import random
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from donate.sandbox.account_settings import (
    CAPABILITIES,
    default_portal_configuration,
    new_method_configuration,
)
from donate.sandbox.api_versions import TODAY
from donate.sandbox.bank.ledger import BankLedger
from donate.sandbox.copies import deep_copy
from donate.sandbox.errors import no_such
from donate.sandbox.objects.attempts import Attempt
from donate.sandbox.payouts.schedule import Schedule
from donate.sandbox.shelf import Shelf, StripeObject

DELAY_S = 0.2
_LETTERS = string.ascii_letters + string.digits


class Store:
    def __init__(self, seed: int, public_url: str) -> None:
        self.public_url = public_url.rstrip("/")
        self.on_event: Callable[[StripeObject], None] = lambda _: None
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Delete everything and start again with the same sequence of ids."""
        self._random = random.Random(self._seed)
        self._set_clock: int | None = None
        self._request: dict[str, str | None] = {"id": None, "idempotency_key": None}
        self._expiries: list[tuple[int, str]] = []

        self.account_id = self.new_id("acct_", 16)
        self.sessions = Shelf("checkout.session")
        self.payment_intents = Shelf("payment_intent")
        self.charges = Shelf("charge")
        self.refunds = Shelf("refund")
        self.disputes = Shelf("dispute")
        self.balance_transactions = Shelf("balance_transaction")
        self.payouts = Shelf("payout")
        self.bank_accounts = Shelf("bank_account")
        # `settles_in` is the account's only currency, or empty if it settles in all of them.
        self.payout_schedule, self.settles_in = Schedule(), ""
        # The time of the next automatic payouts, always a midnight.
        self.next_payout_day = 0
        # `not_paid_out` has the balance transactions that no automatic payout includes yet, by id.
        # `payout_of` has the payout's id for each of the others, by the transaction's id.
        self.not_paid_out: dict[str, StripeObject] = {}
        self.payout_of: dict[str, str] = {}
        # What will happen to payouts later: time, number of the step (to sort equal times), payout
        # id, name of the step.
        self.payout_steps: list[tuple[int, int, str, str]] = []
        self.steps_planned = 0
        # The bank's reference of each payout that has arrived, by the payout's id. Stripe shows it
        # only some days later.
        self.trace_ids: dict[str, str] = {}
        self.bank = BankLedger()
        self.setup_intents = Shelf("setup_intent")
        self.payment_methods = Shelf("payment_method")
        self.customers = Shelf("customer")
        self.subscriptions = Shelf("subscription")
        self.invoices = Shelf("invoice")
        self.invoice_payments = Shelf("invoice_payment")
        self.events = Shelf("event")
        # Data of each session, by its id, that Stripe does not show as fields of the session.
        self.line_items: dict[str, list[StripeObject]] = {}
        self.payment_intent_data: dict[str, dict[str, Any]] = {}
        self.subscription_data: dict[str, dict[str, Any]] = {}
        # Maps the id of a session to the id of the subscription that the session gets when it is
        # paid.
        self.pending_subscriptions: dict[str, str] = {}
        self.saved_methods: dict[str, Attempt] = {}
        # Maps the id of a payment method to the outcome of paying with it.
        self.attempts: dict[str, Attempt] = {}
        # Scheduled changes, each with the time on the monotonic clock at which it is due.
        self._scheduled: list[tuple[float, Callable[[], object]]] = []
        self.test_clocks = Shelf("test_helpers.test_clock")
        # The ids of charges whose refunds are pending at first, and of those whose refunds fail
        # after they have succeeded.
        self.slow_refunds: set[str] = set()
        self.failing_refunds: set[str] = set()
        self.portal_sessions: dict[str, StripeObject] = {}
        self.products = Shelf("product")
        self.webhook_endpoints = Shelf("webhook_endpoint")
        self.portal_configurations = Shelf("configuration")
        self.portal_configurations.put(default_portal_configuration())
        self.method_configurations = Shelf("payment_method_configuration")
        self.method_configurations.put(new_method_configuration())
        # Whether each webhook endpoint gets events of connected accounts. Stripe's answers do not
        # show this.
        self.connect_endpoints: dict[str, bool] = {}
        self.capabilities: dict[str, str] = dict.fromkeys(CAPABILITIES.values(), "active")
        self.payments_of_invoices: dict[str, StripeObject] = {}
        self.invoices_of_intents: dict[str, str] = {}

    def now(self) -> int:
        return int(time.time()) if self._set_clock is None else self._set_clock

    def set_clock(self, now: int | None) -> None:
        """Stop the clock at `now`, in unix seconds. None makes it follow real time again."""
        self._set_clock = now

    @contextmanager
    def at_time(self, moment: int) -> Iterator[None]:
        """Use this time, from a test clock, for everything inside the `with` block."""
        previous = self._set_clock
        self._set_clock = moment
        try:
            yield
        finally:
            self._set_clock = previous

    def schedule(self, task: Callable[[], object]) -> None:
        """Schedule a change that Stripe would make a moment later."""
        self._scheduled.append((time.monotonic() + DELAY_S, task))

    def run_due_tasks(self) -> None:
        """Run the scheduled changes whose time has come."""
        now = time.monotonic()
        due = [task for moment, task in self._scheduled if moment <= now]
        self._scheduled = [(moment, task) for moment, task in self._scheduled if moment > now]
        for task in due:
            task()

    def new_id(self, prefix: str, length: int = 24) -> str:
        return prefix + "".join(self._random.choices(_LETTERS, k=length))

    def find(self, shelf: Shelf, object_id: str, param: str = "id") -> StripeObject:
        thing = shelf.get(object_id)
        if thing is None:
            raise no_such(shelf.kind, object_id, param)
        return thing

    @contextmanager
    def during_request(self, request_id: str, idempotency_key: str | None) -> Iterator[None]:
        """Give this request's id to all events that are created inside the `with` block."""
        previous = self._request
        self._request = {"id": request_id, "idempotency_key": idempotency_key}
        try:
            yield
        finally:
            self._request = previous

    def announce(
        self,
        kind: str,
        thing: StripeObject,
        previous: dict[str, Any] | None = None,
        at: int | None = None,
    ) -> None:
        """Create an event with a copy of the object `thing` as it is now.

        `previous` has the old values of changed fields; `at` is the event's time if it is not now.
        """
        data: dict[str, Any] = {"object": deep_copy(thing)}
        if previous is not None:
            data["previous_attributes"] = deep_copy(previous)
        event = {
            "id": self.new_id("evt_1"),
            "object": "event",
            "api_version": TODAY,
            "created": self.now() if at is None else at,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": dict(self._request),
            "type": kind,
        }
        self.events.put(event)
        self.on_event(event)

    def expire_later(self, session: StripeObject) -> None:
        heapq.heappush(self._expiries, (session["expires_at"], session["id"]))

    def sessions_due_to_expire(self) -> Iterator[StripeObject]:
        while self._expiries and self._expiries[0][0] <= self.now():
            _, session_id = heapq.heappop(self._expiries)
            session = self.sessions.get(session_id)
            if session is not None and session["status"] == "open":
                yield session
