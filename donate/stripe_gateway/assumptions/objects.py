"""What the checks make at Stripe, each once: gifts and their sessions, payments, pledges."""

import uuid
from typing import Any, Final

from donate.gifts.models import Donor, Gift
from donate.regions.modes import Mode
from donate.regions.regions import Frequency
from donate.stripe_gateway.assumptions.model import expect
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.client import OpenedSession
from donate.stripe_gateway.models import OpenRefund
from donate.stripe_gateway.requests.checkout_params import session_params
from donate.stripe_gateway.requests.refunds import refund_params

AMOUNT: Final = 5_000
PART: Final = 1_000
# What is answered to a dispute in test mode, so that it ends in one way or the other.
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
    """Return a gift of this kind that no database knows."""
    mode, frequency, language = _KINDS[kind]
    now = world.clock.now()
    number = uuid.uuid4()
    return Gift(
        id=number,
        reference=f"CHECK-{number.hex[:7].upper()}",
        token=number.hex,
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
        status="awaited",
    )


def request_params(world: World, gift: Gift) -> Any:
    """Return what the service asks for this gift's session with."""
    donor = Donor(name="Ann Check", email="check@example.com", country="CA", language=gift.language)
    return session_params(gift, donor, 1, world.clock.now(), world.account.public_url)


def metadata_of(gift: Gift) -> dict[str, str]:
    """Return what the service has Stripe remember of a gift."""
    return {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}


class RequestedSession:
    """A session as it was asked for, and as Stripe opened it."""

    def __init__(self, world: World, kind: str) -> None:
        self.gift = new_gift(world, kind)
        self.params = request_params(world, self.gift)
        self.key = f"donate-{self.gift.id}:1"
        self.opened: OpenedSession = world.client.create_session(self.params, self.key)
        session_id = self.opened.session_id
        world.remove_later(f"session {session_id}", lambda: expire(world, session_id))


def session(world: World, kind: str, *, proving: bool = False) -> RequestedSession:
    """Return the session of this kind that a person may pay."""
    asked: RequestedSession = world.make_once(
        f"session for a {kind} gift", lambda: RequestedSession(world, kind), proving=proving
    )
    return asked


def expired_session(world: World, name: str = "expired session") -> RequestedSession:
    """Return a session that was expired before anybody paid in it."""

    def make() -> RequestedSession:
        asked = RequestedSession(world, CARD)
        expire(world, asked.opened.session_id)
        return asked

    found: RequestedSession = world.make_once(name, make)
    return found


def new_product(world: World, name: str) -> str:
    """Make an active product as the service does, to be archived in the end."""
    product = world.billing.create_product(name, name, product_key(name))
    archived: Any = {"active": False}
    world.remove_later(
        f"product {product}",
        lambda: world.call(lambda sdk: sdk.v1.products.update(product, archived), "product"),
    )
    return product


def product_key(name: str) -> str:
    """Return the idempotency key under which a product is made."""
    return f"donate-check-{name}:product"


def expire(world: World, session_id: str) -> Json | None:
    """Expire a session that is still open."""
    if world.client.retrieve_session(session_id)["status"] != "open":
        return None
    return world.call(lambda sdk: sdk.v1.checkout.sessions.expire(session_id), "checkout.session")


def pay(world: World, method: str) -> Json:
    """Pay by one of the cards that exist in test mode, for a gift of its own."""
    gift = new_gift(world, CARD)
    asked: Any = {
        "amount": AMOUNT,
        "currency": "cad",
        "confirm": True,
        "description": gift.reference,
        "metadata": metadata_of(gift),
        "payment_method": method,
        "allowed_payment_method_types": ["card"],
        "expand": ["latest_charge.balance_transaction"],
    }
    return world.call(lambda sdk: sdk.v1.payment_intents.create(asked), "payment_intent")


def card_payment(world: World, method: str = "pm_card_visa", *, name: str = "") -> Json:
    """Return a payment by card that succeeded, with its charge and when it was booked."""
    found: Json = world.make_once(f"payment with {name or method}", lambda: pay(world, method))
    return found


def declined_payment(world: World) -> str:
    """Return the id of a payment intent whose card was declined."""

    def decline() -> str:
        refusal = world.refusal(lambda: pay(world, "pm_card_chargeDeclined"))
        expect(refusal.payment_intent, "the error names no payment intent")
        return refusal.payment_intent

    intent_id: str = world.make_once("declined payment", decline)
    return intent_id


def request_refund(world: World, payment: str, request: str, amount: int = PART) -> Json:
    """Ask for a refund as our desk does."""
    asked = OpenRefund(
        key=request,
        gift_id=uuid.uuid5(uuid.NAMESPACE_URL, request),
        payment=payment,
        amount_minor=amount,
        reason="requested_by_donor",
        form_key=request,
        requested_at=world.clock.now(),
        asked_at=world.clock.now(),
        tries=1,
    )
    found: Json = world.look(
        world.client.create_refund(refund_params(asked), f"donate-check-{payment}-{request}")
    )
    return found


def refund(world: World, *, proving: bool = False) -> Json:
    """Return the refund of a part of a payment by card."""
    payment = card_payment(world)["id"]
    found: Json = world.make_once(
        "refund", lambda: request_refund(world, payment, "a-part"), proving=proving
    )
    return found


def refund_event(world: World, kind: str, refund_id: str, status: str) -> Json:
    """Return the event that tells of a refund in this status."""
    found: Json = world.wait_for(
        f"event {kind} about a refund that is {status}",
        lambda: next(
            (e for e in world.events(kind, refund_id) if e["data"]["object"]["status"] == status),
            None,
        ),
    )
    return found


def dispute(world: World, evidence: str) -> Json:
    """Return the dispute about a payment, as it is at first; `evidence` is how it will end."""

    def begin() -> Json:
        payment = pay(world, "pm_card_createDispute")["id"]
        return dispute_of(world, payment)

    found: Json = world.make_once(f"dispute for {evidence}", begin)
    return found


def inquiry(world: World) -> Json:
    """Return an inquiry about a payment, as it is at first."""

    def begin() -> Json:
        return dispute_of(world, pay(world, "pm_card_createDisputeInquiry")["id"])

    found: Json = world.make_once("inquiry", begin)
    return found


def dispute_of(world: World, payment: str, status: str = "") -> Json:
    """Return the dispute about a payment, as soon as there is one, or one in this status."""

    def listed() -> Json | None:
        page = world.client.list_page("disputes", {"payment_intent": payment})
        wanted = (one for one in page.objects if status in ("", one["status"]))
        return next(wanted, None)

    found: Json = world.wait_for(f"dispute {status}".strip(), listed)
    return found


def ended_dispute(world: World, evidence: str) -> Json:
    """Return a dispute that was answered so that test mode ends it."""

    def end() -> Json:
        begun = dispute(world, evidence)
        answer_dispute(world, begun["id"], evidence)
        status = {WINNING: "won", LOSING: "lost"}[evidence]
        return dispute_of(world, begun["payment_intent"], status)

    found: Json = world.make_once(f"end of the dispute for {evidence}", end)
    return found


def answer_dispute(world: World, dispute_id: str, evidence: str) -> None:
    """Answer a dispute with one of the words that mean something in test mode."""
    asked: Any = {"evidence": {"uncategorized_text": evidence}, "submit": True}
    world.call(lambda sdk: sdk.v1.disputes.update(dispute_id, asked), "dispute")
