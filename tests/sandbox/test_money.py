"""Payments, refunds and disputes at the sandbox, and their balance transactions."""

from typing import Any

import httpx
import pytest
import stripe

from donate.sandbox.objects.balance import payment_fee
from tests.sandbox.running import SESSION, RunningSandbox, session_of


def pay(client: stripe.StripeClient, sandbox: RunningSandbox, outcome: str = "paid") -> Any:
    """Pay a new session; return the session with its payment intent and charge expanded."""
    session = client.v1.checkout.sessions.create(SESSION)
    sandbox.pay(session.id, outcome)
    expanded = {"expand": ["payment_intent.latest_charge"]}
    return client.v1.checkout.sessions.retrieve(session.id, expanded).to_dict()  # type: ignore[arg-type]


def types_about(client: stripe.StripeClient, object_id: str) -> list[str]:
    """Return the types of the events about an object, the oldest first."""
    events = client.v1.events.list({"limit": 100}).data
    return [event.type for event in reversed(events) if event.data.object["id"] == object_id]


@pytest.mark.parametrize(
    ("amount", "currency", "method", "fee"),
    [
        (2_500, "cad", "card", 103),  # 2.9% is 72.5, rounded up to 73; plus 30
        (50, "cad", "card", 31),
        (10_000, "cad", "acss_debit", 140),
        (100_000, "cad", "acss_debit", 500),
        (10_000, "kwd", "card", 590),
    ],
)
def test_stripe_keeps_its_fee(amount: int, currency: str, method: str, fee: int) -> None:
    """Stripe's fee is 2.9% + 30 cents for a card, and 1% + 40 cents, at most $5, for a debit."""
    assert payment_fee(amount, currency, method) == fee


def test_a_payment_reaches_the_balance(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A charge has a balance transaction with a fee and a net amount, available after some days."""
    charge = pay(client, sandbox)["payment_intent"]["latest_charge"]
    line = client.v1.balance_transactions.retrieve(charge["balance_transaction"])
    assert (line.amount, line.fee, line.net, line.currency) == (2_500, 103, 2_397, "cad")
    assert (line.type, line.reporting_category, line.source) == ("charge", "charge", charge["id"])
    assert line.status == "pending"
    assert client.v1.balance_transactions.list({"source": charge["id"]}).data[0].id == line.id
    sandbox.control("POST", "/_sandbox/clock", now=line.available_on)
    assert client.v1.balance_transactions.retrieve(line.id).status == "available"


def test_charges_are_found_by_payment(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """A payment intent has two charges if one card was declined and another card then paid."""
    session = client.v1.checkout.sessions.create(SESSION)
    sandbox.pay(session.id, "declined")
    intent = sandbox.pay(session.id)["session"]["payment_intent"]
    charges = client.v1.charges.list({"payment_intent": intent}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]
    assert types_about(client, intent) == [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]
    assert types_about(client, charges[1].id) == ["charge.failed"]


def test_a_refund_may_be_in_parts(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """Partial refunds add up on the charge; each has a balance transaction without a fee."""
    intent = pay(client, sandbox)["payment_intent"]
    first = client.v1.refunds.create({"payment_intent": intent["id"], "amount": 1_000})
    assert (first.status, first.amount) == ("succeeded", 1_000)
    charge = client.v1.charges.retrieve(intent["latest_charge"]["id"])
    assert (charge.amount_refunded, charge.refunded) == (1_000, False)
    rest = client.v1.refunds.create({"charge": charge.id, "reason": "requested_by_customer"})
    assert rest.amount == 1_500
    assert client.v1.charges.retrieve(charge.id).refunded
    line = client.v1.balance_transactions.retrieve(str(rest.balance_transaction))
    assert (line.amount, line.fee, line.net, line.type) == (-1_500, 0, -1_500, "refund")
    refunds = client.v1.refunds.list({"payment_intent": intent["id"]}).data
    assert [refund.id for refund in refunds] == [rest.id, first.id]
    assert client.v1.refunds.retrieve(first.id).amount == 1_000
    inside = client.v1.charges.retrieve(charge.id, {"expand": ["refunds"]}).refunds
    assert inside is not None
    assert [refund.id for refund in inside.data] == [rest.id, first.id]
    assert types_about(client, charge.id) == ["charge.succeeded", *["charge.refunded"] * 2]


@pytest.mark.parametrize(
    ("before", "amount", "code", "param"),
    [
        (0, 2_501, None, "amount"),
        (2_000, 501, None, "amount"),
        (2_500, 1, "charge_already_refunded", None),
        (0, 0, "parameter_invalid_integer", "amount"),
    ],
)
def test_no_more_than_was_paid_can_be_refunded(
    client: stripe.StripeClient,
    sandbox: RunningSandbox,
    before: int,
    amount: int,
    code: str | None,
    param: str | None,
) -> None:
    """A refund of more than what is left of the payment is refused."""
    intent = pay(client, sandbox)["payment_intent"]["id"]
    if before:
        client.v1.refunds.create({"payment_intent": intent, "amount": before})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent, "amount": amount})
    assert (refused.value.code, refused.value.param) == (code, param)


def test_what_was_not_paid_cannot_be_refunded(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A refund is refused if its payment was declined, is unknown or is not given."""
    declined = pay(client, sandbox, "declined")["payment_intent"]["id"]
    refused_params: list[tuple[Any, str]] = [
        ({"payment_intent": declined}, "payment_intent_unexpected_state"),
        ({"payment_intent": "pi_nothing"}, "resource_missing"),
        ({}, "parameter_missing"),
    ]
    for params, code in refused_params:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create(params)
        assert refused.value.code == code


def test_a_pending_refund_ends_one_way_or_the_other(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A pending refund succeeds, or fails and its money returns to the balance."""
    intent = pay(client, sandbox)["payment_intent"]
    refund: Any = None
    for status, refunded in (("succeeded", 500), ("failed", 500)):
        lever = {"payment_intent": intent["id"], "amount": 500, "status": "pending"}
        refund = sandbox.control("POST", "/_sandbox/refund", **lever)["refund"]
        assert refund["status"] == "pending"
        moved = sandbox.control("POST", f"/_sandbox/refund/{refund['id']}", status=status)["refund"]
        assert moved["status"] == status
        charge = client.v1.charges.retrieve(intent["latest_charge"]["id"])
        assert charge.amount_refunded == refunded
    lines = client.v1.balance_transactions.list({"source": refund["id"]}).data
    assert [(line.type, line.net) for line in lines] == [("refund_failure", 500), ("refund", -500)]
    assert types_about(client, refund["id"]) == [
        "refund.created",
        "refund.failed",
        "refund.updated",
    ]


def test_a_lost_dispute_costs_the_gift_and_a_fee(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A new dispute withdraws the amount and a fee of 15 dollars; losing it withdraws no more."""
    intent = pay(client, sandbox)["payment_intent"]
    dispute = sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent["id"])["dispute"]
    assert dispute["status"] == "needs_response"
    assert [line["net"] for line in dispute["balance_transactions"]] == [-2_500 - 1_500]
    assert client.v1.charges.retrieve(intent["latest_charge"]["id"]).disputed
    closed = sandbox.control("POST", f"/_sandbox/dispute/{dispute['id']}", outcome="lost")
    assert closed["dispute"]["status"] == "lost"
    assert client.v1.disputes.retrieve(dispute["id"]).status == "lost"
    assert types_about(client, dispute["id"]) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    ]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent["id"]})
    assert refused.value.code == "charge_disputed"


def test_a_won_dispute_brings_the_gift_back(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """Winning a dispute brings back the amount but not the fee."""
    intent = pay(client, sandbox)["payment_intent"]["id"]
    dispute = sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent)["dispute"]
    sandbox.control("POST", f"/_sandbox/dispute/{dispute['id']}", outcome="won")
    lines = client.v1.balance_transactions.list({"source": dispute["id"]}).data
    assert [line.net for line in lines] == [2_500, -4_000]
    assert types_about(client, dispute["id"])[-2:] == [
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]


def test_an_inquiry_becomes_a_chargeback_under_the_same_id(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """An inquiry takes no money; as a dispute it keeps its id and withdraws the amount."""
    intent = pay(client, sandbox)["payment_intent"]["id"]
    lever = {"payment_intent": intent, "inquiry": True}
    dispute = sandbox.control("POST", "/_sandbox/dispute", **lever)["dispute"]
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    assert client.v1.refunds.create({"payment_intent": intent, "amount": 100}).status == "succeeded"
    address = f"/_sandbox/dispute/{dispute['id']}"
    assert sandbox.control("POST", f"{address}/answer")["dispute"]["status"] == (
        "warning_under_review"
    )
    escalated = sandbox.control("POST", f"{address}/escalate")["dispute"]
    assert (escalated["id"], escalated["status"]) == (dispute["id"], "needs_response")
    assert [line["amount"] for line in escalated["balance_transactions"]] == [-2_500]
    assert types_about(client, dispute["id"]) == [
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
    ]
    updated = client.v1.events.list({"types": ["charge.dispute.updated"], "limit": 1}).data[0]
    assert updated.data.to_dict()["previous_attributes"]["status"] == "warning_under_review"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent, "amount": 100})
    assert refused.value.code == "charge_disputed"


def test_an_inquiry_may_be_closed_and_an_end_revised(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """Closing an inquiry moves no money. A dispute can still change from lost to won, or back."""
    first = pay(client, sandbox)["payment_intent"]["id"]
    lever = {"payment_intent": first, "inquiry": True}
    inquiry = sandbox.control("POST", "/_sandbox/dispute", **lever)["dispute"]["id"]
    closed = sandbox.control("POST", f"/_sandbox/dispute/{inquiry}", outcome="warning_closed")
    assert closed["dispute"]["status"] == "warning_closed"
    assert client.v1.balance_transactions.list({"source": inquiry}).data == []
    second = pay(client, sandbox)["payment_intent"]["id"]
    lever = {"payment_intent": second, "amount": 2_000}
    dispute = sandbox.control("POST", "/_sandbox/dispute", **lever)["dispute"]["id"]
    sandbox.control("POST", f"/_sandbox/dispute/{dispute}", outcome="lost")
    for outcome, amounts in (("won", [2_000, -2_000]), ("lost", [-2_000, 2_000, -2_000])):
        address = f"/_sandbox/dispute/{dispute}/revise"
        revised = sandbox.control("POST", address, outcome=outcome)["dispute"]
        assert revised["status"] == outcome
        assert len(revised["balance_transactions"]) == 2
        lines = client.v1.balance_transactions.list({"source": dispute}).data
        assert [line.amount for line in lines] == amounts
    for path, lever in (("", {"outcome": "won"}), ("/escalate", {}), ("/answer", {})):
        with pytest.raises(httpx.HTTPStatusError):
            sandbox.control("POST", f"/_sandbox/dispute/{dispute}{path}", **lever)


@pytest.mark.parametrize(("succeed", "status"), [(True, "paid"), (False, "unpaid")])
def test_a_delayed_payment_is_settled_later(
    client: stripe.StripeClient, sandbox: RunningSandbox, *, succeed: bool, status: str
) -> None:
    """A processing payment succeeds or fails later, each with a different event."""
    session = pay(client, sandbox, "processing")
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    assert session["payment_intent"]["status"] == "processing"
    assert session["payment_intent"]["latest_charge"]["status"] == "pending"
    settled = sandbox.control("POST", "/_sandbox/settle", session=session["id"], succeed=succeed)
    assert settled["session"]["payment_status"] == status
    end = "succeeded" if succeed else "failed"
    assert settled["charge"]["status"] == end
    assert types_about(client, session["id"]) == [
        "checkout.session.completed",
        f"checkout.session.async_payment_{end}",
    ]
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.control("POST", "/_sandbox/settle", session=session["id"], succeed=True)


def test_totals_add_up_for_each_currency(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """The sandbox's state has the totals paid, refunded and disputed for each currency."""
    params: Any
    for params in (SESSION, SESSION, session_of(900, "jpy")):
        session = fresh_client.v1.checkout.sessions.create(params)
        intent = fresh_sandbox.pay(session.id)["session"]["payment_intent"]
        if params["line_items"][0]["price_data"]["currency"] == "cad":
            fresh_client.v1.refunds.create({"payment_intent": intent, "amount": 500})
    fresh_sandbox.pay(fresh_client.v1.checkout.sessions.create(SESSION).id, "declined")
    state = fresh_sandbox.control("GET", "/_sandbox/state")
    assert state["totals"] == {
        "cad": {"paid": 5_000, "refunded": 1_000, "disputed": 0, "fees": 206, "net": 3_794},
        "jpy": {"paid": 900, "refunded": 0, "disputed": 0, "fees": 56, "net": 844},
    }
    assert state["counts"]["charges"] == {"succeeded": 3, "failed": 1}
