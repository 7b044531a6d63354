"""Checkout sessions: what opens them, what they say, and how they end unpaid."""

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
    if_false="Nobody can give by card.",
)
def a_card_session_opens(world: World) -> None:
    """Checkout opens a payment session from exactly what we send for a gift by card."""
    objects.session(world, objects.CARD, proving=True)


@SESSIONS.assumption(
    sources.CREATE_SESSION,
    routes="POST /v1/checkout/sessions",
    cost=Cost.NO_GIFT,
    if_false="Nobody can begin to give every month by card.",
)
def a_monthly_card_session_opens(world: World) -> None:
    """Checkout opens a subscription session from what we send for a monthly gift, in French."""
    objects.session(world, objects.CARD_MONTHLY, proving=True)


@SESSIONS.assumption(
    sources.ACSS_PAYMENT,
    routes="POST /v1/checkout/sessions",
    cost=Cost.NO_GIFT,
    if_false="Nobody can give by pre-authorized debit.",
)
def a_debit_session_opens(world: World) -> None:
    """Checkout opens a payment session for acss_debit with the mandate that we describe."""
    objects.session(world, objects.DEBIT, proving=True)


@SESSIONS.assumption(
    sources.ACSS_SETUP,
    routes="POST /v1/checkout/sessions",
    cost=Cost.NO_GIFT,
    if_false="Nobody can begin to give every month by pre-authorized debit.",
)
def a_monthly_debit_session_opens(world: World) -> None:
    """Checkout opens a setup session for acss_debit with the mandate options of subscriptions."""
    objects.session(world, objects.DEBIT_MONTHLY, proving=True)


@SESSIONS.assumption(
    sources.SESSION,
    routes="GET /v1/checkout/sessions/{id}",
    fields="checkout.session.client_reference_id checkout.session.metadata",
    cost=Cost.WRONG_BOOKS,
    if_false="A payment is not recognised as its gift's, and staff have to tie it by hand.",
)
def a_session_returns_its_metadata(world: World) -> None:
    """A session gives back the reference and the metadata that it was opened with."""
    asked = objects.session(world, objects.CARD)
    found = world.client.retrieve_session(asked.opened.session_id)
    expect_equal(found["client_reference_id"], asked.gift.reference, "client_reference_id")
    expect_equal(dict(found["metadata"]), objects.metadata_of(asked.gift), "metadata")


@SESSIONS.assumption(
    sources.SESSION,
    fields="checkout.session.amount_total checkout.session.currency checkout.session.mode",
    cost=Cost.WRONG_BOOKS,
    if_false="A payment contradicts its gift, and is set aside.",
)
def a_session_returns_its_amount(world: World) -> None:
    """A session's mode, amount_total and currency are those that we asked for, in minor units."""
    asked = objects.session(world, objects.CARD)
    found = world.client.retrieve_session(asked.opened.session_id)
    expect_equal(found["mode"], "payment", "mode")
    expect_equal(found["amount_total"], objects.AMOUNT, "amount_total")
    expect_equal(found["currency"], "cad", "currency")


@SESSIONS.assumption(
    sources.CREATE_SESSION,
    fields="checkout.session.expires_at",
    cost=Cost.WRONG_MONEY,
    if_false="A donor pays in a session that we hold to be over, and gives twice.",
)
def a_session_expires_when_requested(world: World) -> None:
    """A session lives exactly as long as we ask, up to 24 hours."""
    asked = objects.session(world, objects.CARD)
    found = world.client.retrieve_session(asked.opened.session_id)
    expect_equal(found["expires_at"], asked.params["expires_at"], "expires_at")


@SESSIONS.assumption(
    sources.CREATE_SESSION,
    cost=Cost.NO_GIFT,
    if_false="Nothing breaks; our sessions could live longer.",
)
def a_session_of_two_days_is_refused(world: World) -> None:
    """A session that would live longer than 24 hours is refused, and expires_at is named."""
    gift = objects.new_gift(world, objects.CARD)
    asked = objects.request_params(world, gift)
    asked["expires_at"] += int(timedelta(days=1).total_seconds())
    refusal = world.refusal(lambda: world.client.create_session(asked, f"donate-{gift.id}:1"))
    expect_equal((refusal.status, refusal.param), (400, "expires_at"), "the refusal")


@SESSIONS.assumption(
    sources.SESSION,
    fields="checkout.session.url",
    cost=Cost.NO_GIFT,
    if_false="Donors are sent nowhere, because CHECKOUT_HOSTS does not name the page's host.",
)
def a_session_leads_to_a_known_host(world: World) -> None:
    """The page of a session stands on one of the hosts in CHECKOUT_HOSTS."""
    asked = objects.session(world, objects.CARD)
    found = world.client.retrieve_session(asked.opened.session_id)
    host = urlsplit(found["url"] or "").netloc
    expect(host in world.account.checkout_hosts, f"the page stands on {host!r}")


@SESSIONS.assumption(
    sources.SESSION,
    fields="""
        checkout.session.payment_intent checkout.session.payment_status checkout.session.status
    """,
    cost=Cost.WRONG_BOOKS,
    if_false="A gift that nobody paid is taken for one that was.",
)
def an_open_session_is_unpaid(world: World) -> None:
    """A session that nobody has paid is open and unpaid, and has no payment intent."""
    asked = objects.session(world, objects.CARD)
    found = world.client.retrieve_session(asked.opened.session_id)
    expect_equal((found["status"], found["payment_status"]), ("open", "unpaid"), "the status")
    expect_equal(found["payment_intent"], None, "payment_intent")
    expect_equal(as_session_event(found, world.clock.now()), None, "what an open session tells")


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
    """A setup session needs no payment, has its setup intent, and says its debits' currency."""
    asked = objects.session(world, objects.DEBIT_MONTHLY)
    found = world.client.retrieve_session(asked.opened.session_id)
    expect_equal(found["mode"], "setup", "mode")
    expect_equal(found["payment_status"], "no_payment_required", "payment_status")
    setup = found["setup_intent"]
    expect_equal(setup["object"], "setup_intent", "the expanded setup_intent")
    expect_equal(setup["status"], "requires_payment_method", "setup_intent.status")
    debits = found["payment_method_options"]["acss_debit"]
    expect_equal(debits["currency"], "cad", "payment_method_options.acss_debit.currency")


@SESSIONS.assumption(
    sources.EXPIRE_SESSION,
    routes="POST /v1/checkout/sessions/{id}/expire",
    fields="""
        checkout.session.id event.account event.created event.data event.data.object event.id
        event.livemode event.object event.type
    """,
    cost=Cost.STAFF_WORK,
    if_false="A gift that nobody paid is awaited for ever.",
)
def an_expired_session_sends_an_event(world: World) -> None:
    """checkout.session.expired tells of a session that expired, and of the gift that it was for."""
    asked = objects.expired_session(world)
    reading = world.read(world.event("checkout.session.expired", asked.opened.session_id))
    kinds = {fact.kind for fact in reading.facts}
    expect(FactKind.CHECKOUT_EXPIRED in kinds, f"the event tells {sorted(kinds)}")
    expect_equal(reading.gift_id, asked.gift.id, "metadata.gift_id")
    expect(reading.claim and reading.claim.attempt == 1, "metadata.attempt is not 1")


@SESSIONS.assumption(
    sources.SESSION,
    cost=Cost.STAFF_WORK,
    if_false="A gift whose webhook was lost is awaited for ever.",
)
def an_expired_session_has_status_expired(world: World) -> None:
    """A session that expired has the status expired, whenever we ask."""
    asked = objects.expired_session(world)
    found = world.client.retrieve_session(asked.opened.session_id)
    event = as_session_event(found, world.clock.now())
    expect(event, "the session tells nothing")
    kinds = {fact.kind for fact in world.read(event or {}).facts}
    expect(FactKind.CHECKOUT_EXPIRED in kinds, f"the session tells {sorted(kinds)}")


@SESSIONS.assumption(
    sources.LIST_SESSIONS,
    routes="GET /v1/checkout/sessions",
    cost=Cost.WRONG_BOOKS,
    if_false="Catch-up misses sessions, and with them gifts.",
)
def sessions_are_listed_by_status(world: World) -> None:
    """The list of sessions can be asked for one status and from one moment on."""
    asked = objects.expired_session(world)
    since = int(world.clock.now().timestamp()) - 3_600
    page = world.client.list_page(
        "sessions", {"status": "expired", "created": {"gte": since}, "limit": 100}
    )
    ids = {one["id"] for one in page.objects}
    expect(asked.opened.session_id in ids, "the expired session is not in the list")
    statuses = {one["status"] for one in page.objects}
    expect_equal(statuses, {"expired"}, "the statuses in the list")


@SESSIONS.assumption(
    sources.ERROR_CODES,
    cost=Cost.NO_GIFT,
    if_false="A region's smallest gift is refused at Stripe, and the donor is not told why.",
)
def a_very_small_gift_is_refused(world: World) -> None:
    """A payment far under half a dollar is refused with the code amount_too_small."""
    gift = objects.new_gift(world, objects.CARD)
    gift.amount_minor = 5
    asked = objects.request_params(world, gift)
    refusal = world.refusal(lambda: world.client.create_session(asked, f"donate-{gift.id}:1"))
    expect_equal(refusal.code, "amount_too_small", "the code of the refusal")


@SESSIONS.assumption(
    sources.ERROR_CODES,
    cost=Cost.NO_GIFT,
    if_false="An address that Stripe refuses closes the card to its donor.",
)
def an_invalid_email_is_refused_by_name(world: World) -> None:
    """An e-mail address that Stripe does not take is refused, and customer_email is named."""
    gift = objects.new_gift(world, objects.CARD)
    asked = objects.request_params(world, gift)
    asked["customer_email"] = "check@nowhere"
    refusal = world.refusal(lambda: world.client.create_session(asked, f"donate-{gift.id}:1"))
    expect(
        refusal.param == "customer_email" or refusal.code == "email_invalid",
        f"the refusal names {refusal.param or refusal.code or 'nothing'}",
    )


@SESSIONS.assumption(
    sources.INACTIVE_PRODUCT,
    routes="GET /v1/checkout/sessions/{id}/line_items",
    fields="price.product product.active",
    cost=Cost.WRONG_MONEY,
    if_false="We use products of our own without need; nothing breaks.",
)
def an_inline_product_is_inactive(world: World) -> None:
    """The product that Checkout makes from price_data is inactive."""
    asked = objects.session(world, objects.CARD_MONTHLY).opened.session_id
    items = world.call(lambda sdk: sdk.v1.checkout.sessions.line_items.list(asked), "list")
    product_id = items["data"][0]["price"]["product"]
    found = world.call(lambda sdk: sdk.v1.products.retrieve(product_id), "product")
    expect(found["active"] is False, "the product is active")
