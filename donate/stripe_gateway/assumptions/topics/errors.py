"""Assumptions about idempotency keys, and about the errors with which Stripe refuses requests."""

from typing import Final

from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World

ERRORS: Final = Topic("Idempotency and errors")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A retry opens a second session, and a donor can pay both.",
)
def the_same_key_gives_the_same_session(world: World) -> None:
    """The same request with the same idempotency key returns the same session."""
    session = objects.session(world, objects.CARD)
    again = world.client.create_session(session.params, session.key)
    expect_equal(again.session_id, session.opened.session_id, "the id of the second answer")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A replayed failure looks new, and the service retries it for ever.",
)
def a_replayed_answer_has_a_header(world: World) -> None:
    """Only an answer that Stripe replays has the header Idempotent-Replayed: true."""
    session = objects.session(world, objects.CARD)
    world.call(
        lambda sdk: sdk.v1.checkout.sessions.create(
            session.params, options={"idempotency_key": session.key}
        ),
        "checkout.session",
    )
    expect_equal(world.client.headers.get("idempotent-replayed"), "true", "idempotent-replayed")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A reused key opens a session for the wrong gift.",
)
def an_idempotency_key_is_for_one_request(world: World) -> None:
    """The same idempotency key with other parameters is refused as idempotency_error."""
    session = objects.session(world, objects.CARD)
    refusal = world.refusal(
        lambda: world.client.create_session(session.params | {"locale": "fr"}, session.key)
    )
    expect_equal((refusal.status, refusal.kind), (400, "idempotency_error"), "the refusal")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="Staff have no details to give to Stripe's support.",
)
def a_refusal_names_request_and_parameter(world: World) -> None:
    """A refusal has a request id, a message, and the name of the invalid parameter."""
    gift = objects.new_gift(world, objects.CARD)
    params = objects.request_params(world, gift) | {"locale": "xx"}
    refusal = world.refusal(lambda: world.client.create_session(params, f"donate-{gift.id}:1"))
    expect_equal((refusal.status, refusal.param), (400, "locale"), "the refusal")
    expect(refusal.words, "the refusal has no message")
    expect(refusal.request_id.startswith("req_"), "the refusal has no request id")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="Stripe ignores a misspelt parameter, and the mistake goes unseen.",
)
def an_unknown_parameter_is_refused(world: World) -> None:
    """An unknown parameter is refused with the code parameter_unknown."""
    gift = objects.new_gift(world, objects.CARD)
    params = objects.request_params(world, gift) | {"submit_typ": "donate"}
    refusal = world.refusal(lambda: world.client.create_session(params, f"donate-{gift.id}:1"))
    expect_equal(refusal.code, "parameter_unknown", "the code of the refusal")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="A missing session looks like an outage at Stripe.",
)
def an_unknown_id_is_missing(world: World) -> None:
    """A request for an unknown id gets 404 with the code resource_missing."""
    refusal = world.refusal(lambda: world.client.retrieve_session("cs_test_nothing"))
    expect_equal((refusal.status, refusal.code), (404, "resource_missing"), "the refusal")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="A rolled key looks like an outage at Stripe, and staff do not replace it.",
)
def a_wrong_key_is_refused(world: World) -> None:
    """An unknown API key gets 401."""
    with world.with_key(f"{world.account.secret_key[:8]}NotAKeyOfAnybodys") as other:
        refusal = other.refusal(lambda: other.client.retrieve_session("cs_test_nothing"))
    expect_equal(refusal.status, 401, "the status of the refusal")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A product is created twice; nothing else breaks.",
)
def a_repeated_product_is_the_same(world: World) -> None:
    """The same product request with the same idempotency key returns the same product."""
    gift = objects.new_gift(world, objects.CARD_MONTHLY)
    first = objects.new_product(world, gift.reference)
    again = world.billing.create_product(
        gift.reference, gift.reference, objects.product_key(gift.reference)
    )
    expect_equal(again, first, "the id of the second answer")
