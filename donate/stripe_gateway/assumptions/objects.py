"""The Stripe objects that the checks share, each created once: sessions, payments, refunds.

`world` is Stripe in test mode. `proving` is true in the check that tests the creation itself; see
`World.make_once`.
"""

import uuid
from typing import Any, Final

from donate.gifts.models import Donor, Gift
from donate.gifts.status import StatusName
from donate.regions.modes import Mode
from donate.regions.regions import Frequency
from donate.stripe_gateway.assumptions.model import expect
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.client import OpenedSession
from donate.stripe_gateway.models import OpenRefund, RefundReason
from donate.stripe_gateway.requests.checkout_params import session_params
from donate.stripe_gateway.requests.refunds import refund_params

AMOUNT: Final = 5_000
PART: Final = 1_000
# In test mode, these texts, sent as the evidence in a dispute, decide how the dispute ends.
WINNING: Final = "winning_evidence"
LOSING: Final = "losing_evidence"
ESCALATING: Final = "escalate_inquiry_evidence"
CARD: Final = "card"
CARD_MONTHLY: Final = "monthly card"
DEBIT: Final = "bank debit"
DEBIT_MONTHLY: Final = "monthly bank debit"
_KINDS: Final = {
    CARD: (Mode.CARD, Frequency.ONCE, "en-CA"),
    CARD_MONTHLY: (Mode.CARD, Frequency.MONTHLY, "fr-CA"),
    DEBIT: (Mode.BANK_DEBIT, Frequency.ONCE, "fr-CA"),
    DEBIT_MONTHLY: (Mode.BANK_DEBIT, Frequency.MONTHLY, "en-CA"),
}


def new_gift(world: World, kind: str) -> Gift:
    """Return a gift that is not stored in a database; `kind` says how and how often it is paid."""
    mode, frequency, language = _KINDS[kind]
    now = world.clock.now()
    number = uuid.uuid4()
    return Gift(
        id=number,
        reference=f"CHECK-{number.hex[:7].upper()}",
        link_name=number.hex,
        form_key=number.hex,
        code="CHECK",
        mode=mode,
        frequency=frequency,
        amount_minor=AMOUNT,
        currency="CAD",
        language=language,
        time_zone="America/Toronto",
        donor_id=0,
        opened_at=now,
        opened_on=now.date(),
        status=StatusName.AWAITED,
    )


def request_params(world: World, gift: Gift) -> Any:
    """Return the parameters with which the service opens this gift's session."""
    donor = Donor(name="Ann Check", email="check@example.com", country="CA", language=gift.language)
    page = f"{world.account.public_url}/gifts/check"
    return session_params(gift, donor, 1, world.clock.now(), page)


def metadata_of(gift: Gift) -> dict[str, str]:
    """Return the metadata that the service stores on Stripe's objects for a gift."""
    return {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}


class RequestedSession:
    """A checkout session, with the parameters that opened it and Stripe's answer."""

    def __init__(self, world: World, kind: str) -> None:
        self.gift = new_gift(world, kind)
        self.params = request_params(world, self.gift)
        self.key = f"donate-{self.gift.id}:1"
        self.opened: OpenedSession = world.client.create_session(self.params, self.key)
        session_id = self.opened.session_id
        world.remove_later(f"session {session_id}", lambda: expire(world, session_id))


def session(world: World, kind: str, *, proving: bool = False) -> RequestedSession:
    """Return the unpaid session for a gift of this kind; it is created on the first call."""
    return world.make_once(
        f"session for a {kind} gift", lambda: RequestedSession(world, kind), proving=proving
    )


def expired_session(world: World, name: str = "expired session") -> RequestedSession:
    """Return a session that was expired before it was paid."""

    def make() -> RequestedSession:
        session = RequestedSession(world, CARD)
        expire(world, session.opened.session_id)
        return session

    return world.make_once(name, make)


def new_product(world: World, name: str) -> str:
    """Create an active product as the service does; the clean-up archives it."""
    product = world.billing.create_product(name, name, product_key(name))
    params: Any = {"active": False}
    world.remove_later(
        f"product {product}",
        lambda: world.call(lambda sdk: sdk.v1.products.update(product, params), "product"),
    )
    return product


def product_key(name: str) -> str:
    """Return the idempotency key with which a product is created."""
    return f"donate-check-{name}:product"


def expire(world: World, session_id: str) -> Json | None:
    """Expire a session that is still open."""
    if world.client.retrieve_session(session_id)["status"] != "open":
        return None
    return world.call(lambda sdk: sdk.v1.checkout.sessions.expire(session_id), "checkout.session")


def pay(world: World, method: str) -> Json:
    """Pay a new gift with one of test mode's cards."""
    gift = new_gift(world, CARD)
    params: Any = {
        "amount": AMOUNT,
        "currency": "cad",
        "confirm": True,
        "description": gift.reference,
        "metadata": metadata_of(gift),
        "payment_method": method,
        "allowed_payment_method_types": ["card"],
        "expand": ["latest_charge.balance_transaction"],
    }
    return world.call(lambda sdk: sdk.v1.payment_intents.create(params), "payment_intent")


def card_payment(
    world: World,
    method: str = "pm_card_visa",
) -> Json:
    """Return a succeeded card payment with its charge and balance transaction."""
    return world.make_once(f"payment with {method}", lambda: pay(world, method))


def declined_payment(world: World) -> str:
    """Return the id of a payment intent whose card was declined."""

    def decline() -> str:
        refusal = world.refusal(lambda: pay(world, "pm_card_chargeDeclined"))
        expect(refusal.payment_intent, "the error names no payment intent")
        return refusal.payment_intent

    return world.make_once("declined payment", decline)


def request_refund(world: World, payment: str, request: str, amount: int = PART) -> Json:
    """Request a refund as the finance pages do."""
    open_refund = OpenRefund(
        key=request,
        gift_id=uuid.uuid5(uuid.NAMESPACE_URL, request),
        payment=payment,
        amount_minor=amount,
        reason=RefundReason.REQUESTED_BY_DONOR,
        form_key=request,
        requested_at=world.clock.now(),
        asked_at=world.clock.now(),
        tries=1,
    )
    refund: Json = world.look(
        world.client.create_refund(refund_params(open_refund), f"donate-check-{payment}-{request}")
    )
    return refund


def refund(world: World, *, proving: bool = False) -> Json:
    """Return a partial refund of a card payment; it is created on the first call."""
    payment = card_payment(world)["id"]
    return world.make_once(
        "refund", lambda: request_refund(world, payment, "a-part"), proving=proving
    )


def refund_event(world: World, kind: str, refund_id: str, status: str) -> Json:
    """Wait for the event that shows this refund in this status, and return the event."""
    return world.wait_for(
        f"event {kind} about a refund that is {status}",
        lambda: next(
            (
                event
                for event in world.events(kind, refund_id)
                if event["data"]["object"]["status"] == status
            ),
            None,
        ),
    )


def dispute(world: World, evidence: str) -> Json:
    """Return a new dispute about a payment. `evidence` determines how the dispute will end."""

    def create() -> Json:
        payment = pay(world, "pm_card_createDispute")["id"]
        return dispute_of(world, payment)

    return world.make_once(f"dispute for {evidence}", create)


def inquiry(world: World) -> Json:
    """Return a new inquiry about a payment."""

    def create() -> Json:
        return dispute_of(world, pay(world, "pm_card_createDisputeInquiry")["id"])

    return world.make_once("inquiry", create)


def dispute_of(world: World, payment: str, status: str = "") -> Json:
    """Wait until Stripe lists the payment's dispute, with `status` if given; return the dispute."""

    def listed() -> Json | None:
        page = world.client.list_page("disputes", {"payment_intent": payment})
        matches = (dispute for dispute in page.objects if status in ("", dispute["status"]))
        return next(matches, None)

    return world.wait_for(f"dispute {status}".strip(), listed)


def ended_dispute(world: World, evidence: str) -> Json:
    """Return a dispute that Stripe's test mode has decided because of this evidence text."""

    def end() -> Json:
        new = dispute(world, evidence)
        answer_dispute(world, new["id"], evidence)
        status = {WINNING: "won", LOSING: "lost"}[evidence]
        return dispute_of(world, new["payment_intent"], status)

    return world.make_once(f"end of the dispute for {evidence}", end)


def answer_dispute(world: World, dispute_id: str, evidence: str) -> None:
    """Answer a dispute with an evidence text that makes test mode decide it."""
    params: Any = {"evidence": {"uncategorized_text": evidence}, "submit": True}
    world.call(lambda sdk: sdk.v1.disputes.update(dispute_id, params), "dispute")
