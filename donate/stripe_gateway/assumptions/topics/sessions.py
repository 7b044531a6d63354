"""Checkout sessions: the parameters that open them, their fields, and how they expire."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from donate.gifts.facts import FactKind
from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World
from donate.stripe_gateway.events.synthetic import as_session_event

SESSIONS: Final = Topic("Checkout sessions")


@SESSIONS.assumption(
    sources.CREATE_SESSION,
    routes="POST /v1/checkout/sessions",
    cost=Cost.NO_GIFT,
    if_false="Donors cannot give by card.",
)
def a_card_session_opens(world: World) -> None:
    """Checkout opens a payment session with the parameters we send for a card gift."""
    objects.session(world, objects.CARD, proving=True)


@SESSIONS.assumption(
    sources.CREATE_SESSION,
    routes="POST /v1/checkout/sessions",
    cost=Cost.NO_GIFT,
    if_false="Donors cannot start a monthly gift by card.",
)
def a_monthly_card_session_opens(world: World) -> None:
    """Checkout opens a French subscription session with the parameters of a monthly gift."""
    objects.session(world, objects.CARD_MONTHLY, proving=True)


@SESSIONS.assumption(
    sources.ACSS_PAYMENT,
    routes="POST /v1/checkout/sessions",
    cost=Cost.NO_GIFT,
    if_false="Donors cannot give by pre-authorized debit.",
)
def a_debit_session_opens(world: World) -> None:
    """Checkout opens a payment session for acss_debit with the mandate options we send."""
    objects.session(world, objects.DEBIT, proving=True)


@SESSIONS.assumption(
    sources.ACSS_SETUP,
    routes="POST /v1/checkout/sessions",
    cost=Cost.NO_GIFT,
    if_false="Donors cannot start a monthly gift by pre-authorized debit.",
)
def a_monthly_debit_session_opens(world: World) -> None:
    """Checkout opens a setup session for acss_debit with mandate options for subscriptions."""
    objects.session(world, objects.DEBIT_MONTHLY, proving=True)


@SESSIONS.assumption(
    sources.SESSION,
    routes="GET /v1/checkout/sessions/{id}",
    fields="checkout.session.client_reference_id checkout.session.metadata",
    cost=Cost.WRONG_BOOKS,
    if_false="A payment is not matched to its gift, and staff must tie it by hand.",
)
def a_session_returns_its_metadata(world: World) -> None:
    """A session has the client_reference_id and metadata with which it was opened."""
    requested = objects.session(world, objects.CARD)
    session = world.client.retrieve_session(requested.opened.session_id)
    expect_equal(session["client_reference_id"], requested.gift.reference, "client_reference_id")
    expect_equal(dict(session["metadata"]), objects.metadata_of(requested.gift), "metadata")


@SESSIONS.assumption(
    sources.SESSION,
    fields="checkout.session.amount_total checkout.session.currency checkout.session.mode",
    cost=Cost.WRONG_BOOKS,
    if_false="A payment contradicts its gift and is set aside.",
)
def a_session_returns_its_amount(world: World) -> None:
    """A session's mode, amount_total and currency are those we requested, in minor units."""
    requested = objects.session(world, objects.CARD)
    session = world.client.retrieve_session(requested.opened.session_id)
    expect_equal(session["mode"], "payment", "mode")
    expect_equal(session["amount_total"], objects.AMOUNT, "amount_total")
    expect_equal(session["currency"], "cad", "currency")


@SESSIONS.assumption(
    sources.CREATE_SESSION,
    fields="checkout.session.expires_at",
    cost=Cost.WRONG_MONEY,
    if_false="A donor pays in a session that we consider expired, and gives twice.",
)
def a_session_expires_when_requested(world: World) -> None:
    """A session expires exactly at the requested time, which can be up to 24 hours ahead."""
    requested = objects.session(world, objects.CARD)
    session = world.client.retrieve_session(requested.opened.session_id)
    expect_equal(session["expires_at"], requested.params["expires_at"], "expires_at")


@SESSIONS.assumption(
    sources.CREATE_SESSION,
    cost=Cost.NO_GIFT,
    if_false="Nothing breaks; our sessions could be longer.",
)
def a_session_of_two_days_is_refused(world: World) -> None:
    """Stripe refuses a session longer than 24 hours and names the parameter expires_at."""
    gift = objects.new_gift(world, objects.CARD)
    params = objects.request_params(world, gift)
    params["expires_at"] += int(timedelta(days=1).total_seconds())
    refusal = world.refusal(lambda: world.client.create_session(params, f"donate-{gift.id}:1"))
    expect_equal((refusal.status, refusal.param), (400, "expires_at"), "the refusal")


@SESSIONS.assumption(
    sources.SESSION,
    fields="checkout.session.url",
    cost=Cost.NO_GIFT,
    if_false="Donors are not sent to Stripe, because CHECKOUT_HOSTS lacks the page's host.",
)
def a_session_leads_to_a_known_host(world: World) -> None:
    """A session's page is on one of the hosts in CHECKOUT_HOSTS."""
    requested = objects.session(world, objects.CARD)
    session = world.client.retrieve_session(requested.opened.session_id)
    host = urlsplit(session["url"] or "").netloc
    expect(host in world.account.checkout_hosts, f"the page is on {host!r}")


@SESSIONS.assumption(
    sources.SESSION,
    fields="""
        checkout.session.payment_intent checkout.session.payment_status checkout.session.status
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="An unpaid gift counts as paid.",
)
def an_open_session_is_unpaid(world: World) -> None:
    """A new session has the status open, the payment_status unpaid, and no payment intent."""
    requested = objects.session(world, objects.CARD)
    session = world.client.retrieve_session(requested.opened.session_id)
    expect_equal((session["status"], session["payment_status"]), ("open", "unpaid"), "the status")
    expect_equal(session["payment_intent"], None, "payment_intent")
    expect_equal(
        as_session_event(session, world.clock.now()), None, "the event made from an open session"
    )


@SESSIONS.assumption(
    sources.ACSS_SETUP,
    fields="""
        checkout.session.payment_method_options
        checkout.session.payment_method_options.acss_debit
        checkout.session.payment_method_options.acss_debit.currency
        checkout.session.setup_intent setup_intent.status
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="A monthly debit that a donor agreed to is set aside.",
)
def a_setup_session_costs_nothing(world: World) -> None:
    """A setup session has a setup intent and the currency of the debits, but no amount to pay."""
    requested = objects.session(world, objects.DEBIT_MONTHLY)
    session = world.client.retrieve_session(requested.opened.session_id)
    expect_equal(session["mode"], "setup", "mode")
    expect_equal(session["payment_status"], "no_payment_required", "payment_status")
    setup = session["setup_intent"]
    expect_equal(setup["object"], "setup_intent", "the expanded setup_intent")
    expect_equal(setup["status"], "requires_payment_method", "setup_intent.status")
    debits = session["payment_method_options"]["acss_debit"]
    expect_equal(debits["currency"], "cad", "payment_method_options.acss_debit.currency")


@SESSIONS.assumption(
    sources.EXPIRE_SESSION,
    routes="POST /v1/checkout/sessions/{id}/expire",
    fields="""
        checkout.session.id event.account event.created event.data event.data.object event.id
        event.livemode event.object event.type
    """,
    cost=Cost.STAFF_WORK,
    if_false="An unpaid gift is awaited for ever.",
)
def an_expired_session_sends_an_event(world: World) -> None:
    """An expired session sends checkout.session.expired with our metadata."""
    requested = objects.expired_session(world)
    reading = world.read(world.event("checkout.session.expired", requested.opened.session_id))
    kinds = {fact.kind for fact in reading.facts}
    expect(FactKind.CHECKOUT_EXPIRED in kinds, f"the facts in the event are {sorted(kinds)}")
    expect_equal(reading.gift_id, requested.gift.id, "metadata.gift_id")
    expect(reading.claim and reading.claim.attempt == 1, "metadata.attempt is not 1")


@SESSIONS.assumption(
    sources.EXPIRE_SESSION,
    routes="POST /v1/checkout/sessions/{id}/expire",
    cost=Cost.STAFF_WORK,
    if_false="A session that card testers use is asked about again and again, or taken for open.",
)
def an_ended_session_is_not_expired_again(world: World) -> None:
    """Only an open session can be expired; Stripe refuses the request for any other."""
    session_id = objects.expired_session(world).opened.session_id
    refusal = world.refusal(lambda: world.client.expire_session(session_id))
    expect_equal(refusal.status, 400, "the status of the refusal")


@SESSIONS.assumption(
    sources.SESSION,
    cost=Cost.STAFF_WORK,
    if_false="A gift whose webhook was lost is awaited for ever.",
)
def an_expired_session_has_status_expired(world: World) -> None:
    """An expired session has the status expired when we fetch it."""
    requested = objects.expired_session(world)
    session = world.client.retrieve_session(requested.opened.session_id)
    event = as_session_event(session, world.clock.now())
    expect(event, "the session gives no event")
    kinds = {fact.kind for fact in world.read(event or {}).facts}
    expect(FactKind.CHECKOUT_EXPIRED in kinds, f"the facts in the session are {sorted(kinds)}")


@SESSIONS.assumption(
    sources.LIST_SESSIONS,
    routes="GET /v1/checkout/sessions",
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up misses sessions, and with them gifts.",
)
def sessions_are_listed_by_status(world: World) -> None:
    """The session list can be filtered by status and by creation time."""
    requested = objects.expired_session(world)
    since = int(world.clock.now().timestamp()) - 3_600
    page = world.client.list_page(
        "sessions", {"status": "expired", "created": {"gte": since}, "limit": 100}
    )
    ids = {session["id"] for session in page.objects}
    expect(requested.opened.session_id in ids, "the expired session is not in the list")
    statuses = {session["status"] for session in page.objects}
    expect_equal(statuses, {"expired"}, "the statuses in the list")


@SESSIONS.assumption(
    sources.ERROR_CODES,
    cost=Cost.NO_GIFT,
    if_false="Stripe refuses a region's smallest gift, and the donor does not learn why.",
)
def a_very_small_gift_is_refused(world: World) -> None:
    """A payment far below half a dollar is refused with the code amount_too_small."""
    gift = objects.new_gift(world, objects.CARD)
    gift.amount_minor = 5
    params = objects.request_params(world, gift)
    refusal = world.refusal(lambda: world.client.create_session(params, f"donate-{gift.id}:1"))
    expect_equal(refusal.code, "amount_too_small", "the code of the refusal")


@SESSIONS.assumption(
    sources.ERROR_CODES,
    cost=Cost.NO_GIFT,
    if_false="A donor whose e-mail address Stripe refuses cannot give by card.",
)
def an_invalid_email_is_refused_by_name(world: World) -> None:
    """Stripe refuses an invalid e-mail address and names the parameter customer_email."""
    gift = objects.new_gift(world, objects.CARD)
    params = objects.request_params(world, gift)
    params["customer_email"] = "check@nowhere"
    refusal = world.refusal(lambda: world.client.create_session(params, f"donate-{gift.id}:1"))
    expect(
        refusal.param == "customer_email" or refusal.code == "email_invalid",
        f"the refusal names {refusal.param or refusal.code or 'nothing'}",
    )


@SESSIONS.assumption(
    sources.INACTIVE_PRODUCT,
    routes="GET /v1/checkout/sessions/{id}/line_items",
    fields="price.product product.active",
    cost=Cost.WRONG_MONEY,
    if_false="We create products of our own needlessly; nothing breaks.",
)
def an_inline_product_is_inactive(world: World) -> None:
    """A product that Checkout creates from price_data is inactive."""
    session_id = objects.session(world, objects.CARD_MONTHLY).opened.session_id
    items = world.call(lambda sdk: sdk.v1.checkout.sessions.line_items.list(session_id), "list")
    product_id = items["data"][0]["price"]["product"]
    product = world.call(lambda sdk: sdk.v1.products.retrieve(product_id), "product")
    expect(product["active"] is False, "the product is active")
