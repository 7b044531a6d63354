"""Idempotency keys and refusals: what is done once, and how Stripe says no."""

from typing import Final

from donate.stripe_gateway.assumptions import objects, sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.world import World

ERRORS: Final = Topic("Idempotency and errors")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A retry opens a second session, and a donor can pay in both.",
)
def the_same_key_gives_the_same_session(world: World) -> None:
    """The same request under the same idempotency key gives the very same session."""
    asked = objects.session(world, objects.CARD)
    again = world.client.create_session(asked.params, asked.key)
    expect_equal(again.session_id, asked.opened.session_id, "the id of the second answer")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A failure that Stripe only remembers looks like a new one, and is asked for ever.",
)
def a_replayed_answer_has_a_header(world: World) -> None:
    """An answer from memory bears the header Idempotent-Replayed: true; a first one does not."""
    asked = objects.session(world, objects.CARD)
    world.call(
        lambda sdk: sdk.v1.checkout.sessions.create(
            asked.params, options={"idempotency_key": asked.key}
        ),
        "checkout.session",
    )
    expect_equal(world.client.headers.get("idempotent-replayed"), "true", "idempotent-replayed")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A key that was used for something else opens a session for the wrong gift.",
)
def an_idempotency_key_is_for_one_request(world: World) -> None:
    """The same key with other parameters is an idempotency_error."""
    asked = objects.session(world, objects.CARD)
    refusal = world.refusal(
        lambda: world.client.create_session(asked.params | {"locale": "fr"}, asked.key)
    )
    expect_equal((refusal.status, refusal.kind), (400, "idempotency_error"), "the refusal")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="Staff are not told what to show to Stripe's support.",
)
def a_refusal_names_request_and_parameter(world: World) -> None:
    """A refused request has a request id, Stripe's words, and the name of the wrong parameter."""
    gift = objects.new_gift(world, objects.CARD)
    asked = objects.request_params(world, gift) | {"locale": "xx"}
    refusal = world.refusal(lambda: world.client.create_session(asked, f"donate-{gift.id}:1"))
    expect_equal((refusal.status, refusal.param), (400, "locale"), "the refusal")
    expect(refusal.words, "the refusal has no words")
    expect(refusal.request_id.startswith("req_"), "the refusal has no request id")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="A misspelt parameter is ignored, and nobody sees that it does nothing.",
)
def an_unknown_parameter_is_refused(world: World) -> None:
    """A parameter that Stripe does not know is refused with the code parameter_unknown."""
    gift = objects.new_gift(world, objects.CARD)
    asked = objects.request_params(world, gift) | {"submit_typ": "donate"}
    refusal = world.refusal(lambda: world.client.create_session(asked, f"donate-{gift.id}:1"))
    expect_equal(refusal.code, "parameter_unknown", "the code of the refusal")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="A session that is gone looks like a Stripe that is away.",
)
def an_unknown_id_is_missing(world: World) -> None:
    """An id that does not exist is answered with 404 and the code resource_missing."""
    refusal = world.refusal(lambda: world.client.retrieve_session("cs_test_nothing"))
    expect_equal((refusal.status, refusal.code), (404, "resource_missing"), "the refusal")


@ERRORS.assumption(
    sources.ERRORS,
    cost=Cost.STAFF_WORK,
    if_false="A key that was rolled away looks like a Stripe that is away, and nobody mends it.",
)
def a_wrong_key_is_refused(world: World) -> None:
    """A key that Stripe does not know is answered with 401."""
    with world.with_key(f"{world.account.secret_key[:8]}NotAKeyOfAnybodys") as other:
        refusal = other.refusal(lambda: other.client.retrieve_session("cs_test_nothing"))
    expect_equal(refusal.status, 401, "the status of the refusal")


@ERRORS.assumption(
    sources.IDEMPOTENCY,
    cost=Cost.WRONG_MONEY,
    if_false="A product is made twice; nothing else breaks.",
)
def a_repeated_product_is_the_same(world: World) -> None:
    """The same product under the same idempotency key is the same product again."""
    gift = objects.new_gift(world, objects.CARD_MONTHLY)
    first = objects.new_product(world, gift.reference)
    again = world.billing.create_product(
        gift.reference, gift.reference, objects.product_key(gift.reference)
    )
    expect_equal(again, first, "the id of the second answer")
