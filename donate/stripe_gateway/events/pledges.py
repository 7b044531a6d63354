"""Reads events about the subscription of a pledge: its status, amount, pause and end. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from donate.gifts.evidence import Evidence
from donate.gifts.facts import FactKind
from donate.stripe_gateway.events.fields import (
    Claim,
    Envelope,
    IrrelevantEvent,
    Reading,
    is_id,
    is_instant,
    read_currency,
    read_gift_id,
    read_instant,
    read_minor_units,
    read_text,
    read_word,
    stripe_fact,
)

_LAST_FOUR: Final = re.compile(r"[0-9]{4}")


def read_subscription(envelope: Envelope) -> Reading | IrrelevantEvent:
    """Return the facts about a pledge that are in an event about its subscription."""
    subscription, at = envelope.object, envelope.happened_at
    metadata = _object(subscription.get("metadata"))
    gift_id = read_gift_id(metadata)
    if gift_id is None:
        return IrrelevantEvent("a subscription that this service did not begin")
    subscription_id, status = read_text(subscription, "id"), read_text(subscription, "status")
    # The pledge has not begun: "incomplete" becomes "active" when the first payment succeeds.
    if status in ("incomplete", "incomplete_expired"):
        return IrrelevantEvent("a subscription whose first month is not paid")
    is_ended = envelope.type == "customer.subscription.deleted" or status == "canceled"
    facts = []
    if is_ended:
        facts.append(
            stripe_fact(
                FactKind.PLEDGE_ENDED, subscription_id, at, evidence=_ending_reason(subscription)
            )
        )
    elif envelope.type == "customer.subscription.created":
        facts.append(
            stripe_fact(
                FactKind.PLEDGE_STARTED,
                subscription_id,
                at,
                evidence={**_month_end(subscription), **_payment_method(subscription)},
            )
        )
    # If a new pledge is active, PLEDGE_STARTED says so, and no PLEDGE_CHANGED is needed.
    if not is_ended and (not facts or status != "active"):
        evidence: Evidence = {
            "subscription": subscription_id,
            "status": status,
            **_pause(subscription, at),
            **_month_end(subscription),
            **_ending(subscription),
            **_payment_method(subscription),
        }
        facts.append(
            stripe_fact(
                FactKind.PLEDGE_CHANGED,
                envelope.event_id,
                at,
                **_monthly_amount(subscription),
                evidence=evidence,
            )
        )
    claim = Claim(
        reference=read_text(metadata, "reference"),
        monthly=True,
        currency=read_currency(subscription),
    )
    return Reading(facts=tuple(facts), gift_id=gift_id, claim=claim)


def _pause(subscription: Mapping[str, Any], at: datetime) -> Evidence:
    """Return whether collection is paused at the time `at`, and until when if a date is set.

    Stripe's documents do not say whether `pause_collection` becomes empty when its end date is
    reached.
    https://docs.stripe.com/billing/subscriptions/pause-payment
    """
    pause = subscription.get("pause_collection")
    if pause is None:
        return {"paused": False}
    if _object(pause).get("resumes_at") is None:
        return {"paused": True}
    resumes_at = read_instant(pause, "resumes_at")
    if resumes_at <= at:
        return {"paused": False}
    return {"paused": True, "resumes_at": int(resumes_at.timestamp())}


def _month_end(subscription: Mapping[str, Any]) -> Evidence:
    evidence: Evidence = {}
    ends_at, anchor = _period_end(subscription), subscription.get("billing_cycle_anchor")
    if ends_at:
        evidence["month_ends_at"] = ends_at
    if is_instant(anchor):
        evidence["anchor"] = anchor
    return evidence


def _payment_method(subscription: Mapping[str, Any]) -> Evidence:
    """Return the id of the card or bank account that pays, and its last four digits if known.

    In events the field is an id. It is an object if we asked Stripe for one. Nothing else of the
    card or account is recorded.
    """
    if "default_payment_method" not in subscription:
        return {}
    method = subscription["default_payment_method"]
    if not isinstance(method, dict):
        return {"payment_method": method if is_id(method) else ""}
    evidence: Evidence = {"payment_method": read_text(method, "id")}
    details = _object(method.get(read_word(method, "type")))
    digits = details.get("last4")
    if isinstance(digits, str) and _LAST_FOUR.fullmatch(digits):
        evidence["last4"] = digits
        evidence["brand"] = read_word(details, "brand")
    return evidence


def _ending(subscription: Mapping[str, Any]) -> Evidence:
    """Return whether a subscription will end, and when (in seconds since 1970) if Stripe says so.

    Under flexible billing, the default of our API version, Stripe's portal sets only `cancel_at`.
    Older billing and the API set the flag `cancel_at_period_end`. Either field means that the
    subscription will end.
    https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    """
    ends_with_month = subscription.get("cancel_at_period_end") is True
    evidence: Evidence = {"ends_with_the_month": ends_with_month}
    if subscription.get("cancel_at") is not None:
        evidence["ends_at"] = int(read_instant(subscription, "cancel_at").timestamp())
    elif ends_with_month:
        evidence["ends_at"] = _period_end(subscription)
    return evidence


def _period_end(subscription: Mapping[str, Any]) -> int | None:
    """Return when the current month ends. Since API version basil, only the items say when."""
    holders = [subscription, *_items_of(subscription)]
    ends = [holder.get("current_period_end") for holder in holders]
    return min((end for end in ends if is_instant(end)), default=None)


def _ending_reason(subscription: Mapping[str, Any]) -> Evidence:
    reason = read_word(_object(subscription.get("cancellation_details")), "reason")
    return {"reason": reason} if reason else {}


def _monthly_amount(subscription: Mapping[str, Any]) -> dict[str, Any]:
    """Return the monthly amount and currency, or {} if the number of items is not exactly one."""
    match _items_of(subscription):
        case [{"price": dict(price), "quantity": 1}]:
            amount_minor = read_minor_units(price, "unit_amount")
            return {"amount_minor": amount_minor, "currency": read_currency(subscription)}
        case _:
            return {}


def _items_of(subscription: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = _object(subscription.get("items")).get("data")
    return [_object(item) for item in items] if isinstance(items, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
