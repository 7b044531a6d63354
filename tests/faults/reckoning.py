"""The day of reckoning: what Stripe took against what we recorded, to the cent."""

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


def listed(sandbox: RunningSandbox, path: str, **wanted: Any) -> list[dict[str, Any]]:
    """Return everything that Stripe lists under this path, the newest first."""
    found: list[dict[str, Any]] = []
    asked = {"limit": 100} | wanted
    while True:
        answer = sandbox.http.get(
            path, params=asked, headers={"authorization": f"Bearer {SECRET_KEY}"}
        )
        answer.raise_for_status()
        page = answer.json()
        found += page["data"]
        if not page["has_more"]:
            return found
        asked["starting_after"] = found[-1]["id"]


def paid_at(sandbox: RunningSandbox) -> Amounts:
    sessions = listed(sandbox, "/v1/checkout/sessions", status="complete")
    return {
        s["payment_intent"]: s["amount_total"] for s in sessions if s["payment_status"] == "paid"
    }


def returned_at(sandbox: RunningSandbox) -> Amounts:
    refunds = listed(sandbox, "/v1/refunds")
    return {refund["id"]: refund["amount"] for refund in refunds if refund["status"] == "succeeded"}


def recorded(session: Session, kind: FactKind) -> Amounts:
    """Return the amount of each fact of a kind by its source. One source has one fact."""
    rows = session.exec(select(GiftFact).where(GiftFact.kind == kind)).all()
    sources = Counter(row.source_id for row in rows)
    assert not sources or max(sources.values()) == 1
    return {row.source_id: row.amount_minor or 0 for row in rows}


def wrongs(database: Database, sandbox: RunningSandbox, begun: set[str]) -> Iterator[str]:
    """Say, a line each, in what our books differ from Stripe's and from what people did."""
    there, back_there = paid_at(sandbox), returned_at(sandbox)
    totals = sandbox.control("GET", "/_sandbox/state")["totals"].get("cad", Counter())
    with database.reading() as session:
        here = recorded(session, FactKind.PAYMENT_SUCCEEDED)
        back_here = recorded(session, FactKind.REFUND_SUCCEEDED)
        gifts = session.exec(select(Gift)).all()
        states = Counter(session.exec(select(StripeEvent.state)))
        still_asked = session.exec(
            select(func.count()).where(col(OpenRefund.ask_at).is_not(None))
        ).one()
    yield from _differing("payment", there, here)
    yield from _differing("refund", back_there, back_here)
    received = sum(gift.received_minor for gift in gifts)
    if not sum(there.values()) == totals["paid"] == received:
        yield f"Stripe was paid {totals['paid']}, the gifts say that {received} came in"
    if len(gifts) != len(begun):
        yield f"{len(begun)} gifts were begun, {len(gifts)} are recorded"
    twice = [gift.reference for gift in gifts if Flag.PAID_MORE_THAN_ONCE in gift.flags.split(",")]
    if twice:
        yield f"paid more than once: {twice}"
    for state in (EventState.WAITING, EventState.SET_ASIDE, EventState.FOREIGN):
        if states[state]:
            yield f"{states[state]} events are {state}"
    if still_asked:
        yield f"{still_asked} refunds have no answer"


def _differing(name: str, there: Amounts, here: Amounts) -> Iterator[str]:
    for key in sorted(there.keys() | here.keys()):
        if there.get(key) != here.get(key):
            yield f"{name} {key}: Stripe says {there.get(key)}, we say {here.get(key)}"
