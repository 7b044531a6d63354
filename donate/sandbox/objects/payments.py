"""New objects with every field that is in Stripe's API reference.

Field names: https://docs.stripe.com/api. Fields that the sandbox does not use are null, which is
also Stripe's default.
"""

from typing import Any

from donate.sandbox.objects.parts import (
    account_settings,
    branding,
    no_address,
    no_evidence,
    null_fields,
)
from donate.sandbox.objects.prices import new_price
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def new_session(
    store: Store, request: dict[str, Any], total: int | None, currency: str
) -> StripeObject:
    """Return a session from the checked parameters. `total` is None for a setup session."""
    session_id = store.new_id("cs_test_a1", 56)
    is_recurring, is_setup = request["mode"] == "subscription", request["mode"] == "setup"
    email = request.get("customer_email")
    return {
        "id": session_id,
        "object": "checkout.session",
        **null_fields(
            "after_expiration client_secret collected_information consent consent_collection "
            "currency_conversion customer customer_account invoice payment_intent payment_link "
            "permissions recovered_from saved_payment_method_options setup_intent "
            "shipping_address_collection shipping_cost subscription wallet_options"
        ),
        # Stripe copies these parameters into the session.
        **{
            name: request.get(name)
            for name in (
                "allow_promotion_codes allowed_payment_method_types billing_address_collection "
                "cancel_url client_reference_id customer_email expires_at integration_identifier "
                "locale mode origin_context payment_method_types submit_type success_url"
            ).split()
        },
        # Stripe shows these fields only if the request contained them.
        **{name: request[name] for name in ("excluded_payment_method_types",) if name in request},
        "adaptive_pricing": request.get("adaptive_pricing", {"enabled": False}),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, **null_fields("liability provider status")},
        "branding_settings": branding(request.get("branding_settings", {})),
        "created": store.now(),
        "currency": request.get("currency") if is_setup else currency,
        "custom_fields": [],
        "custom_text": {
            **null_fields("after_submit shipping_address submit terms_of_service_acceptance"),
            **request.get("custom_text", {}),
        },
        "customer_creation": request.get(
            "customer_creation", "always" if is_recurring else "if_required"
        ),
        "customer_details": customer_details(email, None) if email else None,
        "discounts": [],
        "invoice_creation": _no_invoice() if request["mode"] == "payment" else None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": request.get("metadata", {}),
        "payment_method_collection": "always" if is_recurring else "if_required",
        "payment_method_configuration_details": {"id": "pmc_1SandboxDefault", "parent": None},
        "payment_method_options": request.get("payment_method_options", {}),
        "payment_status": "no_payment_required" if is_setup else "unpaid",
        "phone_number_collection": request.get("phone_number_collection", {"enabled": False}),
        "shipping_options": [],
        "status": "open",
        "total_details": None
        if is_setup
        else {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{store.public_url}/pay/{session_id}",
    }


def _no_invoice() -> dict[str, Any]:
    return {
        "enabled": False,
        "invoice_data": {
            **null_fields("account_tax_ids custom_fields description footer issuer"),
            "metadata": {},
            "rendering_options": None,
        },
    }


def customer_details(email: str | None, name: str | None) -> dict[str, Any]:
    return {
        "address": no_address() if name else None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [] if name else None,
    }


def new_line_item(store: Store, request: dict[str, Any], currency: str) -> StripeObject:
    data = request["price_data"]
    total = data["unit_amount"] * request["quantity"]
    return {
        "id": store.new_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": data["product_data"]["name"],
        "metadata": request.get("metadata", {}),
        "price": new_price(store, data, currency),
        "quantity": request["quantity"],
    }


def new_payment_intent(
    store: Store, amount: int, currency: str, methods: list[str], request: dict[str, Any]
) -> StripeObject:
    """Return a payment intent from a session's `payment_intent_data` or an invoice's values."""
    intent_id = store.new_id("pi_3")
    return {
        "id": intent_id,
        "object": "payment_intent",
        **null_fields(
            "allowed_payment_method_types application application_fee_amount "
            "automatic_payment_methods canceled_at cancellation_reason customer_account "
            "excluded_payment_method_types last_payment_error latest_charge next_action "
            "on_behalf_of payment_method payment_method_configuration_details processing review "
            "shipping source transfer_data transfer_group"
        ),
        **{
            name: request.get(name)
            for name in (
                "customer description receipt_email setup_future_usage statement_descriptor "
                "statement_descriptor_suffix"
            ).split()
        },
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": request.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_{store.new_id('', 25)}",
        "confirmation_method": "automatic",
        "created": store.now(),
        "currency": currency,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": dict(request.get("metadata", {})),
        "payment_method_options": {name: {} for name in methods},
        "payment_method_types": methods,
        "status": "requires_payment_method",
    }


def new_charge(
    store: Store,
    intent: StripeObject,
    billing: dict[str, Any],
    method_details: dict[str, Any],
) -> StripeObject:
    # At Stripe, the ids of charges that are not card payments begin with a different prefix.
    prefix = "ch_3" if method_details["type"] == "card" else "py_3"
    return {
        "id": store.new_id(prefix),
        "object": "charge",
        **null_fields(
            "application application_fee application_fee_amount balance_transaction "
            "failure_balance_transaction failure_code failure_message on_behalf_of outcome "
            "receipt_number receipt_url review shipping source source_transfer transfer_data "
            "transfer_group"
        ),
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": {"address": no_address(), "phone": None, "tax_id": None, **billing},
        "calculated_statement_descriptor": "SANDBOX",
        "captured": False,
        "created": store.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": store.new_id("pm_1"),
        "payment_method_details": method_details,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
    }


def new_refund(
    store: Store, charge: StripeObject, amount: int, status: str, request: dict[str, Any]
) -> StripeObject:
    prefix = "re_3" if charge["payment_method_details"]["type"] == "card" else "pyr_1"
    return {
        "id": store.new_id(prefix),
        "object": "refund",
        **null_fields(
            "balance_transaction customer customer_account receipt_number source_transfer_reversal "
            "transfer_reversal"
        ),
        "amount": amount,
        "charge": charge["id"],
        "created": store.now(),
        "currency": charge["currency"],
        "destination_details": _destination(charge),
        "metadata": request.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": request.get("reason"),
        "status": status,
    }


def new_dispute(store: Store, charge: StripeObject, reason: str) -> StripeObject:
    return {
        "id": store.new_id("du_1"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": store.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": no_evidence(),
        "evidence_details": {
            "due_by": store.now() + 9 * 86_400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        **_dispute_method(charge),
        "reason": reason,
        "status": "needs_response",
    }


def _destination(charge: StripeObject) -> dict[str, Any]:
    method = charge["payment_method_details"]["type"]
    return {method: {"type": "refund"} if method == "card" else {}, "type": method}


def _dispute_method(charge: StripeObject) -> dict[str, Any]:
    """Return the card details of a dispute; for a bank debit, return an empty dict."""
    method = charge["payment_method_details"]
    if method["type"] != "card":
        return {}
    brand = method["card"]["brand"]
    card = {
        "brand": brand,
        "case_type": "chargeback",
        "network": brand,
        "network_reason_code": "10.4",
    }
    return {"payment_method_details": {"card": card, "type": "card"}}


def account(store: Store) -> StripeObject:
    return {
        "id": store.account_id,
        "object": "account",
        "business_profile": {"name": "Sandbox charity", "support_email": None, "url": None},
        "business_type": "non_profit",
        "capabilities": dict(store.capabilities),
        "charges_enabled": True,
        "country": "CA",
        "created": 1_577_836_800,
        "default_currency": "cad",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": account_settings(),
        "type": "standard",
    }
