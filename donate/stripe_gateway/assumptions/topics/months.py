"""The months of a pledge: invoices, what pays them, and what is done when they fail."""

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
    """The first invoice.paid bears the subscription's metadata and names why it was made."""
    begun = subscriptions.pledge(world)
    reading = world.read(world.event("invoice.paid", begun.first_invoice))
    expect_equal(reading.facts[0].kind, FactKind.PAYMENT_SUCCEEDED, "what the event tells")
    expect_equal(str(reading.gift_id), begun.gift_id, "the subscription's metadata")
    expect_equal(reading.month, None, "the later month that the event tells of")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    fields="invoice.created",
    cost=Cost.WRONG_BOOKS,
    if_false="Later months are not recorded as gifts of their own.",
)
def a_later_month_sends_an_event(world: World) -> None:
    """A later month's invoice.paid has the pledge's amount, and the reason subscription_cycle."""
    invoice = subscriptions.second_month(world)
    reading = world.read(world.event("invoice.paid", invoice["id"]))
    expect(reading.month, "the event tells of no later month")
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
    if_false="A refund or a dispute of a month is not known as that month's.",
)
def an_invoice_payment_sends_an_event(world: World) -> None:
    """invoice_payment.paid names the invoice and the payment intent that paid it."""
    invoice = subscriptions.second_month(world)
    payment = invoice["payments"]["data"][0]
    reading = world.read(world.event("invoice_payment.paid", payment["id"]))
    fact = reading.facts[0]
    expect_equal(fact.kind, FactKind.PAYMENT_NAMED, "what the event tells")
    expect_equal(reading.payment, invoice["id"], "invoice")
    expect(fact.source_id.startswith("pi_"), "payment.payment_intent is no payment intent")
    expect_equal(payment["payment"].get("payment_record"), None, "payment.payment_record")


@MONTHS.assumption(
    sources.BASIL_INVOICES,
    routes="GET /v1/invoices/{id}",
    fields="""
        invoice.livemode invoice.status_transitions invoice.status_transitions.paid_at
        invoice_payment.status payment_intent.status
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up cannot say which payment paid a month.",
)
def an_invoice_shows_its_payments(world: World) -> None:
    """An invoice can be asked for with its payments and their intents, and when it was paid."""
    invoice = subscriptions.second_month(world)
    told = [world.read(event) for event in as_invoice_events(invoice, world.clock.now())]
    kinds = [reading.facts[0].kind for reading in told]
    expect_equal(
        kinds, [FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_NAMED], "what the invoice tells"
    )
    expect(not is_under_way(invoice), "a paid invoice has a payment under way")


@MONTHS.assumption(
    sources.LIST_INVOICES,
    routes="GET /v1/invoices",
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up misses months that were paid while we were away.",
)
def paid_invoices_are_listed(world: World) -> None:
    """The list of paid invoices has a month that was paid, with its payments."""
    invoice = subscriptions.second_month(world)
    asked = {"status": "paid", "limit": 100, "expand": ["data.payments"]}
    if invoice.get("customer"):
        asked["customer"] = invoice["customer"]
    listed = {one["id"]: one for one in world.client.list_page("invoices", asked).objects}
    expect(invoice["id"] in listed, "the invoice is not in the list")
    expect(listed[invoice["id"]]["payments"]["data"], "the invoice comes without its payments")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    fields="invoice.amount_due",
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor is not told that a month failed, and that month stays open.",
)
def a_failed_month_sends_an_event(world: World) -> None:
    """A month whose card is declined has an open invoice, and invoice.payment_failed tells it."""
    invoice = subscriptions.failed_month(world)
    expect_equal(invoice["status"], "open", "the invoice's status")
    reading = world.read(world.event("invoice.payment_failed", invoice["id"]))
    expect_equal(reading.facts[0].kind, FactKind.PAYMENT_FAILED, "what the event tells")
    expect(reading.month, "the event tells of no later month")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor whose month failed reads that all is well.",
)
def a_failed_month_makes_the_pledge_past_due(world: World) -> None:
    """A subscription whose month failed is past_due, which is told as an update."""
    subscriptions.failed_month(world)
    subscription_id = subscriptions.pledge(world).subscription_id
    events = world.wait_for(
        "event customer.subscription.updated",
        lambda: world.events("customer.subscription.updated", subscription_id),
    )
    told = {event["data"]["object"]["status"] for event in events}
    expect("past_due" in told, f"the events tell of {sorted(told)}")


@MONTHS.assumption(
    sources.PAY_INVOICE,
    routes="POST /v1/invoices/{id}/pay",
    cost=Cost.NO_GIFT,
    if_false="A donor cannot give a failed month after all.",
)
def a_failed_month_is_paid_again(world: World) -> None:
    """An open invoice is paid with the card that was saved meanwhile, when we ask."""
    invoice = subscriptions.retried_month(world, proving=True)
    expect_equal(invoice["status"], "paid", "status")
    expect_equal(invoice["amount_paid"], subscriptions.CHANGED_AMOUNT, "amount_paid")


@MONTHS.assumption(
    sources.ERROR_CODES,
    cost=Cost.UNTRUE_WORDS,
    if_false="A donor reads that Stripe is away, where their card was declined.",
)
def paying_again_can_be_declined(world: World) -> None:
    """Paying an open invoice with a bad card is a card error with the code of the decline."""
    invoice = subscriptions.declined_pledge(world).first_invoice
    refusal = world.refusal(lambda: world.billing.pay_invoice(invoice))
    expect_equal((refusal.status, refusal.code), (402, "card_declined"), "the refusal")


@MONTHS.assumption(
    sources.PAY_INVOICE,
    cost=Cost.WRONG_MONEY,
    if_false="A donor who asks twice pays a month twice.",
)
def a_paid_month_is_not_paid_again(world: World) -> None:
    """An invoice that is paid is not paid a second time: Stripe refuses it."""
    invoice = subscriptions.retried_month(world)
    refusal = world.refusal(lambda: world.billing.pay_invoice(invoice["id"]))
    expect_equal(refusal.status, 400, "the status of the refusal")


@MONTHS.assumption(
    sources.SUBSCRIPTIONS_WORK,
    fields="invoice.attempt_count",
    cost=Cost.UNTRUE_WORDS,
    if_false="A gift whose first month was declined is shown as one that runs.",
)
def a_declined_first_month_is_incomplete(world: World) -> None:
    """A subscription whose first payment is declined is incomplete; its event counts the tries."""
    begun = subscriptions.declined_pledge(world)
    expect_equal(subscriptions.subscription_of(world, begun)["status"], "incomplete", "status")
    event = world.event("invoice.payment_failed", begun.first_invoice)
    fact = world.read(event).facts[0]
    expect_equal(fact.kind, FactKind.PAYMENT_DECLINED, "what the event tells")
    expect(event["data"]["object"]["attempt_count"] >= 1, "attempt_count counts no try")


@MONTHS.assumption(
    sources.VOID_INVOICE,
    routes="POST /v1/invoices/{id}/void",
    cost=Cost.WRONG_MONEY,
    if_false="A donor is debited for a month that we ended.",
)
def an_open_month_can_be_voided(world: World) -> None:
    """An open invoice can be voided, and is never collected after that."""
    begun = subscriptions.declined_pledge(world)
    invoice = begun.first_invoice
    world.event("invoice.payment_failed", invoice)
    found = world.billing.void_invoice(invoice)
    expect_equal(found["status"], "void", "status")


@MONTHS.assumption(
    sources.BASIL_INVOICES,
    routes="GET /v1/invoice_payments",
    cost=Cost.WRONG_BOOKS,
    if_false="A dispute of a month that we do not know yet is taken for another shop's.",
)
def an_invoice_is_found_by_its_payment(world: World) -> None:
    """The payments of invoices can be listed by a payment intent, and name the invoice."""
    invoice = subscriptions.second_month(world)
    paid = invoice["payments"]["data"][0]["payment"]["payment_intent"]["id"]
    asked: Any = {"payment": {"type": "payment_intent", "payment_intent": paid}, "limit": 10}
    page = world.client.list_page("invoice_payments", asked)
    expect_equal([one["invoice"] for one in page.objects], [invoice["id"]], "the invoices")


@MONTHS.assumption(
    sources.BASIL_INVOICES,
    fields="""
        invoice.paid_out_of_band
    """,
    cost=Cost.STAFF_WORK,
    if_false="An invoice names its payment twice; nothing breaks.",
)
def an_invoice_has_no_payment_of_its_own(world: World) -> None:
    """An invoice that a card paid has no payment_intent of its own, nor is it paid_out_of_band."""
    invoice = world.event("invoice.paid", subscriptions.second_month(world)["id"])["data"]["object"]
    expect_equal(invoice.get("payment_intent"), None, "payment_intent")
    expect(invoice.get("paid_out_of_band") in (None, False), "paid_out_of_band is true")
