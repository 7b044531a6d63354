"""The monthly invoices of a pledge: their payments, and what happens when a payment fails."""

from typing import Any, Final

from donate.gifts.facts import FactKind
from donate.stripe_gateway.assumptions import sources, subscriptions
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.synthetic import as_invoice_events, is_under_way

MONTHS: Final = Topic("Months")


@MONTHS.assumption(
    sources.BASIL_PARENT,
    fields="""
        invoice.currency invoice.parent invoice.parent.subscription_details
        invoice.parent.subscription_details.metadata invoice.payment_intent
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="The first month of a gift by card or debit is not recorded.",
)
def the_first_invoice_names_its_pledge(world: World) -> None:
    """The first invoice.paid has the subscription's metadata and a billing_reason."""
    pledge = subscriptions.pledge(world)
    reading = world.read(world.event("invoice.paid", pledge.first_invoice))
    expect_equal(reading.facts[0].kind, FactKind.PAYMENT_SUCCEEDED, "the fact in the event")
    expect_equal(str(reading.gift_id), pledge.gift_id, "the subscription's metadata")
    expect_equal(reading.month, None, "the later month in the event")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    fields="invoice.created",
    cost=Cost.WRONG_BOOKS,
    if_false="Later months are not recorded as gifts of their own.",
)
def a_later_month_sends_an_event(world: World) -> None:
    """invoice.paid of a later invoice has the pledge's amount and the reason subscription_cycle."""
    invoice = subscriptions.second_month(world)
    reading = world.read(world.event("invoice.paid", invoice["id"]))
    expect(reading.month, "the event contains no later month")
    fact = reading.facts[0]
    expect_equal(fact.amount_minor, subscriptions.CHANGED_AMOUNT, "amount_paid")
    expect_equal(fact.evidence["billing_reason"], "subscription_cycle", "billing_reason")


@MONTHS.assumption(
    sources.BASIL_INVOICES,
    fields="""
        invoice.payments
        invoice.payments.data
        invoice_payment.id
        invoice_payment.invoice
        invoice_payment.payment
        invoice_payment.payment.payment_intent
        invoice_payment.payment.type
        invoice_payment.payment.payment_record
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="A refund or dispute of a month is not matched to that month.",
)
def an_invoice_payment_sends_an_event(world: World) -> None:
    """invoice_payment.paid names the invoice and the payment intent that paid it."""
    invoice = subscriptions.second_month(world)
    payment = invoice["payments"]["data"][0]
    reading = world.read(world.event("invoice_payment.paid", payment["id"]))
    fact = reading.facts[0]
    expect_equal(fact.kind, FactKind.PAYMENT_NAMED, "the fact in the event")
    expect_equal(reading.payment, invoice["id"], "invoice")
    expect(
        fact.source_id.startswith("pi_"), "payment.payment_intent is not the id of a payment intent"
    )
    expect_equal(payment["payment"].get("payment_record"), None, "payment.payment_record")


@MONTHS.assumption(
    sources.BASIL_INVOICES,
    routes="GET /v1/invoices/{id}",
    fields="""
        invoice.livemode invoice.status_transitions invoice.status_transitions.paid_at
        invoice_payment.status payment_intent.status
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up does not know which payment paid a month.",
)
def an_invoice_shows_its_payments(world: World) -> None:
    """An invoice can be fetched with its payments, their intents, and the time it was paid."""
    invoice = subscriptions.second_month(world)
    readings = [world.read(event) for event in as_invoice_events(invoice, world.clock.now())]
    kinds = [reading.facts[0].kind for reading in readings]
    expect_equal(
        kinds, [FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_NAMED], "the facts in the invoice"
    )
    expect(not is_under_way(invoice), "a payment of the paid invoice is still processing")


@MONTHS.assumption(
    sources.LIST_INVOICES,
    routes="GET /v1/invoices",
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up misses months that were paid while the service was down.",
)
def paid_invoices_are_listed(world: World) -> None:
    """The list of paid invoices contains a paid monthly invoice with its payments."""
    invoice = subscriptions.second_month(world)
    params = {"status": "paid", "limit": 100, "expand": ["data.payments"]}
    if invoice.get("customer"):
        params["customer"] = invoice["customer"]
    listed = {item["id"]: item for item in world.client.list_page("invoices", params).objects}
    expect(invoice["id"] in listed, "the invoice is not in the list")
    expect(listed[invoice["id"]]["payments"]["data"], "the listed invoice has no payments")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    fields="invoice.amount_due",
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor does not learn that a month failed, and that month stays open.",
)
def a_failed_month_sends_an_event(world: World) -> None:
    """A monthly invoice whose card is declined stays open and sends invoice.payment_failed."""
    invoice = subscriptions.failed_month(world)
    expect_equal(invoice["status"], "open", "the invoice's status")
    reading = world.read(world.event("invoice.payment_failed", invoice["id"]))
    expect_equal(reading.facts[0].kind, FactKind.PAYMENT_FAILED, "the fact in the event")
    expect(reading.month, "the event contains no later month")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor whose month failed reads that all is well.",
)
def a_failed_month_makes_the_pledge_past_due(world: World) -> None:
    """A declined monthly payment sets status past_due and sends customer.subscription.updated."""
    subscriptions.failed_month(world)
    subscription_id = subscriptions.pledge(world).subscription_id
    events = world.wait_for(
        "event customer.subscription.updated",
        lambda: world.events("customer.subscription.updated", subscription_id),
    )
    statuses = {event["data"]["object"]["status"] for event in events}
    expect("past_due" in statuses, f"the statuses in the events are {sorted(statuses)}")


@MONTHS.assumption(
    sources.PAY_INVOICE,
    routes="POST /v1/invoices/{id}/pay",
    cost=Cost.NO_GIFT,
    if_false="A donor cannot pay a failed month later.",
)
def a_failed_month_is_paid_again(world: World) -> None:
    """If a new card was saved after a decline, paying the open invoice by API charges that card."""
    invoice = subscriptions.retried_month(world, proving=True)
    expect_equal(invoice["status"], "paid", "status")
    expect_equal(invoice["amount_paid"], subscriptions.CHANGED_AMOUNT, "amount_paid")


@MONTHS.assumption(
    sources.ERROR_CODES,
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor whose card was declined reads that Stripe is unavailable.",
)
def paying_again_can_be_declined(world: World) -> None:
    """Paying an open invoice with a bad card gets a card error with the decline code."""
    invoice = subscriptions.declined_pledge(world).first_invoice
    refusal = world.refusal(lambda: world.billing.pay_invoice(invoice))
    expect_equal((refusal.status, refusal.code), (402, "card_declined"), "the refusal")


@MONTHS.assumption(
    sources.PAY_INVOICE,
    cost=Cost.WRONG_MONEY,
    if_false="A donor who tries twice pays a month twice.",
)
def a_paid_month_is_not_paid_again(world: World) -> None:
    """Stripe refuses to pay an invoice that is already paid."""
    invoice = subscriptions.retried_month(world)
    refusal = world.refusal(lambda: world.billing.pay_invoice(invoice["id"]))
    expect_equal(refusal.status, 400, "the status of the refusal")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    fields="invoice.attempt_count",
    cost=Cost.UNTRUE_WORDS,
    if_false="A gift whose first month was declined is shown as running.",
)
def a_declined_first_month_is_incomplete(world: World) -> None:
    """A declined first payment makes the subscription incomplete; its event has attempt_count."""
    pledge = subscriptions.declined_pledge(world)
    expect_equal(subscriptions.subscription_of(world, pledge)["status"], "incomplete", "status")
    event = world.event("invoice.payment_failed", pledge.first_invoice)
    fact = world.read(event).facts[0]
    expect_equal(fact.kind, FactKind.PAYMENT_DECLINED, "the fact in the event")
    expect(event["data"]["object"]["attempt_count"] >= 1, "attempt_count is zero")


@MONTHS.assumption(
    sources.VOID_INVOICE,
    routes="POST /v1/invoices/{id}/void",
    cost=Cost.WRONG_MONEY,
    if_false="A donor is debited for a month that we cancelled.",
)
def an_open_month_can_be_voided(world: World) -> None:
    """An open invoice can be voided, and Stripe never collects it after that."""
    pledge = subscriptions.declined_pledge(world)
    invoice = pledge.first_invoice
    world.event("invoice.payment_failed", invoice)
    voided = world.billing.void_invoice(invoice)
    expect_equal(voided["status"], "void", "status")


@MONTHS.assumption(
    sources.BASIL_INVOICES,
    routes="GET /v1/invoice_payments",
    cost=Cost.WRONG_BOOKS,
    if_false="A dispute of a month not yet recorded is taken for another shop's.",
)
def an_invoice_is_found_by_its_payment(world: World) -> None:
    """Invoice payments can be listed by payment intent, and each names its invoice."""
    invoice = subscriptions.second_month(world)
    intent_id = invoice["payments"]["data"][0]["payment"]["payment_intent"]["id"]
    params: Any = {"payment": {"type": "payment_intent", "payment_intent": intent_id}, "limit": 10}
    page = world.client.list_page("invoice_payments", params)
    expect_equal([payment["invoice"] for payment in page.objects], [invoice["id"]], "the invoices")


@MONTHS.assumption(
    sources.BASIL_INVOICES,
    fields="""
        invoice.paid_out_of_band
    """,
    cost=Cost.STAFF_WORK,
    if_false="An invoice names its payment twice; nothing breaks.",
)
def an_invoice_has_no_payment_of_its_own(world: World) -> None:
    """An invoice paid by card has no payment_intent field and is not paid_out_of_band."""
    invoice = world.event("invoice.paid", subscriptions.second_month(world)["id"])["data"]["object"]
    expect_equal(invoice.get("payment_intent"), None, "payment_intent")
    expect(invoice.get("paid_out_of_band") in (None, False), "paid_out_of_band is true")
