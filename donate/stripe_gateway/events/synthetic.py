"""Dresses an object of Stripe's up as the event that would have told of it. Pure.

Events can be read for thirty days; objects for ever. The id follows from the object and how far it
has come, so that telling the same again is harmless.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

_IN_THE_END = ("won", "lost")


IsKnown = Callable[[str], bool]
"""Whether a donor may be sent to an address."""


def as_session_event(
    found: Mapping[str, Any], asked_at: datetime, is_known: IsKnown | None = None
) -> dict[str, Any] | None:
    """Tell of a checkout session's end; None while it is open.

    Its payment intent is given whole, with the latest charge in it. With `is_known`, what a bank
    debit waits for is told too, and links that are not known are left out.
    """
    if found.get("mode") == "setup":
        return _retell_agreement(found, asked_at)
    intent = _object(found.get("payment_intent"))
    at: int | None
    match found.get("status"), found.get("payment_status"), intent.get("status"):
        case "expired", _, _:
            step, at = "expired", min(_seconds(found, "expires_at") or 0, int(asked_at.timestamp()))
        case "complete", "unpaid", "requires_payment_method" | "canceled":
            step, at = "async_payment_failed", _seconds(_charge(intent), "created")
        case "complete", _, _:
            by_invoice = found.get("mode") == "subscription"
            step, at = "completed", _seconds(found, "created") if by_invoice else _paid_at(intent)
        case _:
            return None
    told = dict(found) | {"payment_intent": intent.get("id")}
    name = f"{found.get('id')}:{step}:{found.get('payment_status')}"
    if is_known and (step, found.get("payment_status")) == ("completed", "unpaid"):
        told["payment_intent"] = what_it_waits_for(intent, is_known)
        name += f":{intent.get('status')}"
    return _event(name, f"checkout.session.{step}", told, at or int(asked_at.timestamp()))


def what_it_waits_for(intent: Mapping[str, Any], is_known: IsKnown) -> dict[str, Any]:
    """Return an intent's state, and what its donor has to do; only with a link that is known."""
    action = _object(intent.get("next_action"))
    how = _object(action.get("verify_with_microdeposits"))
    url = how.get("hosted_verification_url")
    if how and not (isinstance(url, str) and is_known(url)):
        how = how | {"hosted_verification_url": ""}
    return {
        **{name: intent.get(name) for name in ("id", "object", "status")},
        "next_action": {"verify_with_microdeposits": how} if how else None,
    }


def _retell_agreement(found: Mapping[str, Any], asked_at: datetime) -> dict[str, Any] | None:
    """Tell of a session without money. That its account could not be saved, no event of it says."""
    setup = _object(found.get("setup_intent"))
    at: int | None
    match found.get("status"), setup.get("status"):
        case "expired", _:
            step, at = "expired", min(_seconds(found, "expires_at") or 0, int(asked_at.timestamp()))
        case "complete", "requires_payment_method" | "canceled":
            step, at = "async_payment_failed", int(asked_at.timestamp())
        case "complete", _:
            step, at = "completed", _seconds(found, "created")
        case _:
            return None
    told = dict(found) | {"setup_intent": setup.get("id") or found.get("setup_intent")}
    kind = f"checkout.session.{step}"
    return _event(f"{found.get('id')}:{step}", kind, told, at or int(asked_at.timestamp()))


def as_refund_event(found: Mapping[str, Any], asked_at: datetime) -> dict[str, Any]:
    """Tell how far a refund has come."""
    name = f"{found.get('id')}:{found.get('status')}"
    return _event(name, "refund.updated", found, _began(found, asked_at))


def as_dispute_event(found: Mapping[str, Any], asked_at: datetime) -> dict[str, Any]:
    """Tell how far a dispute has come: since money last moved for it, or since it was made.

    The same status may come again after another one; then more money has moved, so that counts in
    the name, or the second telling would be dropped as a double.
    """
    ended = found.get("status") in _IN_THE_END
    moves = _objects(found.get("balance_transactions"))
    at = max(filter(None, (_seconds(move, "created") for move in moves)), default=None)
    name = f"{found.get('id')}:{found.get('status')}:{len(moves)}"
    step = "closed" if ended else "updated"
    return _event(name, f"charge.dispute.{step}", found, at or _began(found, asked_at))


def as_invoice_events(found: Mapping[str, Any], asked_at: datetime) -> Iterator[dict[str, Any]]:
    """Tell of an invoice that was paid, and by which payments, where it has them with it."""
    moves = _object(found.get("status_transitions"))
    at = _seconds(moves, "paid_at") or _began(found, asked_at)
    yield _event(f"{found.get('id')}:paid", "invoice.paid", found, at)
    for payment in _objects(_object(found.get("payments")).get("data")):
        if payment.get("status") == "paid":
            told = {"invoice": found.get("id")} | payment | {"payment": _named(payment)}
            yield _event(f"{payment.get('id')}:paid", "invoice_payment.paid", told, at)


def as_begun_event(found: Mapping[str, Any], asked_at: datetime) -> dict[str, Any]:
    """Tell that a subscription has begun."""
    kind = "customer.subscription.created"
    return _event(f"{found.get('id')}:created", kind, found, _began(found, asked_at))


def as_subscription_event(found: Mapping[str, Any], asked_at: datetime) -> dict[str, Any]:
    """Tell what a subscription is now. What it was in between, nobody can tell any more."""
    if found.get("status") == "canceled":
        at = _seconds(found, "ended_at") or _seconds(found, "canceled_at")
        name, step = f"{found.get('id')}:deleted", "deleted"
    else:
        at, step = int(asked_at.timestamp()), "updated"
        name = f"{found.get('id')}:{_print_of(found)}"
    kind = f"customer.subscription.{step}"
    return _event(name, kind, found, at or _began(found, asked_at))


def _event(name: str, kind: str, found: Mapping[str, Any], at: int) -> dict[str, Any]:
    return {
        "id": f"asked:{name}",
        "object": "event",
        "type": kind,
        "livemode": found.get("livemode"),
        "created": at,
        "data": {"object": dict(found)},
    }


def _named(payment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an invoice was paid by, with the intent's id alone, as an event has it."""
    paid_by = _object(payment.get("payment"))
    intent = paid_by.get("payment_intent")
    return paid_by | {"payment_intent": _object(intent).get("id") or intent}


def is_under_way(invoice: Mapping[str, Any]) -> bool:
    """Whether a bank was asked to pay an invoice and has not answered. Its intents are whole."""
    paid_by = (
        _object(payment.get("payment"))
        for payment in _objects(_object(invoice.get("payments")).get("data"))
    )
    statuses = [_object(one.get("payment_intent")).get("status") for one in paid_by]
    return invoice.get("status") == "open" and "processing" in statuses


def _began(found: Mapping[str, Any], asked_at: datetime) -> int:
    return _seconds(found, "created") or int(asked_at.timestamp())


def _charge(intent: Mapping[str, Any]) -> dict[str, Any]:
    return _object(intent.get("latest_charge"))


def _paid_at(intent: Mapping[str, Any]) -> int | None:
    """Return when the money came. The gift's date is that day, however late we ask.

    A card is charged at once; a bank debit that began on one day comes on another, and only the
    balance says on which.
    """
    charge = _charge(intent)
    by_card = _object(charge.get("payment_method_details")).get("type") == "card"
    if by_card:
        return _seconds(charge, "created") if charge.get("paid") else None
    return _seconds(_object(charge.get("balance_transaction")), "created")


def _print_of(subscription: Mapping[str, Any]) -> str:
    """Return a short name for what a subscription is now, which changes when that does."""
    keys = ["status", "pause_collection", "cancel_at_period_end", "items"]
    # Named only where it is set, so that all others keep the name under which they were told.
    keys += ["cancel_at"] if subscription.get("cancel_at") is not None else []
    told = {key: subscription.get(key) for key in keys}
    return f"{zlib.crc32(json.dumps(told, sort_keys=True).encode()):08x}"


def _seconds(found: Mapping[str, Any], key: str) -> int | None:
    value = found.get(key)
    return value if type(value) is int and value > 0 else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [_object(item) for item in value] if isinstance(value, list) else []
