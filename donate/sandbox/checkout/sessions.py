"""Opens checkout sessions, with Stripe's reasons for refusing them, and expires them."""

from typing import Any

from donate.sandbox import currencies
from donate.sandbox.billing.subscriptions import abandon_subscription
from donate.sandbox.charging.setups import (
    check_billing_mandate,
    check_setup_request,
    create_session_setup,
)
from donate.sandbox.errors import Refusal, invalid_parameter, missing_parameter, not_in_this_sandbox
from donate.sandbox.objects.payments import new_line_item, new_session
from donate.sandbox.requests.parameters import read
from donate.sandbox.requests.session_parameters import SESSION, UNSUPPORTED
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

MIN_LIFE_S = 30 * 60
MAX_LIFE_S = 24 * 60 * 60
# A requested expiry time may be outside of the limits by this much, because clocks differ and
# requests take time.
LIFE_TOLERANCE_S = 60


def create_session(store: Store, parameters: dict[str, Any]) -> StripeObject:
    refuse_payment_method_types(parameters)
    request = read(parameters, SESSION, required=["mode"], unsupported=UNSUPPORTED)
    _refuse_parameters_of_other_modes(request)
    is_setup = request["mode"] == "setup"
    for name in ("success_url",) if is_setup else ("line_items", "success_url"):
        if not request.get(name):
            raise missing_parameter(name)
    if is_setup:
        check_setup_request(request)
    else:
        _refuse_prices_of_other_modes(request)
    currency = _common_currency(request)
    total = None if is_setup else _total(request["line_items"], currency)
    request["payment_method_types"] = _methods_offered(request, currency)
    request["expires_at"] = _expiry(store, request)

    session = new_session(store, request, total, currency)
    store.sessions.put(session)
    store.line_items[session["id"]] = [
        new_line_item(store, item, currency) for item in request.get("line_items", ())
    ]
    if is_setup:
        create_session_setup(store, session, request)
    store.payment_intent_data[session["id"]] = request.get("payment_intent_data", {})
    store.subscription_data[session["id"]] = request.get("subscription_data", {})
    store.expire_later(session)
    return session


def expire_session(store: Store, session: StripeObject, at: int | None = None) -> StripeObject:
    """Expire an open session. `at` is its expiry time, or None if an API request expires it."""
    if session["status"] != "open":
        raise Refusal(
            "Only an open Checkout Session can be expired. This Checkout Session has a status of "
            f"{session['status']}.",
            is_final=True,
        )
    session["status"] = "expired"
    session["url"] = None
    store.announce("checkout.session.expired", session, at=at)
    abandon_subscription(store, session["id"])
    return session


def expire_due_sessions(store: Store) -> None:
    for session in store.sessions_due_to_expire():
        expire_session(store, session, at=session["expires_at"])


def refuse_payment_method_types(parameters: dict[str, Any]) -> None:
    # Since API version endive, the parameter `payment_method_types` is called
    # `allowed_payment_method_types`:
    # https://docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions
    if "payment_method_types" in parameters:
        raise invalid_parameter(
            "payment_method_types",
            "payment_method_types is no longer supported in this API version. Use "
            "allowed_payment_method_types or excluded_payment_method_types instead.",
            code="payment_method_types_no_longer_supported",
        )


def _refuse_parameters_of_other_modes(request: dict[str, Any]) -> None:
    mode = request["mode"]
    unavailable = {
        "payment": ["setup_intent_data", "subscription_data"],
        "setup": ["line_items", "payment_intent_data", "subscription_data"],
        "subscription": ["customer_creation", "payment_intent_data", "setup_intent_data"],
    }
    for name in unavailable[mode]:
        if name in request:
            raise invalid_parameter(name, f"You can not pass `{name}` in `{mode}` mode.")
    if mode == "payment" and request.get("customer_creation") == "always":
        raise not_in_this_sandbox("customer_creation", "always in payment mode")
    debit = request.get("payment_method_options", {}).get("acss_debit", {})
    setup_options = {
        "[currency]": "currency" in debit,
        "[mandate_options][default_for]": "default_for" in debit.get("mandate_options", {}),
    }
    for name, is_present in setup_options.items():
        if is_present and mode != "setup":
            raise invalid_parameter(
                f"payment_method_options[acss_debit]{name}", "This is only for `setup` mode."
            )


def _refuse_prices_of_other_modes(request: dict[str, Any]) -> None:
    prices = [item["price_data"] for item in request["line_items"]]
    intervals = [price["recurring"] for price in prices if "recurring" in price]
    if request["mode"] == "payment" and intervals:
        raise invalid_parameter(
            "line_items",
            "You specified `payment` mode but passed a recurring price. Either switch to "
            "`subscription` mode or use only one-time prices.",
        )
    if request["mode"] == "payment":
        return
    if not intervals:
        raise invalid_parameter(
            "line_items",
            "You must provide at least one recurring price in `subscription` mode when using "
            "prices.",
        )
    if any(interval != intervals[0] for interval in intervals):
        raise invalid_parameter(
            "line_items",
            "Checkout does not support multiple prices with different billing intervals.",
        )
    if len(intervals) < len(prices):
        index = next(index for index, price in enumerate(prices) if "recurring" not in price)
        raise not_in_this_sandbox(f"line_items[{index}][price_data]", "one_time")


def _common_currency(request: dict[str, Any]) -> str:
    codes = {item["price_data"]["currency"] for item in request.get("line_items", ())}
    if request["mode"] == "setup":
        codes.add(request["payment_method_options"]["acss_debit"]["currency"])
    if request.get("currency"):
        codes.add(request["currency"])
    if len(codes) > 1:
        raise invalid_parameter(
            "line_items", "All prices of a Checkout Session must be in the same currency."
        )
    return str(codes.pop())


def _total(line_items: list[dict[str, Any]], currency: str) -> int:
    for index, item in enumerate(line_items):
        path = f"line_items[{index}][price_data][unit_amount]"
        currencies.refuse_odd_amount(item["price_data"]["unit_amount"], currency, path)
    total: int = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in line_items)
    currencies.refuse_small_total(total, currency)
    currencies.refuse_large_total(total)
    return total


def _methods_offered(request: dict[str, Any], currency: str) -> list[str]:
    """Return the payment methods that suit the session and that the request allows."""
    allowed = request.get("allowed_payment_method_types")
    excluded = request.get("excluded_payment_method_types", [])
    mandate = request.get("payment_method_options", {}).get("acss_debit", {}).get("mandate_options")
    suitable = ["card"]
    if request["mode"] == "subscription":
        # Stripe's Checkout offers pre-authorized debit only in the modes `payment` and `setup`.
        if allowed == ["acss_debit"]:
            raise invalid_parameter(
                "allowed_payment_method_types",
                "The payment method `acss_debit` cannot be used in `subscription` mode.",
            )
    elif currency in ("cad", "usd"):
        if mandate or (allowed and "acss_debit" in allowed):
            _check_mandate(mandate or {})
            suitable.append("acss_debit")
    elif allowed == ["acss_debit"]:
        raise invalid_parameter(
            "allowed_payment_method_types",
            f"The currency provided ({currency}) is invalid for acss_debit: use cad or usd.",
        )
    offered = [
        method
        for method in suitable
        if (allowed is None or method in allowed) and method not in excluded
    ]
    if not offered:
        raise invalid_parameter(
            "allowed_payment_method_types",
            "No valid payment method types for this Checkout Session.",
        )
    return offered


def _check_mandate(mandate: dict[str, Any]) -> None:
    path = "payment_method_options[acss_debit][mandate_options]"
    if "default_for" in mandate:
        check_billing_mandate(mandate, path)
        return
    for name in ("payment_schedule", "transaction_type"):
        if name not in mandate:
            raise missing_parameter(f"{path}[{name}]")
    if mandate["payment_schedule"] != "sporadic" and "interval_description" not in mandate:
        raise missing_parameter(f"{path}[interval_description]")


def _expiry(store: Store, request: dict[str, Any]) -> int:
    now = store.now()
    path = "expires_at"
    expires_at = int(request.get("expires_at", now + MAX_LIFE_S))
    if expires_at < now + MIN_LIFE_S - LIFE_TOLERANCE_S:
        raise invalid_parameter(
            path, f"The `{path}` timestamp must be at least 30 minutes from session creation."
        )
    if expires_at > now + MAX_LIFE_S + LIFE_TOLERANCE_S:
        raise invalid_parameter(
            path, f"The `{path}` timestamp must be less than 24 hours from session creation."
        )
    return expires_at
