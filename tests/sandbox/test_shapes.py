"""The sandbox's objects have the fields that Stripe's API reference gives them.

https://docs.stripe.com/api: the fields that are always there, expandable or not.
"""

from typing import Any

import pytest
import stripe

from tests.sandbox.running import SESSION, RunningSandbox

FIELDS = {
    "checkout.session": """
        id object adaptive_pricing after_expiration allow_promotion_codes amount_subtotal
        amount_total automatic_tax billing_address_collection cancel_url client_reference_id
        client_secret collected_information consent consent_collection created currency
        currency_conversion custom_fields custom_text customer customer_account customer_creation
        customer_details customer_email discounts expires_at integration_identifier invoice
        invoice_creation livemode locale managed_payments metadata mode origin_context
        payment_intent payment_link payment_method_collection payment_method_configuration_details
        payment_method_options payment_method_types payment_status permissions
        phone_number_collection recovered_from saved_payment_method_options setup_intent
        shipping_address_collection shipping_cost shipping_options status submit_type subscription
        success_url total_details ui_mode url wallet_options
    """,
    "payment_intent": """
        id object amount amount_capturable amount_details amount_received application
        application_fee_amount automatic_payment_methods canceled_at cancellation_reason
        capture_method client_secret confirmation_method created currency customer
        customer_account description excluded_payment_method_types last_payment_error
        latest_charge livemode managed_payments metadata next_action on_behalf_of payment_method
        payment_method_configuration_details payment_method_options payment_method_types
        processing receipt_email review setup_future_usage shipping source statement_descriptor
        statement_descriptor_suffix status transfer_data transfer_group
    """,
    "charge": """
        id object amount amount_captured amount_refunded application application_fee
        application_fee_amount balance_transaction billing_details calculated_statement_descriptor
        captured created currency customer description disputed failure_balance_transaction
        failure_code failure_message fraud_details livemode metadata on_behalf_of outcome paid
        payment_intent payment_method payment_method_details receipt_email receipt_number
        receipt_url refunded review shipping source source_transfer statement_descriptor
        statement_descriptor_suffix status transfer_data transfer_group
    """,
    "refund": """
        id object amount balance_transaction charge created currency customer customer_account
        destination_details metadata payment_intent payment_method reason receipt_number
        source_transfer_reversal status transfer_reversal
    """,
    "balance_transaction": """
        id object amount available_on balance_type created currency description exchange_rate fee
        fee_details net reporting_category source status type
    """,
    "dispute": """
        id object amount balance_transactions charge created currency enhanced_eligibility_types
        evidence evidence_details is_charge_refundable livemode metadata payment_intent
        payment_method_details reason status
    """,
    "event": """
        id object api_version created data livemode pending_webhooks request type
    """,
}

INSIDE: dict[tuple[str, str], str] = {
    ("charge", "billing_details"): "address email name phone tax_id",
    ("charge", "outcome"): """
        advice_code network_advice_code network_decline_code network_status reason risk_level
        risk_score seller_message type
    """,
    ("balance_transaction", "fee_details"): "amount application currency description type",
    ("checkout.session", "customer_details"): """
        address business_name email individual_name name phone tax_exempt tax_ids
    """,
    ("checkout.session", "total_details"): "amount_discount amount_shipping amount_tax",
    ("event", "data"): "object",
    ("event", "request"): "id idempotency_key",
}


@pytest.fixture
def objects(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> dict[str, dict[str, Any]]:
    """One object of each kind, after a payment, a part refund and a dispute."""
    client = fresh_client
    session = client.v1.checkout.sessions.create(SESSION)
    paid = fresh_sandbox.pay(session.id)
    intent = paid["session"]["payment_intent"]
    refund = client.v1.refunds.create({"payment_intent": intent, "amount": 500})
    dispute = fresh_sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent)["dispute"]
    charge = client.v1.charges.retrieve(paid["charge"]["id"])
    line = client.v1.balance_transactions.retrieve(str(charge.balance_transaction))
    event = client.v1.events.list({"type": "checkout.session.completed"}).data[0]
    return {
        "checkout.session": client.v1.checkout.sessions.retrieve(session.id).to_dict(),
        "payment_intent": client.v1.payment_intents.retrieve(intent).to_dict(),
        "charge": charge.to_dict(),
        "refund": refund.to_dict(),
        "balance_transaction": line.to_dict(),
        "dispute": client.v1.disputes.retrieve(dispute["id"]).to_dict(),
        "event": event.to_dict(),
    }


def test_every_field_of_the_reference_is_there(objects: dict[str, dict[str, Any]]) -> None:
    """No object lacks a field that Stripe's reference lists as always present."""
    missing = {
        kind: set(fields.split()) - set(objects[kind])
        for kind, fields in FIELDS.items()
        if not set(fields.split()) <= set(objects[kind])
    }
    assert missing == {}
    assert {kind: thing["object"] for kind, thing in objects.items()} == {k: k for k in objects}


@pytest.mark.parametrize(("kind", "field"), INSIDE)
def test_what_is_inside_has_its_shape_too(
    objects: dict[str, dict[str, Any]], kind: str, field: str
) -> None:
    """The hashes inside the objects have the reference's fields."""
    inside = objects[kind][field]
    found = inside[0] if isinstance(inside, list) else inside
    assert set(INSIDE[kind, field].split()) <= set(found)


def test_ids_look_like_stripes(objects: dict[str, dict[str, Any]]) -> None:
    """Each id begins as it does at Stripe, and nothing is live."""
    prefixes = {
        "checkout.session": "cs_test_",
        "payment_intent": "pi_",
        "charge": "ch_",
        "refund": "re_",
        "balance_transaction": "txn_",
        "dispute": "du_",
        "event": "evt_",
    }
    for kind, prefix in prefixes.items():
        assert objects[kind]["id"].startswith(prefix)
        assert objects[kind].get("livemode", False) is False
