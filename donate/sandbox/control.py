"""Levers for tests and demonstrations, under /_sandbox/: what at Stripe only time or people move.

Nobody is asked for a key here: the sandbox listens on loopback only.
"""

from collections import Counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from donate.sandbox.api import Api
from donate.sandbox.checkout import expire_due_sessions, expire_session
from donate.sandbox.disputes import close_dispute, open_dispute
from donate.sandbox.errors import Refusal
from donate.sandbox.expand import answer_with
from donate.sandbox.payment_methods import (
    BANK_REFUSED,
    GENERIC_DECLINE,
    TEST_CARDS,
    bank_debit_details,
    card_details,
)
from donate.sandbox.payments import Attempt, Outcome, card_attempt, pay, settle
from donate.sandbox.refunds import RefundStatus, create_refund, move_refund
from donate.sandbox.store import Store
from donate.sandbox.trouble import Kind, Trouble
from donate.sandbox.webhooks import Deliveries, as_json

MAX_TIMES = 1_000


class _Lever(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Clock(_Lever):
    now: int | None


class Pay(_Lever):
    session: str
    card: str | None = None
    outcome: Outcome | None = None
    name: str | None = "Sam Sandbox"
    email: str | None = None


class Settle(_Lever):
    session: str
    succeed: bool


class Expire(_Lever):
    session: str


class Refund(_Lever):
    payment_intent: str
    amount: int | None = None
    status: RefundStatus = "succeeded"


class MoveRefund(_Lever):
    status: Literal["succeeded", "failed"]


class Dispute(_Lever):
    payment_intent: str
    reason: str = "fraudulent"


class CloseDispute(_Lever):
    outcome: Literal["won", "lost"]


class Webhooks(_Lever):
    paused: bool | None = None
    url: str | None = None
    deliver_missed: bool = False


class Deliver(_Lever):
    event: str
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)] = 1


class MakeTrouble(_Lever):
    path: str
    method: str = "POST"
    kind: Kind
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] = 30.0


async def refused(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    return JSONResponse(
        {"error": refusal.message, "param": refusal.param}, status_code=refusal.status
    )


def control_routes(store: Store, api: Api, deliveries: Deliveries) -> APIRouter:
    router = APIRouter(prefix="/_sandbox", tags=["control"])
    _add_state(router, store, api, deliveries)
    _add_money(router, store)
    _add_webhooks(router, store, deliveries)
    _add_trouble(router, api)
    return router


def _add_state(router: APIRouter, store: Store, api: Api, deliveries: Deliveries) -> None:
    @router.get("/state")
    async def state() -> dict[str, Any]:
        expire_due_sessions(store)
        return {
            "now": store.now(),
            "totals": totals(store),
            "counts": {
                "sessions": dict(Counter(session["status"] for session in store.sessions)),
                "payment_intents": len(store.payment_intents),
                "charges": dict(Counter(charge["status"] for charge in store.charges)),
                "refunds": dict(Counter(refund["status"] for refund in store.refunds)),
                "disputes": dict(Counter(dispute["status"] for dispute in store.disputes)),
                "balance_transactions": len(store.balance_transactions),
                "events": len(store.events),
            },
            "deliveries": {
                "pending": deliveries.pending,
                "missed": deliveries.missed,
                "paused": deliveries.paused,
                "url": deliveries.url,
            },
            "trouble": len(api.troubles.waiting()),
        }

    @router.delete("/state")
    async def forget_everything() -> dict[str, Any]:
        for room in (store, api, deliveries):
            room.forget_everything()
        return {"forgotten": True}

    @router.post("/clock")
    async def clock(lever: Clock) -> dict[str, Any]:
        store.set_clock(lever.now)
        expire_due_sessions(store)
        return {"now": store.now(), "follows_real_time": lever.now is None}

    @router.get("/requests")
    async def requests(request_id: str | None = None) -> list[dict[str, Any]]:
        return [logged.as_json() for logged in api.log if request_id in (None, logged.request_id)]

    @router.delete("/requests")
    async def forget_requests() -> dict[str, int]:
        forgotten = len(api.log)
        api.log.clear()
        return {"forgotten": forgotten}


def _add_money(router: APIRouter, store: Store) -> None:
    @router.post("/pay")
    async def pay_session(lever: Pay) -> dict[str, Any]:
        expire_due_sessions(store)
        session = store.find(store.sessions, lever.session, "session")
        charge = pay(store, session, _attempt(lever, session["payment_method_types"]))
        return {
            "session": answer_with(store, session, []),
            "charge": answer_with(store, charge, []),
        }

    @router.post("/settle")
    async def settle_session(lever: Settle) -> dict[str, Any]:
        session = store.find(store.sessions, lever.session, "session")
        charge = settle(store, session, succeeds=lever.succeed)
        return {
            "session": answer_with(store, session, []),
            "charge": answer_with(store, charge, []),
        }

    @router.post("/expire")
    async def expire(lever: Expire) -> dict[str, Any]:
        expire_due_sessions(store)
        session = store.find(store.sessions, lever.session, "session")
        return {"session": answer_with(store, expire_session(store, session), [])}

    @router.post("/refund")
    async def refund(lever: Refund) -> dict[str, Any]:
        asked = {"payment_intent": lever.payment_intent}
        if lever.amount is not None:
            asked["amount"] = str(lever.amount)
        return {"refund": answer_with(store, create_refund(store, asked, lever.status), [])}

    @router.post("/refund/{refund_id}")
    async def move(refund_id: str, lever: MoveRefund) -> dict[str, Any]:
        found = store.find(store.refunds, refund_id)
        return {"refund": answer_with(store, move_refund(store, found, lever.status), [])}

    @router.post("/dispute")
    async def dispute(lever: Dispute) -> dict[str, Any]:
        intent = store.find(store.payment_intents, lever.payment_intent, "payment_intent")
        return {"dispute": answer_with(store, open_dispute(store, intent, lever.reason), [])}

    @router.post("/dispute/{dispute_id}")
    async def close(dispute_id: str, lever: CloseDispute) -> dict[str, Any]:
        found = store.find(store.disputes, dispute_id)
        return {"dispute": answer_with(store, close_dispute(store, found, lever.outcome), [])}


def _add_webhooks(router: APIRouter, store: Store, deliveries: Deliveries) -> None:
    @router.post("/webhooks")
    async def webhooks(lever: Webhooks) -> dict[str, Any]:
        if lever.url is not None:
            deliveries.url = lever.url
        if lever.paused is True:
            deliveries.paused = True
        if lever.paused is False:
            deliveries.resume(deliver_missed=lever.deliver_missed)
        return {
            "paused": deliveries.paused,
            "url": deliveries.url,
            "pending": deliveries.pending,
            "missed": deliveries.missed,
        }

    @router.post("/webhooks/deliver")
    async def deliver(lever: Deliver) -> dict[str, Any]:
        event = store.find(store.events, lever.event, "event")
        if deliveries.url is None:
            raise Refusal("There is no webhook URL to deliver to.", param="url")
        sent = await deliveries.send_again(event, lever.times)
        return {"deliveries": [as_json(delivery) for delivery in sent]}

    @router.get("/webhooks/deliveries")
    async def delivery_log() -> list[dict[str, Any]]:
        return [as_json(delivery) for delivery in deliveries.log]


def _add_trouble(router: APIRouter, api: Api) -> None:
    @router.post("/trouble")
    async def trouble(lever: MakeTrouble) -> dict[str, Any]:
        chosen = Trouble(lever.path, lever.method.upper(), lever.kind, lever.seconds)
        api.troubles.add(chosen, lever.times)
        return {"waiting": len(api.troubles.waiting())}

    @router.delete("/trouble")
    async def no_trouble() -> dict[str, Any]:
        api.troubles.clear()
        return {"waiting": 0}


def totals(store: Store) -> dict[str, dict[str, int]]:
    """Minor units for each currency; `fees` and `net` are what the balance says."""
    sums: dict[str, Counter[str]] = {}

    def add(currency: str, name: str, amount: int) -> None:
        sums.setdefault(currency, Counter(paid=0, refunded=0, disputed=0, fees=0, net=0))
        sums[currency][name] += amount

    for charge in store.charges:
        if charge["status"] == "succeeded":
            add(charge["currency"], "paid", charge["amount"])
    for refund in store.refunds:
        if refund["status"] != "failed":
            add(refund["currency"], "refunded", refund["amount"])
    for dispute in store.disputes:
        if dispute["status"] != "won":
            add(dispute["currency"], "disputed", dispute["amount"])
    for transaction in store.balance_transactions:
        add(transaction["currency"], "fees", transaction["fee"])
        add(transaction["currency"], "net", transaction["net"])
    return {currency: dict(counter) for currency, counter in sorted(sums.items())}


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
