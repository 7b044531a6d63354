"""Control routes for payments, bank answers, refunds and disputes."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from donate.sandbox.charging.disputes import (
    DisputeOutcome,
    answer_dispute,
    close_dispute,
    escalate_inquiry,
    open_dispute,
    revise_dispute,
)
from donate.sandbox.charging.refunds import RefundStatus, create_refund, move_refund
from donate.sandbox.checkout.payments import pay, settle
from donate.sandbox.checkout.sessions import expire_due_sessions, expire_session
from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.attempts import Attempt, Outcome, card_attempt
from donate.sandbox.objects.cards import (
    BANK_REFUSED,
    GENERIC_DECLINE,
    TEST_CARDS,
    bank_debit_details,
    card_details,
)
from donate.sandbox.objects.expand import answers
from donate.sandbox.store import Store


class Pay(ControlBody):
    session: str
    card: str | None = None
    outcome: Outcome | None = None
    name: str | None = "Sam Sandbox"
    email: str | None = None
    verified: bool = True
    """If False, the bank account still has to be confirmed. The first `settle` confirms it."""


class Settle(ControlBody):
    session: str
    succeed: bool


class Expire(ControlBody):
    session: str


class Refund(ControlBody):
    payment_intent: str
    amount: int | None = None
    status: RefundStatus = "succeeded"


class MoveRefund(ControlBody):
    status: Literal["succeeded", "failed"]


class Dispute(ControlBody):
    payment_intent: str
    reason: str = "fraudulent"
    amount: Annotated[int, Field(ge=1)] | None = None
    """The disputed amount in minor units; by default the amount of the charge."""
    inquiry: bool = False


class CloseDispute(ControlBody):
    outcome: DisputeOutcome


def add_money(router: APIRouter, store: Store) -> None:
    @router.post("/pay")
    async def pay_session(body: Pay) -> dict[str, Any]:
        expire_due_sessions(store)
        session = store.find(store.sessions, body.session, "session")
        attempt = _attempt(body, session["payment_method_types"])
        charge = pay(store, session, attempt, verified=body.verified)
        return answers(store, session=session, charge=charge)

    @router.post("/settle")
    async def settle_session(body: Settle) -> dict[str, Any]:
        session = store.find(store.sessions, body.session, "session")
        charge = settle(store, session, succeeds=body.succeed)
        return answers(store, session=session, charge=charge)

    @router.post("/expire")
    async def expire(body: Expire) -> dict[str, Any]:
        expire_due_sessions(store)
        session = store.find(store.sessions, body.session, "session")
        return answers(store, session=expire_session(store, session))

    @router.post("/refund")
    async def refund(body: Refund) -> dict[str, Any]:
        request = {"payment_intent": body.payment_intent}
        if body.amount is not None:
            request["amount"] = str(body.amount)
        return answers(store, refund=create_refund(store, request, body.status))

    @router.post("/refund/{refund_id}")
    async def move(refund_id: str, body: MoveRefund) -> dict[str, Any]:
        refund = store.find(store.refunds, refund_id)
        return answers(store, refund=move_refund(store, refund, body.status))

    @router.post("/dispute")
    async def dispute(body: Dispute) -> dict[str, Any]:
        intent = store.find(store.payment_intents, body.payment_intent, "payment_intent")
        dispute = open_dispute(store, intent, body.reason, amount=body.amount, inquiry=body.inquiry)
        return answers(store, dispute=dispute)

    @router.post("/dispute/{dispute_id}")
    async def close(dispute_id: str, body: CloseDispute) -> dict[str, Any]:
        dispute = store.find(store.disputes, dispute_id)
        return answers(store, dispute=close_dispute(store, dispute, body.outcome))

    @router.post("/dispute/{dispute_id}/answer")
    async def answer(dispute_id: str) -> dict[str, Any]:
        dispute = store.find(store.disputes, dispute_id)
        return answers(store, dispute=answer_dispute(store, dispute))

    @router.post("/dispute/{dispute_id}/escalate")
    async def escalate(dispute_id: str) -> dict[str, Any]:
        dispute = store.find(store.disputes, dispute_id)
        return answers(store, dispute=escalate_inquiry(store, dispute))

    @router.post("/dispute/{dispute_id}/revise")
    async def revise(dispute_id: str, body: CloseDispute) -> dict[str, Any]:
        dispute = store.find(store.disputes, dispute_id)
        return answers(store, dispute=revise_dispute(store, dispute, body.outcome))


def _attempt(body: Pay, methods: list[str]) -> Attempt:
    if (body.card is None) == (body.outcome is None):
        raise Refusal("Give either a card or an outcome, not both.", param="outcome")
    if body.card is not None:
        card = TEST_CARDS.get(body.card.replace(" ", ""))
        if card is None:
            raise Refusal("Use one of the test cards listed on the index page.", param="card")
        return card_attempt(card, body.email, body.name)
    assert body.outcome is not None
    if body.outcome == "processing" or methods == ["acss_debit"]:
        details = bank_debit_details("000", "11000", "000123456789")
        return Attempt(body.email, body.name, details, body.outcome, BANK_REFUSED)
    details = card_details("4242424242424242", "visa", "US")
    return Attempt(body.email, body.name, details, body.outcome, GENERIC_DECLINE)
