"""Compares the pretend Stripe's payments and refunds with our facts, to the cent."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlmodel import Session, col, func, select

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.status import Flag
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, OpenRefund, StripeEvent
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox

Amounts = dict[str, int]


def list_all(sandbox: RunningSandbox, path: str, **filters: Any) -> list[dict[str, Any]]:
    """Return all objects that the pretend Stripe lists under this path, the newest first."""
    objects: list[dict[str, Any]] = []
    parameters = {"limit": 100} | filters
    while True:
        answer = sandbox.http.get(
            path, params=parameters, headers={"authorization": f"Bearer {SECRET_KEY}"}
        )
        answer.raise_for_status()
        page = answer.json()
        objects += page["data"]
        if not page["has_more"]:
            return objects
        parameters["starting_after"] = objects[-1]["id"]


def payments_at(sandbox: RunningSandbox) -> Amounts:
    sessions = list_all(sandbox, "/v1/checkout/sessions", status="complete")
    return {
        s["payment_intent"]: s["amount_total"] for s in sessions if s["payment_status"] == "paid"
    }


def refunds_at(sandbox: RunningSandbox) -> Amounts:
    refunds = list_all(sandbox, "/v1/refunds")
    return {refund["id"]: refund["amount"] for refund in refunds if refund["status"] == "succeeded"}


def recorded(session: Session, kind: FactKind) -> Amounts:
    """Return the amounts of the facts of this kind by source id; check that no id repeats."""
    rows = session.exec(select(GiftFact).where(GiftFact.kind == kind)).all()
    sources = Counter(row.source_id for row in rows)
    assert not sources or max(sources.values()) == 1
    return {row.source_id: row.amount_minor or 0 for row in rows}


def find_errors(database: Database, sandbox: RunningSandbox, keys: set[str]) -> Iterator[str]:
    """Yield a sentence for each difference between our books and Stripe's payments and refunds.

    `keys` are the form keys of all gifts that people opened; each must have exactly one gift.
    """
    paid, returned = payments_at(sandbox), refunds_at(sandbox)
    totals = sandbox.control("GET", "/_sandbox/state")["totals"].get("cad", Counter())
    with database.reading() as session:
        recorded_payments = recorded(session, FactKind.PAYMENT_SUCCEEDED)
        recorded_refunds = recorded(session, FactKind.REFUND_SUCCEEDED)
        gifts = session.exec(select(Gift)).all()
        states = Counter(session.exec(select(StripeEvent.state)))
        open_refunds = session.exec(
            select(func.count()).where(col(OpenRefund.ask_at).is_not(None))
        ).one()
    yield from _differences("payment", paid, recorded_payments)
    yield from _differences("refund", returned, recorded_refunds)
    received = sum(gift.received_minor for gift in gifts)
    if not sum(paid.values()) == totals["paid"] == received:
        yield f"Stripe was paid {totals['paid']}, the gifts say that {received} came in"
    if len(gifts) != len(keys):
        yield f"{len(keys)} gifts were opened, {len(gifts)} are recorded"
    twice = [gift.reference for gift in gifts if Flag.PAID_MORE_THAN_ONCE in gift.flags.split(",")]
    if twice:
        yield f"paid more than once: {twice}"
    for state in (EventState.WAITING, EventState.SET_ASIDE, EventState.FOREIGN):
        if states[state]:
            yield f"{states[state]} events are {state}"
    if open_refunds:
        yield f"{open_refunds} refunds are still open"


def _differences(name: str, theirs: Amounts, ours: Amounts) -> Iterator[str]:
    for key in sorted(theirs.keys() | ours.keys()):
        if theirs.get(key) != ours.get(key):
            yield f"{name} {key}: Stripe has {theirs.get(key)}, we have {ours.get(key)}"
