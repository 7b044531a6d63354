"""The sandbox's objects have every field that Stripe's API reference lists as always present.

The reference is at https://docs.stripe.com/api.
"""

from typing import Any

import pytest
import stripe

from tests.sandbox.running import SESSION, RunningSandbox, monthly_of

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
    "customer": """
        id object address balance created currency default_source delinquent description discount
        email invoice_prefix invoice_settings livemode metadata name next_invoice_sequence phone
        preferred_locales shipping tax_exempt test_clock
    """,
    "subscription": """
        id object application application_fee_percent automatic_tax billing_cycle_anchor
        billing_cycle_anchor_config billing_mode billing_schedules billing_thresholds cancel_at
        cancel_at_period_end canceled_at cancellation_details collection_method created currency
        customer customer_account days_until_due default_payment_method default_source
        default_tax_rates description discounts ended_at invoice_settings items latest_invoice
        livemode managed_payments metadata next_pending_invoice_item_invoice on_behalf_of
        pause_collection payment_settings pending_invoice_item_interval pending_setup_intent
        pending_update schedule start_date status test_clock transfer_data trial_end
        trial_settings trial_start
    """,
    "subscription_item": """
        id object billing_thresholds created current_period_end current_period_start discounts
        metadata plan price quantity subscription tax_rates
    """,
    "price": """
        id object active billing_scheme created currency custom_unit_amount livemode lookup_key
        metadata nickname product recurring tax_behavior tiers_mode transform_quantity type
        unit_amount unit_amount_decimal
    """,
    "plan": """
        id object active amount amount_decimal billing_scheme created currency interval
        interval_count livemode metadata meter nickname product tiers_mode transform_usage
        trial_period_days usage_type
    """,
    "invoice": """
        id object account_country account_name account_tax_ids amount_due amount_overpaid
        amount_paid amount_remaining amount_shipping application attempt_count attempted
        auto_advance automatic_tax automatically_finalizes_at billing_reason collection_method
        created currency custom_fields customer customer_account customer_address customer_email
        customer_name customer_phone customer_shipping customer_tax_exempt customer_tax_ids
        default_payment_method default_source default_tax_rates description discounts due_date
        effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf issuer
        last_finalization_error latest_revision lines livemode metadata next_payment_attempt
        number on_behalf_of parent payment_settings period_end period_start
        post_payment_credit_notes_amount pre_payment_credit_notes_amount receipt_number rendering
        shipping_cost shipping_details starting_balance statement_descriptor status
        status_transitions subtotal subtotal_excluding_tax test_clock total
        total_discount_amounts total_excluding_tax total_pretax_credit_amounts total_taxes
        webhooks_delivered_at
    """,
    "line_item": """
        id object amount currency description discount_amounts discountable discounts invoice
        livemode metadata parent period pretax_credit_amounts pricing quantity quantity_decimal
        subscription subtotal taxes
    """,
    "invoice_payment": """
        id object amount_paid amount_requested created currency invoice is_default livemode
        payment status status_transitions
    """,
    "event": """
        id object api_version created data livemode pending_webhooks request type
    """,
}

INNER_FIELDS: dict[tuple[str, str], str] = {
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
    ("invoice", "parent"): "subscription_details type",
    ("invoice", "status_transitions"): """
        finalized_at marked_uncollectible_at paid_at voided_at
    """,
    ("invoice_payment", "payment"): "payment_intent type",
    ("line_item", "pricing"): "type unit_amount_decimal",
    ("line_item", "parent"): "invoice_item_details subscription_item_details type",
    ("price", "recurring"): "interval interval_count meter trial_period_days usage_type",
    ("subscription", "cancellation_details"): "comment feedback reason",
    ("event", "data"): "object",
    ("event", "request"): "id idempotency_key",
}


@pytest.fixture
def objects(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> dict[str, dict[str, Any]]:
    """One object of each kind, after a payment, a partial refund, a dispute and a pledge."""
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
        **billing_objects(client, fresh_sandbox),
    }


def billing_objects(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> dict[str, dict[str, Any]]:
    """Pay a subscription's first month; return one object of each kind that it made."""
    session = client.v1.checkout.sessions.create(monthly_of(2_500))
    invoice_id = sandbox.pay(session.id)["session"]["invoice"]
    expand = ["customer", "payments", "parent.subscription_details.subscription"]
    invoice = client.v1.invoices.retrieve(invoice_id, {"expand": expand}).to_dict()
    subscription = invoice["parent"]["subscription_details"]["subscription"]
    item = subscription["items"]["data"][0]
    return {
        "customer": invoice["customer"],
        "subscription": subscription,
        "subscription_item": item,
        "price": item["price"],
        "plan": item["plan"],
        "invoice": invoice,
        "line_item": invoice["lines"]["data"][0],
        "invoice_payment": invoice["payments"]["data"][0],
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


@pytest.mark.parametrize(("kind", "field"), INNER_FIELDS)
def test_nested_hashes_have_every_field(
    objects: dict[str, dict[str, Any]], kind: str, field: str
) -> None:
    """Objects nested inside the sandbox's objects have all fields of Stripe's reference too."""
    value = objects[kind][field]
    inner = value[0] if isinstance(value, list) else value
    assert set(INNER_FIELDS[kind, field].split()) <= set(inner)


def test_ids_look_like_stripes(objects: dict[str, dict[str, Any]]) -> None:
    """The id of each object has Stripe's prefix for its kind, and no object is in live mode."""
    prefixes = {
        "checkout.session": "cs_test_",
        "payment_intent": "pi_",
        "charge": "ch_",
        "refund": "re_",
        "balance_transaction": "txn_",
        "dispute": "du_",
        "event": "evt_",
        "customer": "cus_",
        "subscription": "sub_",
        "subscription_item": "si_",
        "price": "price_",
        "invoice": "in_",
        "line_item": "il_",
        "invoice_payment": "inpay_",
    }
    for kind, prefix in prefixes.items():
        assert objects[kind]["id"].startswith(prefix)
        assert objects[kind].get("livemode", False) is False
