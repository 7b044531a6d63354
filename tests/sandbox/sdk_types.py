"""Checks of a request's parameters, made from the types that the SDK has for them.

If the SDK's type is `Literal["a", "b"] | str`, the check accepts only "a" and "b".
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import stripe
from stripe._request_options import RequestOptions

from tests.sandbox.shapes import (
    ANYTHING,
    FORM_LEAVES,
    JSON_LEAVES,
    Check,
    a_hash,
    a_list,
    any_of,
    one_of,
)

PARAMETERS = {
    "GET /v1/account": "AccountRetrieveCurrentParams",
    "GET /v1/accounts/*": "AccountRetrieveParams",
    "GET /v1/balance": "BalanceRetrieveParams",
    "GET /v1/balance_transactions": "BalanceTransactionListParams",
    "GET /v1/balance_transactions/*": "BalanceTransactionRetrieveParams",
    "GET /v1/billing_portal/configurations": "billing_portal.ConfigurationListParams",
    "GET /v1/billing_portal/configurations/*": "billing_portal.ConfigurationRetrieveParams",
    "POST /v1/billing_portal/configurations": "billing_portal.ConfigurationCreateParams",
    "POST /v1/billing_portal/configurations/*": "billing_portal.ConfigurationUpdateParams",
    "POST /v1/billing_portal/sessions": "billing_portal.SessionCreateParams",
    "GET /v1/charges": "ChargeListParams",
    "GET /v1/charges/*": "ChargeRetrieveParams",
    "POST /v1/charges/*": "ChargeUpdateParams",
    "GET /v1/checkout/sessions": "checkout.SessionListParams",
    "GET /v1/checkout/sessions/*": "checkout.SessionRetrieveParams",
    "GET /v1/checkout/sessions/*/line_items": "checkout.SessionListLineItemsParams",
    "POST /v1/checkout/sessions": "checkout.SessionCreateParams",
    "POST /v1/checkout/sessions/*": "checkout.SessionUpdateParams",
    "POST /v1/checkout/sessions/*/expire": "checkout.SessionExpireParams",
    "DELETE /v1/customers/*": "CustomerDeleteParams",
    "GET /v1/customers": "CustomerListParams",
    "GET /v1/customers/*": "CustomerRetrieveParams",
    "POST /v1/customers": "CustomerCreateParams",
    "POST /v1/customers/*": "CustomerUpdateParams",
    "GET /v1/disputes": "DisputeListParams",
    "GET /v1/disputes/*": "DisputeRetrieveParams",
    "POST /v1/disputes/*": "DisputeUpdateParams",
    "POST /v1/disputes/*/close": "DisputeCloseParams",
    "GET /v1/events": "EventListParams",
    "GET /v1/events/*": "EventRetrieveParams",
    "GET /v1/invoice_payments": "InvoicePaymentListParams",
    "GET /v1/invoice_payments/*": "InvoicePaymentRetrieveParams",
    "GET /v1/invoices": "InvoiceListParams",
    "GET /v1/invoices/*": "InvoiceRetrieveParams",
    "GET /v1/invoices/*/lines": "InvoiceListLinesParams",
    "POST /v1/invoices/*": "InvoiceUpdateParams",
    "POST /v1/invoices/*/finalize": "InvoiceFinalizeInvoiceParams",
    "POST /v1/invoices/*/pay": "InvoicePayParams",
    "POST /v1/invoices/*/void": "InvoiceVoidInvoiceParams",
    "GET /v1/mandates/*": "MandateRetrieveParams",
    "GET /v1/payment_intents": "PaymentIntentListParams",
    "GET /v1/payment_intents/*": "PaymentIntentRetrieveParams",
    "POST /v1/payment_intents": "PaymentIntentCreateParams",
    "POST /v1/payment_intents/*": "PaymentIntentUpdateParams",
    "POST /v1/payment_intents/*/cancel": "PaymentIntentCancelParams",
    "POST /v1/payment_intents/*/confirm": "PaymentIntentConfirmParams",
    "GET /v1/payment_method_configurations": "PaymentMethodConfigurationListParams",
    "GET /v1/payment_method_configurations/*": "PaymentMethodConfigurationRetrieveParams",
    "POST /v1/payment_method_configurations/*": "PaymentMethodConfigurationUpdateParams",
    "GET /v1/payment_methods": "PaymentMethodListParams",
    "GET /v1/payment_methods/*": "PaymentMethodRetrieveParams",
    "POST /v1/payment_methods": "PaymentMethodCreateParams",
    "POST /v1/payment_methods/*/attach": "PaymentMethodAttachParams",
    "POST /v1/payment_methods/*/detach": "PaymentMethodDetachParams",
    "GET /v1/payouts": "PayoutListParams",
    "GET /v1/payouts/*": "PayoutRetrieveParams",
    "POST /v1/payouts": "PayoutCreateParams",
    "POST /v1/payouts/*": "PayoutUpdateParams",
    "POST /v1/payouts/*/cancel": "PayoutCancelParams",
    "GET /v1/prices": "PriceListParams",
    "GET /v1/prices/*": "PriceRetrieveParams",
    "POST /v1/prices": "PriceCreateParams",
    "POST /v1/prices/*": "PriceUpdateParams",
    "DELETE /v1/products/*": "ProductDeleteParams",
    "GET /v1/products": "ProductListParams",
    "GET /v1/products/*": "ProductRetrieveParams",
    "POST /v1/products": "ProductCreateParams",
    "POST /v1/products/*": "ProductUpdateParams",
    "GET /v1/refunds": "RefundListParams",
    "GET /v1/refunds/*": "RefundRetrieveParams",
    "POST /v1/refunds": "RefundCreateParams",
    "POST /v1/refunds/*": "RefundUpdateParams",
    "POST /v1/refunds/*/cancel": "RefundCancelParams",
    "GET /v1/setup_intents": "SetupIntentListParams",
    "GET /v1/setup_intents/*": "SetupIntentRetrieveParams",
    "POST /v1/setup_intents": "SetupIntentCreateParams",
    "POST /v1/setup_intents/*": "SetupIntentUpdateParams",
    "POST /v1/setup_intents/*/cancel": "SetupIntentCancelParams",
    "POST /v1/setup_intents/*/confirm": "SetupIntentConfirmParams",
    "POST /v1/setup_intents/*/verify_microdeposits": "SetupIntentVerifyMicrodepositsParams",
    "GET /v1/subscription_items": "SubscriptionItemListParams",
    "GET /v1/subscription_items/*": "SubscriptionItemRetrieveParams",
    "POST /v1/subscription_items/*": "SubscriptionItemUpdateParams",
    "DELETE /v1/subscriptions/*": "SubscriptionCancelParams",
    "GET /v1/subscriptions": "SubscriptionListParams",
    "GET /v1/subscriptions/*": "SubscriptionRetrieveParams",
    "POST /v1/subscriptions": "SubscriptionCreateParams",
    "POST /v1/subscriptions/*": "SubscriptionUpdateParams",
    "POST /v1/subscriptions/*/resume": "SubscriptionResumeParams",
    "DELETE /v1/test_helpers/test_clocks/*": "test_helpers.TestClockDeleteParams",
    "GET /v1/test_helpers/test_clocks": "test_helpers.TestClockListParams",
    "GET /v1/test_helpers/test_clocks/*": "test_helpers.TestClockRetrieveParams",
    "POST /v1/test_helpers/test_clocks": "test_helpers.TestClockCreateParams",
    "POST /v1/test_helpers/test_clocks/*/advance": "test_helpers.TestClockAdvanceParams",
    "DELETE /v1/webhook_endpoints/*": "WebhookEndpointDeleteParams",
    "GET /v1/webhook_endpoints": "WebhookEndpointListParams",
    "GET /v1/webhook_endpoints/*": "WebhookEndpointRetrieveParams",
    "POST /v1/webhook_endpoints": "WebhookEndpointCreateParams",
    "POST /v1/webhook_endpoints/*": "WebhookEndpointUpdateParams",
}

# The SDK's types also contain options such as headers, which are not parameters in the form.
_NO_PARAMETERS = frozenset(RequestOptions.__annotations__)
# The SDK's types of headers use names that some of its modules do not import at run time.
_NAMES_OF_HEADERS = {"Mapping": Mapping, "StripeContext": object}
_LEAVES = {
    Decimal: FORM_LEAVES["number"],
    bool: FORM_LEAVES["boolean"],
    float: FORM_LEAVES["number"],
    int: FORM_LEAVES["integer"],
    object: ANYTHING,
    str: FORM_LEAVES["string"],
}


def parameters_type(route: str) -> type:
    """Return the SDK's type of the parameters of this route."""
    module: Any = stripe.params
    for step in PARAMETERS[route].split("."):
        module = getattr(module, step)
    return module  # type: ignore[no-any-return]


@cache
def sdk_check(route: str) -> Check:
    return _check_of(parameters_type(route))


def _check_of(annotation: Any) -> Check:
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__required_keys__"):
        return _hash_of(annotation)
    if origin is Literal:
        return one_of(inner)
    if origin in (Union, UnionType):
        return _choice_of(inner)
    if origin is list:
        return a_list(_check_of(inner[0]))
    if origin is dict:
        return a_hash({}, (), JSON_LEAVES["string"] if inner[1] is str else _check_of(inner[1]))
    return _LEAVES[annotation]


@cache
def _hash_of(annotation: Any) -> Check:
    hints = get_type_hints(annotation, localns=_NAMES_OF_HEADERS)
    hints = {name: hint for name, hint in hints.items() if name not in _NO_PARAMETERS}
    return a_hash(
        {name: _check_of(hint) for name, hint in hints.items()},
        annotation.__required_keys__ & hints.keys(),
    )


def _choice_of(options: tuple[Any, ...]) -> Check:
    """Return the check of a union type.

    If the union has a literal text other than "", the check accepts no text that is not one of its
    literals, even if `str` is in the union.
    """
    texts = {text for one in options if get_origin(one) is Literal for text in get_args(one)}
    is_closed = bool(texts - {""})
    rest = [
        one
        for one in options
        if get_origin(one) is not Literal
        and not (one is str and is_closed)
        and one is not NoneType
        and get_origin(one) is not stripe._stripe_object.UntypedStripeObject
    ]
    return any_of([*([one_of(texts)] if texts else []), *(_check_of(one) for one in rest)])
