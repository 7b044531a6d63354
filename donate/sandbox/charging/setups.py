"""Sessions in which a donor agrees to later debits: an account is saved, and nothing is paid yet.

https://docs.stripe.com/payments/acss-debit/set-up-payment
"""

from dataclasses import replace
from typing import Any

from donate.sandbox.charging.saved_methods import save_method
from donate.sandbox.errors import Refusal, invalid_parameter, missing_parameter, not_in_this_sandbox
from donate.sandbox.objects.attempts import Attempt
from donate.sandbox.objects.null_fields import null_fields
from donate.sandbox.objects.payments import customer_details
from donate.sandbox.objects.subscriptions import new_customer
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_OPTIONS = "payment_method_options[acss_debit]"


def check_setup_request(asked: dict[str, Any]) -> None:
    """The sandbox saves bank accounts only; cards are saved by a subscription's session."""
    if asked.get("allowed_payment_method_types") != ["acss_debit"]:
        raise not_in_this_sandbox("mode", "setup without acss_debit alone")
    if "submit_type" in asked:
        raise invalid_parameter(
            "submit_type", "`submit_type` can only be specified in `payment` or `subscription` mode"
        )
    if "currency" not in asked.get("payment_method_options", {}).get("acss_debit", {}):
        raise missing_parameter(f"{_OPTIONS}[currency]")


def check_billing_mandate(mandate: dict[str, Any], path: str) -> None:
    """Refuse a mandate for Billing that lacks a purpose, or says when the debits are.

    Each purpose needs the other: https://docs.stripe.com/api/mandates/object. That Stripe refuses a
    schedule, its description or a mandate page of one's own beside them is what implementers report
    from test mode (2026); about `transaction_type` they differ, so it may be there or not.
    """
    if set(mandate["default_for"]) != {"invoice", "subscription"}:
        raise invalid_parameter(
            f"{path}[default_for]",
            "`invoice` and `subscription` must be provided together in `default_for`.",
        )
    for name in ("payment_schedule", "interval_description", "custom_mandate_url"):
        if name in mandate:
            raise invalid_parameter(
                f"{path}[{name}]", f"You cannot pass `{name}` together with `default_for`."
            )


def create_session_setup(store: Store, session: StripeObject, asked: dict[str, Any]) -> None:
    """Make the setup intent, which a session has from its first moment on."""
    session["setup_intent"] = new_setup_intent(store, asked, asked.get("setup_intent_data", {}))[
        "id"
    ]


def new_setup_intent(
    store: Store, asked: dict[str, Any], data: dict[str, Any] | None = None
) -> StripeObject:
    """`asked` says the methods and their options, `data` the description and the metadata."""
    data = asked if data is None else data
    intent_id = store.new_id("seti_1")
    intent = {
        "id": intent_id,
        "object": "setup_intent",
        **null_fields(
            "application automatic_payment_methods cancellation_reason customer customer_account "
            "excluded_payment_method_types flow_directions last_setup_error latest_attempt mandate "
            "next_action on_behalf_of payment_method payment_method_configuration_details "
            "single_use_mandate"
        ),
        "client_secret": f"{intent_id}_secret_{store.new_id('', 25)}",
        "created": store.now(),
        "description": data.get("description"),
        "livemode": False,
        "metadata": dict(data.get("metadata", {})),
        "payment_method_options": asked["payment_method_options"],
        "payment_method_types": asked["payment_method_types"],
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    store.setup_intents.put(intent)
    store.announce("setup_intent.created", intent)
    return intent


def complete_setup(
    store: Store, session: StripeObject, attempt: Attempt, *, verified: bool = True
) -> None:
    """Save the account. Unless `verified`, the donor must still confirm it with microdeposits."""
    if session["status"] != "open":
        raise Refusal(f"This Checkout Session is {session['status']}.")
    attempt = replace(attempt, email=attempt.email or session["customer_email"])
    intent = store.find(store.setup_intents, session["setup_intent"])
    customer = _customer_of(store, session, attempt)
    method_id = save_method(store, attempt, customer)
    intent.update(
        customer=customer,
        mandate=store.new_id("mandate_1"),
        payment_method=method_id,
        next_action=None if verified else microdeposits_action(store, intent),
        status="succeeded" if verified else "requires_action",
    )
    session.update(
        customer=customer,
        customer_details=customer_details(attempt.email, attempt.name),
        status="complete",
        url=None,
    )
    store.announce("setup_intent.succeeded" if verified else "setup_intent.requires_action", intent)
    store.announce("checkout.session.completed", session)


def finish_verification(store: Store, session: StripeObject, *, succeeds: bool) -> None:
    """Bring a verification that was under way to its end."""
    intent = store.setup_intents.get(session["setup_intent"] or "")
    if intent is None or intent["status"] != "requires_action":
        raise Refusal("This Checkout Session has no verification under way.")
    intent["next_action"] = None
    if succeeds:
        intent["status"] = "succeeded"
        store.announce("setup_intent.succeeded", intent)
        return
    intent.update(status="requires_payment_method", payment_method=None, mandate=None)
    intent["last_setup_error"] = {
        "code": "payment_method_microdeposit_failed",
        "message": "Microdeposit transfers failed.",
        "type": "invalid_request_error",
    }
    store.announce("setup_intent.setup_failed", intent)


def microdeposits_action(store: Store, intent: StripeObject) -> dict[str, Any]:
    """What an intent asks of the donor while two small deposits are on their way."""
    return {
        "type": "verify_with_microdeposits",
        "verify_with_microdeposits": {
            "arrival_date": store.now() + 2 * 86_400,
            "hosted_verification_url": f"{store.public_url}/microdeposit/{intent['id']}",
            "microdeposit_type": "amounts",
        },
    }


def has_subscription_mandate(store: Store, method_id: str) -> bool:
    """Whether the donor agreed to debits by subscriptions when they named this account."""
    intents = (one for one in store.setup_intents if one["payment_method"] == method_id)
    intent = next(intents, None)
    if intent is None or intent["status"] != "succeeded":
        return False
    mandate = intent["payment_method_options"]["acss_debit"]["mandate_options"]
    return "subscription" in mandate.get("default_for", [])


def _customer_of(store: Store, session: StripeObject, attempt: Attempt) -> str | None:
    if session["customer_creation"] != "always":
        return None
    customer = new_customer(store, attempt.email, attempt.name, None)
    store.customers.put(customer)
    store.announce("customer.created", customer)
    return str(customer["id"])
