"""Setup sessions save a bank account: a donor agrees to later debits, and pays nothing yet.

https://docs.stripe.com/payments/acss-debit/set-up-payment
"""

from dataclasses import replace
from typing import Any

from donate.sandbox.charging.saved_methods import save_method
from donate.sandbox.errors import Refusal, invalid_parameter, missing_parameter, not_in_this_sandbox
from donate.sandbox.objects.attempts import Attempt
from donate.sandbox.objects.parts import null_fields
from donate.sandbox.objects.payments import customer_details
from donate.sandbox.objects.subscriptions import new_customer
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_OPTIONS = "payment_method_options[acss_debit]"


def check_setup_request(request: dict[str, Any]) -> None:
    """Refuse a setup that is not for a bank account; cards are saved by subscription sessions."""
    if request.get("allowed_payment_method_types") != ["acss_debit"]:
        raise not_in_this_sandbox("mode", "setup without acss_debit alone")
    if "submit_type" in request:
        raise invalid_parameter(
            "submit_type", "`submit_type` can only be specified in `payment` or `subscription` mode"
        )
    if "currency" not in request.get("payment_method_options", {}).get("acss_debit", {}):
        raise missing_parameter(f"{_OPTIONS}[currency]")


def check_billing_mandate(mandate: dict[str, Any], path: str) -> None:
    """Check a mandate for Billing. Raises Refusal unless it is one that Stripe would accept.

    `default_for` must contain both `invoice` and `subscription`:
    https://docs.stripe.com/api/mandates/object. Implementers report from test mode (2026) that
    together with `default_for`, Stripe refuses a payment schedule, a description of the schedule,
    and a custom mandate page. They disagree about whether `transaction_type` is needed, so it is
    optional here.
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


def create_session_setup(store: Store, session: StripeObject, request: dict[str, Any]) -> None:
    """Create the setup intent of a new setup session."""
    session["setup_intent"] = new_setup_intent(
        store, request, request.get("setup_intent_data", {})
    )["id"]


def new_setup_intent(
    store: Store, request: dict[str, Any], data: dict[str, Any] | None = None
) -> StripeObject:
    """Create a setup intent.

    `request` contains the payment methods and their options. `data` contains the description and
    the metadata.
    """
    data = request if data is None else data
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
        "payment_method_options": request["payment_method_options"],
        "payment_method_types": request["payment_method_types"],
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    store.setup_intents.put(intent)
    store.announce("setup_intent.created", intent)
    return intent


def complete_setup(
    store: Store, session: StripeObject, attempt: Attempt, *, verified: bool = True
) -> None:
    """Save the bank account. If not `verified`, the donor has to confirm it with microdeposits."""
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
    """Finish a pending verification of the bank account."""
    intent = store.setup_intents.get(session["setup_intent"] or "")
    if intent is None or intent["status"] != "requires_action":
        raise Refusal("This Checkout Session has no pending verification.")
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
    """Return an intent's `next_action` while the two microdeposits are on their way."""
    return {
        "type": "verify_with_microdeposits",
        "verify_with_microdeposits": {
            "arrival_date": store.now() + 2 * 86_400,
            "hosted_verification_url": f"{store.public_url}/microdeposit/{intent['id']}",
            "microdeposit_type": "amounts",
        },
    }


def has_subscription_mandate(store: Store, method_id: str) -> bool:
    """Return whether the donor agreed to subscription debits from this bank account."""
    intents = (intent for intent in store.setup_intents if intent["payment_method"] == method_id)
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
