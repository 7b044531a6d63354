"""Payouts and balance transactions: what reached the bank, and the fees that were taken."""

from typing import Any, Final

from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.balance.categories import BalanceKind, balance_kind
from donate.stripe_gateway.balance.parser import (
    is_listed,
    read_balance_transaction,
    read_payout,
)
from donate.stripe_gateway.events.fields import PayoutNews
from donate.stripe_gateway.events.parser import envelope_of_event, read_event
from donate.stripe_gateway.events.types import PAYOUT_EVENT_TYPES

PAYOUTS: Final = Topic("Payouts")
_WITH_SOURCE: Final = ["data.source"]


@PAYOUTS.assumption(
    sources.BALANCE_TRANSACTION,
    routes="GET /v1/balance_transactions",
    fields="""
        balance_transaction.amount balance_transaction.available_on
        balance_transaction.balance_type balance_transaction.created
        balance_transaction.currency balance_transaction.description
        balance_transaction.exchange_rate balance_transaction.fee
        balance_transaction.fee_details balance_transaction.fee_details.amount
        balance_transaction.fee_details.currency balance_transaction.fee_details.description
        balance_transaction.fee_details.type balance_transaction.id balance_transaction.net
        balance_transaction.reporting_category balance_transaction.source
        balance_transaction.type charge.amount charge.currency charge.object charge.payment_intent
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="The books lack Stripe's fees, or no fee belongs to a gift.",
)
def a_balance_transaction_states_gross_fee_and_net(world: World) -> None:
    """A payment's balance transaction states gross, fee and net; its source names the payment."""
    payment = objects.card_payment(world)
    listed = _transactions(world, type="charge")
    rows = [read_balance_transaction(each, world.clock.now()) for each in listed]
    row = next((row for row in rows if row["payment"] == payment["id"]), None)
    expect(row, "the payment's transaction is not in the list")
    assert row is not None
    expect_equal(row["amount_minor"], objects.AMOUNT, "amount")
    expect(row["fee_minor"] > 0, "fee is not positive")
    kind = balance_kind(row["type"], row["reporting_category"])
    expect_equal(kind, BalanceKind.GIFT, "what it is in the books")
    parts = sum(each["amount"] for each in row["fee_details"])
    expect_equal(parts, row["fee_minor"], "the sum of fee_details")
    # If Stripe converts a payment, only the source has the amount that the donor paid.
    source = next(each["source"] for each in listed if each["id"] == row["txn_id"])
    expect_equal((source["amount"], source["currency"]), (objects.AMOUNT, "cad"), "the source")


@PAYOUTS.assumption(
    sources.BALANCE_TRANSACTION,
    fields="refund.amount refund.currency refund.object refund.payment_intent",
    cost=Cost.WRONG_BOOKS,
    if_false="A refund in a payout belongs to no gift.",
)
def a_refund_has_a_balance_transaction(world: World) -> None:
    """A refund has its own negative balance transaction, whose source names the payment."""
    refund = objects.refund(world)
    rows = [
        read_balance_transaction(each, world.clock.now())
        for each in _transactions(world, type="refund")
    ]
    row = next((row for row in rows if row["source_id"] == refund["id"]), None)
    expect(row, "the refund's transaction is not in the list")
    assert row is not None
    expect_equal(row["amount_minor"], -refund["amount"], "amount")
    expect_equal(row["payment"], refund["payment_intent"], "payment_intent")
    expect_equal(refund["currency"], "cad", "currency")


@PAYOUTS.assumption(
    sources.PAYOUT,
    routes="""
        GET /v1/payouts
        GET /v1/payouts/{id}
    """,
    fields="""
        payout.amount payout.arrival_date payout.automatic payout.balance_transaction payout.created
        payout.currency payout.failure_balance_transaction payout.failure_code payout.id
        payout.method payout.original_payout payout.reconciliation_status payout.reversed_by
        payout.status payout.trace_id payout.trace_id.status payout.trace_id.value
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="Nobody sees which gifts the bank's money is.",
)
def a_payout_is_listed_and_retrieved(world: World) -> None:
    """A payout has its amount, day, status and trace, both in the list and when fetched alone."""
    listed = _newest_payout(world)
    asked_at = world.clock.now()
    alone = world.call(lambda sdk: sdk.v1.payouts.retrieve(listed["id"]), "payout")
    expect_equal(
        read_payout(alone, asked_at)["amount_minor"],
        read_payout(listed, asked_at)["amount_minor"],
        "amount",
    )


@PAYOUTS.assumption(
    sources.PAYOUT_RECONCILIATION,
    fields="payout.object",
    cost=Cost.WRONG_BOOKS,
    if_false="A payout does not add up, and nobody knows which gifts it has.",
)
def an_automatic_payout_lists_its_transactions(world: World) -> None:
    """A reconciled payout lists all its transactions, and a negative one for the payout itself."""
    asked_at = world.clock.now()
    payout = _newest_payout(world)
    if not is_listed(read_payout(payout, asked_at)):
        raise CouldNotBeTried("the newest payout is not automatic or not reconciled yet")
    rows = [
        read_balance_transaction(each, asked_at)
        for each in _transactions(world, payout=payout["id"])
    ]
    own = [row for row in rows if row["source_id"] == payout["id"]]
    expect_equal([row["net_minor"] for row in own], [-payout["amount"]], "its own transaction")
    inside = sum(row["net_minor"] for row in rows if row["source_id"] != payout["id"])
    expect_equal(inside, payout["amount"], "the sum of the other transactions")


@PAYOUTS.assumption(
    sources.EVENT_TYPES,
    cost=Cost.WRONG_BOOKS,
    if_false="A payout that fails after it was paid is seen hours later.",
)
def payouts_have_events(world: World) -> None:
    """Stripe sends events about a payout, and the object in each event is the payout."""
    payout = _newest_payout(world)
    page = world.client.list_page("events", {"types": list(PAYOUT_EVENT_TYPES), "limit": 100})
    read = [read_event(envelope_of_event(event)) for event in page.objects]
    expect(PayoutNews(payout["id"]) in read, "no event is about the newest payout")


def _newest_payout(world: World) -> Json:
    payouts = world.client.list_page("payouts", {"limit": 1}).objects
    if not payouts:
        raise CouldNotBeTried("the account has no payout yet; it gets one a few days after a gift")
    return payouts[0]


def _transactions(world: World, **filters: Any) -> list[Json]:
    params = {"limit": 100, "expand": _WITH_SOURCE, **filters}
    return world.client.list_page("balance_transactions", params).objects
