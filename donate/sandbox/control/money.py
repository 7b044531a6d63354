"""Levers that a donor, a bank or a dashboard would move: paying, settling, refunds, disputes."""

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
from donate.sandbox.objects.expand import answer_with
from donate.sandbox.objects.payment_methods import (
    BANK_REFUSED,
    GENERIC_DECLINE,
    TEST_CARDS,
    bank_debit_details,
    card_details,
)
from donate.sandbox.store import Store


class Pay(ControlBody):
    session: str
    card: str | None = None
    outcome: Outcome | None = None
    name: str | None = "Sam Sandbox"
    email: str | None = None
    verified: bool = True
    """Of a bank account: false leaves it to be confirmed, until it is settled once."""


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
    """All of the charge, unless it says otherwise."""
    inquiry: bool = False


class CloseDispute(ControlBody):
    outcome: DisputeOutcome


def add_money(router: APIRouter, store: Store) -> None:
    @router.post("/pay")
    async def pay_session(lever: Pay) -> dict[str, Any]:
        expire_due_sessions(store)
        session = store.find(store.sessions, lever.session, "session")
        attempt = _attempt(lever, session["payment_method_types"])
        charge = pay(store, session, attempt, verified=lever.verified)
        return {
            "session": answer_with(store, session, []),
            "charge": charge and answer_with(store, charge, []),
        }

    @router.post("/settle")
    async def settle_session(lever: Settle) -> dict[str, Any]:
        session = store.find(store.sessions, lever.session, "session")
        charge = settle(store, session, succeeds=lever.succeed)
        return {
            "session": answer_with(store, session, []),
            "charge": charge and answer_with(store, charge, []),
        }

    @router.post("/expire")
    async def expire(lever: Expire) -> dict[str, Any]:
        expire_due_sessions(store)
        session = store.find(store.sessions, lever.session, "session")
        return {"session": answer_with(store, expire_session(store, session), [])}

    @router.post("/refund")
    async def refund(lever: Refund) -> dict[str, Any]:
        request = {"payment_intent": lever.payment_intent}
        if lever.amount is not None:
            request["amount"] = str(lever.amount)
        return {"refund": answer_with(store, create_refund(store, request, lever.status), [])}

    @router.post("/refund/{refund_id}")
    async def move(refund_id: str, lever: MoveRefund) -> dict[str, Any]:
        found = store.find(store.refunds, refund_id)
        return {"refund": answer_with(store, move_refund(store, found, lever.status), [])}

    @router.post("/dispute")
    async def dispute(lever: Dispute) -> dict[str, Any]:
        intent = store.find(store.payment_intents, lever.payment_intent, "payment_intent")
        made = open_dispute(store, intent, lever.reason, amount=lever.amount, inquiry=lever.inquiry)
        return {"dispute": answer_with(store, made, [])}

    @router.post("/dispute/{dispute_id}")
    async def close(dispute_id: str, lever: CloseDispute) -> dict[str, Any]:
        found = store.find(store.disputes, dispute_id)
        return {"dispute": answer_with(store, close_dispute(store, found, lever.outcome), [])}

    @router.post("/dispute/{dispute_id}/answer")
    async def answer(dispute_id: str) -> dict[str, Any]:
        found = store.find(store.disputes, dispute_id)
        return {"dispute": answer_with(store, answer_dispute(store, found), [])}

    @router.post("/dispute/{dispute_id}/escalate")
    async def escalate(dispute_id: str) -> dict[str, Any]:
        found = store.find(store.disputes, dispute_id)
        return {"dispute": answer_with(store, escalate_inquiry(store, found), [])}

    @router.post("/dispute/{dispute_id}/revise")
    async def revise(dispute_id: str, lever: CloseDispute) -> dict[str, Any]:
        found = store.find(store.disputes, dispute_id)
        return {"dispute": answer_with(store, revise_dispute(store, found, lever.outcome), [])}


def _attempt(lever: Pay, methods: list[str]) -> Attempt:
    if (lever.card is None) == (lever.outcome is None):
        raise Refusal("Give either a card or an outcome.", param="outcome")
    if lever.card is not None:
        card = TEST_CARDS.get(lever.card.replace(" ", ""))
        if card is None:
            raise Refusal("Only the test cards listed on the index page exist.", param="card")
        return card_attempt(card, lever.email, lever.name)
    assert lever.outcome is not None
    if lever.outcome == "processing" or methods == ["acss_debit"]:
        details = bank_debit_details("000", "11000", "000123456789")
        return Attempt(lever.email, lever.name, details, lever.outcome, BANK_REFUSED)
    details = card_details("4242424242424242", "visa", "US")
    return Attempt(lever.email, lever.name, details, lever.outcome, GENERIC_DECLINE)
