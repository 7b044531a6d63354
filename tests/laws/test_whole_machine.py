"""Donors, Stripe and power failures act in random order; at the end our books match Stripe's.

The tests try a few short sequences of actions. `make prove` tries many, with
--hypothesis-profile=prove and a seed, and prints the shortest sequence that causes a failure.
"""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import select

from donate.errors import Conflict
from donate.gifts.facts import FactKind
from donate.gifts.models import GiftFact
from donate.stripe_gateway.models import RefundReason
from donate.stripe_gateway.requests.refund_requests import RequestedRefund, request_refund
from tests.laws.whole_service import Whole, check_books, running_whole
from tests.real_parts import Postgres, Sqlite
from tests.sandbox.running import RunningSandbox, run_sandbox

STEPS, RUNS = 30, 5
CHANGES = [{"amount_total": 1}, {"currency": "usd"}, {"client_reference_id": "LWCAN-2222222"}]
TROUBLES = ["500", "409", "429", "reset_before", "reset_after", "html_200", "null_200"]
# Control requests to the pretend Stripe that change the state of an inquiry or a dispute.
DISPUTE_STEPS: list[tuple[str, dict[str, str]]] = [
    ("/answer", {}),
    ("/escalate", {}),
    ("", {"outcome": "warning_closed"}),
    ("", {"outcome": "won"}),
    ("", {"outcome": "lost"}),
    ("/revise", {"outcome": "won"}),
    ("/revise", {"outcome": "lost"}),
]
CALLS = [
    ("POST", "/v1/checkout/sessions"),
    ("GET", "/v1/checkout/sessions/*"),
    ("POST", "/v1/refunds"),
]


class Machine(RuleBasedStateMachine):
    """A state machine: Hypothesis calls its rules, one for each thing that may happen."""

    databases: ClassVar[Sqlite | Postgres]
    sandbox: ClassVar[RunningSandbox]

    def __init__(self) -> None:
        super().__init__()
        self.running = running_whole(self.databases.fresh_url(), self.sandbox)
        self.whole: Whole = self.running.__enter__()
        self.keys: list[tuple[str, str, int]] = []
        self.sessions: list[str] = []
        self.debits: list[tuple[str, bool]] = []
        self.refunds = 0

    def teardown(self) -> None:
        """End Stripe's errors, run one catch-up, and compare our books with Stripe's."""
        try:
            reports = self.whole.catch_up()
            check_books(self.whole)
            assert [line for report in reports for line in report.differing] == []
        finally:
            self.running.__exit__(None, None, None)

    @rule(frequency=st.sampled_from(["once", "once", "monthly"]), amount=st.integers(200, 99_999))
    def a_donor_gives(self, frequency: str, amount: int) -> None:
        self.keys.append((f"donor-number-{len(self.keys):04}", frequency, amount))
        self._give(self.keys[-1])

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def a_donor_sends_the_form_again(self, data: st.DataObject) -> None:
        self._give(data.draw(st.sampled_from(self.keys)))

    @initialize(frequency=st.sampled_from(["once", "monthly"]), amount=st.integers(200, 99_999))
    def begin(self, frequency: str, amount: int) -> None:
        """Let a donor pay first, so that no sequence is without a payment."""
        self.a_donor_gives_and_pays(frequency, amount)

    @rule(frequency=st.sampled_from(["once", "monthly"]), amount=st.integers(200, 99_999))
    def a_donor_gives_and_pays(self, frequency: str, amount: int) -> None:
        self.keys.append((f"donor-number-{len(self.keys):04}", frequency, amount))
        session = self._give(self.keys[-1])
        if session:
            self.whole.pull("pay", session=session, outcome="paid")

    def _give(self, choice: tuple[str, str, int]) -> str | None:
        key, how, amount = choice
        options = {"mode": how} if how == "bank_debit" else {"frequency": how}
        session = self.whole.give(key, amount_minor=amount, **options)
        if session and session not in self.sessions:
            self.sessions.append(session)
        return session

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), outcome=st.sampled_from(["paid", "paid", "paid", "declined"]))
    def a_donor_pays(self, data: st.DataObject, outcome: str) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        self.whole.pull("pay", session=session, outcome=outcome)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def a_session_expires(self, data: st.DataObject) -> None:
        self.whole.pull("expire", session=data.draw(st.sampled_from(self.sessions)))

    @precondition(lambda self: self._at_stripe("subscriptions"))
    @rule(data=st.data(), succeed=st.booleans())
    def a_month_comes(self, data: st.DataObject, succeed: bool) -> None:
        item = data.draw(st.sampled_from(self._at_stripe("subscriptions")))
        answer = self.whole.pull(f"subscriptions/{item}/renew", succeed=succeed)
        if answer and answer["invoice"] and not succeed and data.draw(st.booleans()):
            self.whole.pull(f"invoices/{answer['invoice']['id']}/pay", succeed=True)

    @precondition(lambda self: self._at_stripe("subscriptions"))
    @rule(data=st.data())
    def a_pledge_ends(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self._at_stripe("subscriptions")))
        self.whole.pull(f"subscriptions/{item}/cancel")

    @precondition(lambda self: self._at_stripe("payment_intents"))
    @rule(
        data=st.data(),
        amount=st.integers(1, 5_000),
        status=st.sampled_from(["succeeded", "pending", "failed"]),
    )
    def stripe_refunds(self, data: st.DataObject, amount: int, status: str) -> None:
        intent = data.draw(st.sampled_from(self._at_stripe("payment_intents")))
        answer = self.whole.pull("refund", payment_intent=intent, amount=amount, status=status)
        if answer and status != "failed":
            # A refund may fail days after it succeeded, because the donor's account is closed.
            end = data.draw(st.sampled_from(["succeeded", "failed"]))
            self.whole.pull(f"refund/{answer['refund']['id']}", status=end)

    @precondition(lambda self: self._at_stripe("payment_intents"))
    @rule(data=st.data(), outcome=st.sampled_from(["won", "lost", None]))
    def a_bank_disputes(self, data: st.DataObject, outcome: str | None) -> None:
        intent = data.draw(st.sampled_from(self._at_stripe("payment_intents")))
        answer = self.whole.pull("dispute", payment_intent=intent)
        if answer and outcome:
            self.whole.pull(f"dispute/{answer['dispute']['id']}", outcome=outcome)

    @precondition(lambda self: self._at_stripe("payment_intents"))
    @rule(data=st.data())
    def a_bank_inquires(self, data: st.DataObject) -> None:
        intent = data.draw(st.sampled_from(self._at_stripe("payment_intents")))
        answer = self.whole.pull("dispute", payment_intent=intent, inquiry=True)
        if answer:
            for control, body in data.draw(st.lists(st.sampled_from(DISPUTE_STEPS), max_size=4)):
                self.whole.pull(f"dispute/{answer['dispute']['id']}{control}", **body)

    @precondition(lambda self: self._at_stripe("disputes"))
    @rule(data=st.data(), step=st.sampled_from(DISPUTE_STEPS))
    def a_dispute_goes_on(self, data: st.DataObject, step: tuple[str, dict[str, str]]) -> None:
        item = data.draw(st.sampled_from(self._at_stripe("disputes")))
        control, body = step
        self.whole.pull(f"dispute/{item}{control}", **body)

    @precondition(lambda self: self._at_stripe("subscriptions"))
    @rule(data=st.data(), status=st.sampled_from(["active", "past_due", "paused", "unpaid"]))
    def a_pledge_changes_its_status(self, data: st.DataObject, status: str) -> None:
        item = data.draw(st.sampled_from(self._at_stripe("subscriptions")))
        self.whole.pull(f"subscriptions/{item}/status", status=status)

    @rule(amount=st.integers(200, 99_999), verified=st.booleans(), succeed=st.booleans())
    def a_donor_gives_by_debit(self, amount: int, verified: bool, succeed: bool) -> None:
        """Give by bank debit; unless `verified`, the donor has to confirm the account first."""
        self.keys.append((f"donor-number-{len(self.keys):04}", "bank_debit", amount))
        session = self._give(self.keys[-1])
        if session:
            self.whole.pull("pay", session=session, outcome="processing", verified=verified)
            self.debits.append((session, succeed))

    @precondition(lambda self: self.debits)
    @rule()
    def a_debit_goes_on(self) -> None:
        """End the oldest debit under way with the success or failure that was drawn for it."""
        session, succeed = self.debits.pop(0)
        self.whole.pull("settle", session=session, succeed=succeed)

    @rule(amount=st.integers(1, 5_000))
    def the_desk_refunds(self, amount: int) -> None:
        parts = self.whole.parts
        names = (FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_NAMED)
        with parts.database.reading() as session:
            payment = session.exec(
                select(GiftFact)
                .where(GiftFact.kind.in_(names), GiftFact.source_id.like("pi_%"))  # type: ignore[attr-defined]
                .order_by(GiftFact.source_id)
            ).first()
        if payment is None:
            return
        self.refunds += 1
        choice = RequestedRefund(payment.source_id, amount, RefundReason.REQUESTED_BY_DONOR, "")
        request = None
        try:
            with parts.database.writing() as session:
                request = request_refund(
                    session,
                    payment.gift_id,
                    choice,
                    form_key=str(self.refunds),
                    actor="staff:1",
                    now=parts.clock.now(),
                )
        except Conflict:
            return  # the refund is larger than the money that is left
        if request:
            parts.refunds.ask_now(request)

    @rule(data=st.data())
    def events_arrive(self, data: st.DataObject) -> None:
        events = self.whole.events()
        if events:
            for item in data.draw(st.lists(st.sampled_from(events), max_size=8)):
                assert self.whole.deliver(item) == 200

    @rule(data=st.data(), change=st.sampled_from(CHANGES))
    def somebody_forges(self, data: st.DataObject, change: dict[str, Any]) -> None:
        """Deliver forged events: a false signature gets 400, and false contents have no effect."""
        events = [
            item for item in self.whole.events() if item["type"].startswith("checkout.session")
        ]
        if not events:
            return
        item = data.draw(st.sampled_from(events))
        forged = item | {"id": f"evt_{uuid.uuid4().hex}"}
        assert self.whole.deliver(forged, secret="whsec_somebodys_elses_secret_1") == 400
        assert self.whole.deliver(forged | {"livemode": True}) == 200
        changed = forged | {"id": f"evt_{uuid.uuid4().hex}"}
        changed["data"] = {"object": item["data"]["object"] | change}
        assert self.whole.deliver(changed) == 200

    @rule()
    def the_worker_goes_round(self) -> None:
        self.whole.go_round()

    @rule()
    def the_power_goes(self) -> None:
        self.whole.crash()

    @rule(minutes=st.sampled_from([1, 20, 180, 1_500, 4_000]))
    def time_passes(self, minutes: int) -> None:
        self.whole.pass_time(timedelta(minutes=minutes))

    @rule(minutes=st.sampled_from([-20, 20]))
    def our_clock_jumps(self, minutes: int) -> None:
        self.whole.clock.instant += timedelta(minutes=minutes)

    @rule(kind=st.sampled_from(TROUBLES), call=st.sampled_from(CALLS))
    def stripe_has_trouble(self, kind: str, call: tuple[str, str]) -> None:
        method, path = call
        self.whole.pull("trouble", path=path, method=method, kind=kind, times=1)

    def _at_stripe(self, shelf: str) -> list[str]:
        return self.whole.listed(shelf)


def machine_settings() -> settings:
    if settings.get_current_profile_name() == "prove":
        return settings(stateful_step_count=STEPS)
    return settings(
        stateful_step_count=STEPS,
        max_examples=RUNS,
        deadline=None,
        derandomize=True,  # every run tries the same examples
        # Hypothesis does not look for a shorter failing example, which would take long.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def one_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_our_books_match_stripes(
    request: pytest.FixtureRequest, one_sandbox: RunningSandbox, backend: str
) -> None:
    """After any sequence of such actions and then one catch-up, our books match Stripe's."""
    Machine.databases = request.getfixturevalue(backend)
    Machine.sandbox = one_sandbox
    run_state_machine_as_test(Machine, settings=machine_settings())
