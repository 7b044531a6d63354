"""Makes synthetic events from Stripe's objects, like events that Stripe would have sent. Pure.

Stripe keeps events for thirty days, but objects forever. The id of a synthetic event is derived
from the object and its state, so storing the same state twice is harmless.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

_FINAL_STATUSES = ("won", "lost")


IsAllowedUrl = Callable[[str], bool]
"""A function that returns whether a donor may be sent to a URL."""


def as_session_event(
    session: Mapping[str, Any], retrieved_at: datetime, is_allowed_url: IsAllowedUrl | None = None
) -> dict[str, Any] | None:
    """Return the event for the end of a checkout session, or None while it is open.

    The session needs its payment intent expanded, with the latest charge. With `is_allowed_url`,
    the event also says what a bank debit is waiting for, but without links that are not allowed.
    """
    if session.get("mode") == "setup":
        return _as_agreement_event(session, retrieved_at)
    intent = _object(session.get("payment_intent"))
    at: int | None
    retrieved = int(retrieved_at.timestamp())
    match session.get("status"), session.get("payment_status"), intent.get("status"):
        case "expired", _, _:
            step, at = "expired", min(_seconds(session, "expires_at") or 0, retrieved)
        case "complete", "unpaid", "requires_payment_method" | "canceled":
            step, at = "async_payment_failed", _seconds(_charge(intent), "created")
        case "complete", _, _:
            by_invoice = session.get("mode") == "subscription"
            step, at = "completed", _seconds(session, "created") if by_invoice else _paid_at(intent)
        case _:
            return None
    payload = dict(session) | {"payment_intent": intent.get("id")}
    name = f"{session.get('id')}:{step}:{session.get('payment_status')}"
    if is_allowed_url and (step, session.get("payment_status")) == ("completed", "unpaid"):
        payload["payment_intent"] = intent_state(intent, is_allowed_url)
        name += f":{intent.get('status')}"
    return _event(name, f"checkout.session.{step}", payload, at or retrieved)


def intent_state(intent: Mapping[str, Any], is_allowed_url: IsAllowedUrl) -> dict[str, Any]:
    """Return an intent's status and the donor's next action, without links that are not allowed."""
    next_action = _object(intent.get("next_action"))
    deposits = _object(next_action.get("verify_with_microdeposits"))
    url = deposits.get("hosted_verification_url")
    if deposits and not (isinstance(url, str) and is_allowed_url(url)):
        deposits = deposits | {"hosted_verification_url": ""}
    return {
        **{name: intent.get(name) for name in ("id", "object", "status")},
        "next_action": {"verify_with_microdeposits": deposits} if deposits else None,
    }


def _as_agreement_event(
    session: Mapping[str, Any], retrieved_at: datetime
) -> dict[str, Any] | None:
    """Return the event for the end of a setup session, or None while it is open.

    Stripe itself sends no event if a bank account could not be saved. In this case, return the
    event for a failed payment.
    """
    setup = _object(session.get("setup_intent"))
    at: int | None
    retrieved = int(retrieved_at.timestamp())
    match session.get("status"), setup.get("status"):
        case "expired", _:
            step, at = "expired", min(_seconds(session, "expires_at") or 0, retrieved)
        case "complete", "requires_payment_method" | "canceled":
            step, at = "async_payment_failed", retrieved
        case "complete", _:
            step, at = "completed", _seconds(session, "created")
        case _:
            return None
    payload = dict(session) | {"setup_intent": setup.get("id") or session.get("setup_intent")}
    event_type = f"checkout.session.{step}"
    return _event(f"{session.get('id')}:{step}", event_type, payload, at or retrieved)


def as_refund_event(refund: Mapping[str, Any], retrieved_at: datetime) -> dict[str, Any]:
    """Return a synthetic event with the present state of a refund."""
    name = f"{refund.get('id')}:{refund.get('status')}"
    return _event(name, "refund.updated", refund, _created_at(refund, retrieved_at))


def as_dispute_event(dispute: Mapping[str, Any], retrieved_at: datetime) -> dict[str, Any]:
    """Return the event for a dispute's state, with the time at which the dispute last moved money.

    A dispute can have the same status twice, but more money has moved the second time. So the id
    contains the number of balance transactions. Without it, the inbox would take the second event
    for a duplicate.
    """
    ended = dispute.get("status") in _FINAL_STATUSES
    transactions = _objects(dispute.get("balance_transactions"))
    times = (_seconds(transaction, "created") for transaction in transactions)
    at = max(filter(None, times), default=None)
    name = f"{dispute.get('id')}:{dispute.get('status')}:{len(transactions)}"
    step = "closed" if ended else "updated"
    return _event(name, f"charge.dispute.{step}", dispute, at or _created_at(dispute, retrieved_at))


def as_invoice_events(
    invoice: Mapping[str, Any], retrieved_at: datetime
) -> Iterator[dict[str, Any]]:
    """Yield the events for a paid invoice and, if they are expanded, for its payments."""
    transitions = _object(invoice.get("status_transitions"))
    at = _seconds(transitions, "paid_at") or _created_at(invoice, retrieved_at)
    yield _event(f"{invoice.get('id')}:paid", "invoice.paid", invoice, at)
    for payment in _objects(_object(invoice.get("payments")).get("data")):
        if payment.get("status") == "paid":
            paid_by = {"payment": _with_intent_id(payment)}
            payload = {"invoice": invoice.get("id")} | payment | paid_by
            yield _event(f"{payment.get('id')}:paid", "invoice_payment.paid", payload, at)


def as_start_event(subscription: Mapping[str, Any], retrieved_at: datetime) -> dict[str, Any]:
    """Return a synthetic event for a new subscription."""
    event_type = "customer.subscription.created"
    return _event(
        f"{subscription.get('id')}:created",
        event_type,
        subscription,
        _created_at(subscription, retrieved_at),
    )


def as_subscription_event(
    subscription: Mapping[str, Any], retrieved_at: datetime
) -> dict[str, Any]:
    """Return the event for the present state of a subscription. Earlier states are lost."""
    if subscription.get("status") == "canceled":
        at = _seconds(subscription, "ended_at") or _seconds(subscription, "canceled_at")
        name, step = f"{subscription.get('id')}:deleted", "deleted"
    else:
        at, step = int(retrieved_at.timestamp()), "updated"
        name = f"{subscription.get('id')}:{_checksum(subscription)}"
    event_type = f"customer.subscription.{step}"
    return _event(name, event_type, subscription, at or _created_at(subscription, retrieved_at))


def _event(name: str, event_type: str, stripe_object: Mapping[str, Any], at: int) -> dict[str, Any]:
    return {
        "id": f"asked:{name}",
        "object": "event",
        "type": event_type,
        "livemode": stripe_object.get("livemode"),
        "created": at,
        "data": {"object": dict(stripe_object)},
    }


def _with_intent_id(payment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an invoice payment's `payment`, with only the id of its intent, as in a real event."""
    details = _object(payment.get("payment"))
    intent = details.get("payment_intent")
    return details | {"payment_intent": _object(intent).get("id") or intent}


def is_under_way(invoice: Mapping[str, Any]) -> bool:
    """Return whether a bank debit for an invoice is processing.

    The payment intents of the invoice must be expanded.
    """
    paid_by = (
        _object(payment.get("payment"))
        for payment in _objects(_object(invoice.get("payments")).get("data"))
    )
    statuses = [_object(one.get("payment_intent")).get("status") for one in paid_by]
    return invoice.get("status") == "open" and "processing" in statuses


def _created_at(stripe_object: Mapping[str, Any], retrieved_at: datetime) -> int:
    return _seconds(stripe_object, "created") or int(retrieved_at.timestamp())


def _charge(intent: Mapping[str, Any]) -> dict[str, Any]:
    return _object(intent.get("latest_charge"))


def _paid_at(intent: Mapping[str, Any]) -> int | None:
    """Return when the money arrived. This becomes the gift's date.

    A card is charged immediately. A bank debit arrives days after it began, and its balance
    transaction has the date.
    """
    charge = _charge(intent)
    by_card = _object(charge.get("payment_method_details")).get("type") == "card"
    if by_card:
        return _seconds(charge, "created") if charge.get("paid") else None
    return _seconds(_object(charge.get("balance_transaction")), "created")


def _checksum(subscription: Mapping[str, Any]) -> str:
    """Return a checksum of a subscription's state."""
    keys = ["status", "pause_collection", "cancel_at_period_end", "items"]
    # Include `cancel_at` only if it is set, because earlier versions of this code did not include
    # it. Another checksum would give their stored events other ids, and the events would be stored
    # again.
    keys += ["cancel_at"] if subscription.get("cancel_at") is not None else []
    payload = {key: subscription.get(key) for key in keys}
    return f"{zlib.crc32(json.dumps(payload, sort_keys=True).encode()):08x}"


def _seconds(stripe_object: Mapping[str, Any], key: str) -> int | None:
    value = stripe_object.get(key)
    return value if type(value) is int and value > 0 else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [_object(item) for item in value] if isinstance(value, list) else []
