"""Parameters of a checkout session that the sandbox refuses as Stripe does."""

import time
from typing import Any

import pytest
import stripe

from donate.sandbox.requests.form import decode_form
from tests.sandbox.running import SESSION, session_of

MANDATE = {"payment_schedule": "sporadic", "transaction_type": "personal"}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in SESSION.items() if name not in names}


def refusal(client: stripe.StripeClient, params: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params)
    assert refused.value.http_status == 400
    return refused.value


PRICE = "line_items[0][price_data]"
MANDATE_OPTIONS = "payment_method_options[acss_debit][mandate_options]"

REFUSED: list[tuple[dict[str, Any], str | None, str]] = [
    ({**SESSION, "colour": "blue"}, "parameter_unknown", "colour"),
    ({**SESSION, "metadata": {"k" * 41: "v"}}, None, "metadata"),
    ({**SESSION, "metadata": {"k": "v" * 501}}, None, "metadata[k]"),
    ({**SESSION, "metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata"),
    (without("mode"), "parameter_missing", "mode"),
    (without("success_url"), "parameter_missing", "success_url"),
    (without("line_items"), "parameter_missing", "line_items"),
    ({**SESSION, "mode": "setup"}, None, "line_items"),
    ({**SESSION, "mode": "gift"}, None, "mode"),
    ({**SESSION, "submit_type": "give"}, None, "submit_type"),
    ({**SESSION, "locale": "fr-FR"}, None, "locale"),
    ({**SESSION, "success_url": "not a url"}, "url_invalid", "success_url"),
    ({**SESSION, "cancel_url": "javascript:alert(1)"}, "url_invalid", "cancel_url"),
    ({**SESSION, "success_url": ""}, "parameter_invalid_empty", "success_url"),
    ({**SESSION, "customer_email": "nobody"}, "email_invalid", "customer_email"),
    ({**SESSION, "client_reference_id": "x" * 201}, None, "client_reference_id"),
    ({**SESSION, "expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
    (
        {**SESSION, "shipping_options": [{"shipping_rate": "shr_1"}]},
        "not_in_this_sandbox",
        "shipping_options",
    ),
    (
        {**SESSION, "payment_method_types": ["card"]},
        "payment_method_types_no_longer_supported",
        "payment_method_types",
    ),
    (
        {**SESSION, "allowed_payment_method_types": ["barter"]},
        None,
        "allowed_payment_method_types[0]",
    ),
    (
        {**SESSION, "excluded_payment_method_types": ["card"]},
        None,
        "allowed_payment_method_types",
    ),
    (
        session_of(2_500, "eur", allowed_payment_method_types=["acss_debit"]),
        None,
        "allowed_payment_method_types",
    ),
    (
        {**SESSION, "allowed_payment_method_types": ["acss_debit"]},
        "parameter_missing",
        f"{MANDATE_OPTIONS}[payment_schedule]",
    ),
    (
        {
            **SESSION,
            "payment_method_options": {
                "acss_debit": {"mandate_options": {**MANDATE, "payment_schedule": "interval"}}
            },
        },
        "parameter_missing",
        f"{MANDATE_OPTIONS}[interval_description]",
    ),
    (
        {**SESSION, "payment_intent_data": {"receipt_email": "nobody"}},
        "email_invalid",
        "payment_intent_data[receipt_email]",
    ),
    (
        {**SESSION, "payment_intent_data": {"amount": 1}},
        "parameter_unknown",
        "payment_intent_data[amount]",
    ),
    (session_of(49), "amount_too_small", "line_items"),
    (session_of(49, "jpy"), "amount_too_small", "line_items"),
    (session_of(1_005, "kwd"), "parameter_invalid_integer", f"{PRICE}[unit_amount]"),
    (session_of(700_050, "isk"), "parameter_invalid_integer", f"{PRICE}[unit_amount]"),
    (session_of(20_000_001, "ugx"), "parameter_invalid_integer", f"{PRICE}[unit_amount]"),
    (session_of(-100), "parameter_invalid_integer", f"{PRICE}[unit_amount]"),
    (session_of(100_000_000), "parameter_invalid_integer", f"{PRICE}[unit_amount]"),
    (session_of(2_500, "xyz"), None, f"{PRICE}[currency]"),
]


@pytest.mark.parametrize(
    ("params", "code", "param"), REFUSED, ids=[f"{param}-{code}" for _, code, param in REFUSED]
)
def test_a_refusal_names_the_parameter(
    client: stripe.StripeClient, params: dict[str, Any], code: str | None, param: str
) -> None:
    """A refusal has Stripe's error code and the name of the parameter."""
    refused = refusal(client, params)
    assert (refused.code, refused.param) == (code, param)


@pytest.mark.parametrize("amount", ["12.50", "1e3", "", "NaN", "\N{FULLWIDTH DIGIT ONE}"])
def test_an_amount_is_a_whole_number(client: stripe.StripeClient, amount: str) -> None:
    """An amount that is not a whole number in ASCII digits is refused."""
    price = {"currency": "cad", "unit_amount": amount, "product_data": {"name": "Gift"}}
    params = {**SESSION, "line_items": [{"quantity": 1, "price_data": price}]}
    assert refusal(client, params).param == f"{PRICE}[unit_amount]"


@pytest.mark.parametrize("seconds", [60, 28 * 60, 24 * 60 * 60 + 300])
def test_a_session_lives_between_30_minutes_and_a_day(
    client: stripe.StripeClient, seconds: int
) -> None:
    """A session's expires_at must be between 30 minutes and 24 hours away."""
    params = {**SESSION, "expires_at": int(time.time()) + seconds}
    assert refusal(client, params).param == "expires_at"


@pytest.mark.parametrize(
    "params",
    [
        session_of(50),
        session_of(500, "jpy"),
        session_of(1_000, "kwd"),
        session_of(700_000, "isk"),
        {**SESSION, "locale": "fr-CA"},
        {**SESSION, "allowed_payment_method_types": ["card"]},
        {**SESSION, "payment_method_options": {"acss_debit": {"mandate_options": MANDATE}}},
        {**SESSION, "metadata": {str(n): "v" for n in range(50)}},
    ],
    ids=[
        "least CAD",
        "least JPY",
        "least KWD",
        "least ISK",
        "Canadian French",
        "card only",
        "a mandate",
        "fifty keys",
    ],
)
def test_values_within_the_limits_are_accepted(client: stripe.StripeClient, params: Any) -> None:
    """Parameters whose values are just within Stripe's limits are accepted."""
    assert client.v1.checkout.sessions.create(params).status == "open"


def test_half_an_hour_is_long_enough(client: stripe.StripeClient) -> None:
    """A session may expire after half an hour."""
    params = {**SESSION, "expires_at": int(time.time()) + 30 * 60 + 1}
    assert client.v1.checkout.sessions.create(params).status == "open"  # type: ignore[arg-type]


def test_methods_follow_from_what_is_allowed(client: stripe.StripeClient) -> None:
    """A session offers the allowed payment methods that fit its currency."""
    options = {"acss_debit": {"mandate_options": MANDATE}}
    both = {**SESSION, "payment_method_options": options}
    bank_only = {**both, "allowed_payment_method_types": ["acss_debit"]}
    offered = [
        client.v1.checkout.sessions.create(params).payment_method_types  # type: ignore[arg-type]
        for params in (SESSION, both, bank_only)
    ]
    assert offered == [["card"], ["card", "acss_debit"], ["acss_debit"]]


def test_several_unknown_parameters_are_all_named(client: stripe.StripeClient) -> None:
    """If several parameters are unknown, the refusal names all of them."""
    refused = refusal(client, {**SESSION, "colour": "blue", "size": "9"})
    assert "colour, size" in str(refused)


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (b"a=1&b[c]=2", {"a": "1", "b": {"c": "2"}}),
        (b"a[0][b]=1&a[1][b]=2", {"a": [{"b": "1"}, {"b": "2"}]}),
        (b"a[]=1&a[]=2", {"a": ["1", "2"]}),
        (b"a%5B0%5D=%C3%A9", {"a": ["\N{LATIN SMALL LETTER E WITH ACUTE}"]}),
        (b"", {}),
    ],
    ids=["hash", "numbered list", "list", "encoded", "empty"],
)
def test_forms_are_read_with_their_nesting(encoded: bytes, decoded: dict[str, Any]) -> None:
    """decode_form turns fields with brackets in their names, as in a[b], into dicts and lists."""
    assert decode_form(encoded) == decoded
