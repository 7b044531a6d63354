"""Which events with a valid signature are unusable, and for which reason."""

import copy
import json
from typing import Any
from uuid import UUID

import pytest

from donate.gifts.models import Gift
from donate.money import MAX_AMOUNT_MINOR
from donate.stripe_gateway.events.fields import Reading, UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of, read_event
from tests.stripe_gateway.examples import (
    COMPLETED,
    DISPUTE,
    LATER,
    REFUND,
    SESSION,
    event,
)
from tests.stripe_gateway.months import invoice_event

DEEP = 100_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not readable as JSON"),
        (b"hello", "not readable as JSON"),
        (b"\xff\xfe\xfd", "not readable as JSON"),
        (b'{"id": "evt_1"', "not readable as JSON"),
        (b"[" * DEEP + b"]" * DEEP, "not readable as JSON (RecursionError)"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "not readable as JSON (RecursionError)"),
        (b'{"created": ' + b"9" * 5_000 + b"}", "not readable as JSON (ValueError)"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"7", "not a JSON object"),
        (b'"evt_1"', "not a JSON object"),
        (b"NaN", "not a JSON object"),
        (b"{}", "id is missing"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_no_json_object_is_unusable(body: bytes, reason: str) -> None:
    """A signed body that is not a JSON object, or is nested too deep, is unusable."""
    with pytest.raises(UnusableEvent) as unusable:
        envelope_of(body)
    assert str(unusable.value).startswith(reason)


GONE = object()


def label(value: Any) -> str:
    """Return a short id for a test case."""
    if value is GONE:
        return "missing"
    if isinstance(value, dict) and "object" in value:
        return str(value["object"])
    is_readable = isinstance(value, str) and value and value.isascii() and value.isprintable()
    return str(value)[:60] if is_readable else repr(value)[:40]


ODD = [GONE, None, 7, 1.5, True, [], {}, ["evt_1"], "", "a b", "\x00", "\ud800", "é", "x" * 256]


def changed(body: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """Return a copy of an event in which the field at this path has this value or is missing."""
    body = copy.deepcopy(body)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return body


def reason_against(body: dict[str, Any]) -> str:
    with pytest.raises(UnusableEvent) as unusable:
        read_event(envelope_of(json.dumps(body).encode()))
    return str(unusable.value)


@pytest.mark.parametrize("value", ODD, ids=label)
@pytest.mark.parametrize("key", ["id", "type"])
def test_an_event_needs_an_id_and_a_type(key: str, value: Any) -> None:
    """An event without a valid id or type is unusable, and the reason names the field."""
    body = changed(event(COMPLETED, SESSION), key, value=value)
    assert reason_against(body) == f"{key} is missing or odd"


@pytest.mark.parametrize("value", [GONE, None, 0, 1, "false", []], ids=label)
def test_an_event_needs_livemode(value: Any) -> None:
    """An event whose livemode is neither true nor false is unusable."""
    body = changed(event(COMPLETED, SESSION), "livemode", value=value)
    assert reason_against(body) == "livemode is missing"


@pytest.mark.parametrize(
    "value", [GONE, None, [], "x", {}, {"object": None}, {"object": []}], ids=label
)
def test_an_event_needs_an_object(value: Any) -> None:
    """An event without data.object is unusable."""
    body = changed(event(COMPLETED, SESSION), "data", value=value)
    assert reason_against(body) == "data.object is missing"


@pytest.mark.parametrize(
    "value", [GONE, None, 0, -1, 1.5, True, "1772366400", 2**33, 2**63, 10**30], ids=label
)
def test_an_event_needs_a_time(value: Any) -> None:
    """An event is unusable if its creation time is invalid or does not fit a database column."""
    body = changed(event(COMPLETED, SESSION), "created", value=value)
    assert reason_against(body) == "created is not a time"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [("attempt_count", odd, "attempt_count is not a count") for odd in [*ODD[3:], -1, 10**30]]
    + [("id", "i" * 101, "id is missing or odd")]
    + [("amount_due", odd, "amount_due is not a usable amount") for odd in [False, 0.0, -0.0]],
    ids=label,
)
def test_an_invoice_with_an_invalid_value_is_unusable(key: str, value: Any, reason: str) -> None:
    """An invoice is unusable if its id, attempt_count or amount is invalid."""
    values: dict[str, Any] = {"id": UUID(int=7), "reference": "LWCAN-7KQ4M2X", "currency": "CAD"}
    gift = Gift(**values)
    failed_invoice = invoice_event(
        gift, "in_1", step="payment_failed", reason="subscription_create"
    )
    body = changed(failed_invoice, "data", "object", key, value=value)
    assert reason_against(body) == reason


def test_a_thin_event_says_so() -> None:
    """A thin event (v2), which lacks the object, is unusable, and the reason says so."""
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter", "livemode": False}
    assert "thin (v2)" in reason_against(thin)


BAD_AMOUNTS = [GONE, None, 0, -5_000, "5000", 50.5, 5000.0, True, [], 2**63, MAX_AMOUNT_MINOR + 1]


@pytest.mark.parametrize("value", BAD_AMOUNTS, ids=label)
@pytest.mark.parametrize(
    ("kind", "content", "key"),
    [
        (COMPLETED, SESSION, "amount_total"),
        (LATER, SESSION, "amount_total"),
        ("refund.created", REFUND, "amount"),
        ("charge.dispute.created", DISPUTE, "amount"),
    ],
    ids=label,
)
def test_an_amount_is_a_whole_number(
    kind: str, content: dict[str, Any], key: str, value: Any
) -> None:
    """An amount must be a positive whole number of minor units; otherwise the event is unusable."""
    body = changed(event(kind, content), "data", "object", key, value=value)
    assert reason_against(body) == f"{key} is not a usable amount"


@pytest.mark.parametrize(
    "value", [GONE, None, "", "dollars", "xyz", 124, ["cad"], "c\u00e4d"], ids=label
)
@pytest.mark.parametrize(
    ("kind", "content"), [(COMPLETED, SESSION), ("refund.created", REFUND)], ids=label
)
def test_a_currency_is_known(kind: str, content: dict[str, Any], value: Any) -> None:
    """An event in an unknown currency is unusable."""
    body = changed(event(kind, content), "data", "object", "currency", value=value)
    assert reason_against(body) == "currency is not a known one"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("mode", "subscription", "invoice is missing or odd"),
        ("mode", "setup", "payment_status is 'paid' where nothing was to be paid"),
        ("mode", GONE, "a checkout session of mode ''"),
        ("mode", ["payment"], "a checkout session of mode ''"),
        ("payment_status", "no_payment_required", "payment_status is 'no_payment_required'"),
        ("payment_status", "PAID", "payment_status is 'PAID'"),
        ("payment_status", GONE, "payment_status is ''"),
        ("payment_status", ["paid"], "payment_status is ''"),
        ("payment_intent", GONE, "payment_intent is missing or odd"),
        ("payment_intent", {"id": "pi_1"}, "payment_intent is missing or odd"),
        ("payment_intent", "pi_1\n", "payment_intent is missing or odd"),
        ("id", "x" * 256, "id is missing or odd"),
        ("client_reference_id", None, "client_reference_id is missing or odd"),
        ("metadata", {"gift_id": "7", "attempt": "1"}, "metadata.gift_id is not one of our ids"),
        ("metadata", {"gift_id": 7}, "metadata.gift_id is not one of our ids"),
        ("metadata", {"gift_id": ["x"]}, "metadata.gift_id is not one of our ids"),
        ("metadata", {"gift_id": ""}, "metadata.gift_id is not one of our ids"),
        ("metadata", {**SESSION["metadata"], "attempt": 1}, "metadata.attempt is missing"),
        ("metadata", {**SESSION["metadata"], "attempt": "-1"}, "metadata.attempt is missing"),
        ("metadata", {**SESSION["metadata"], "attempt": "\u0661"}, "metadata.attempt is missing"),
        ("metadata", {**SESSION["metadata"], "attempt": "1" * 99}, "metadata.attempt is missing"),
    ],
    ids=label,
)
def test_a_session_with_an_invalid_field_is_unusable(key: str, value: Any, reason: str) -> None:
    """A session with an invalid field about money or its gift is unusable, with a reason."""
    body = changed(event(COMPLETED, SESSION), "data", "object", key, value=value)
    assert reason_against(body).startswith(reason)


def test_unpaid_is_never_a_payment() -> None:
    """An event async_payment_succeeded is unusable if its session is not marked as paid."""
    body = changed(event(LATER, SESSION), "data", "object", "payment_status", value="unpaid")
    assert "that is no gift" in reason_against(body)


@pytest.mark.parametrize(
    ("kind", "content", "key", "value"),
    [
        ("refund.created", REFUND, "status", "reversed"),
        ("refund.created", REFUND, "status", None),
        ("refund.created", REFUND, "status", []),
        ("refund.created", REFUND, "status", {}),
        ("refund.created", REFUND, "id", 7),
        ("refund.created", REFUND, "payment_intent", {"id": "pi_1"}),
        ("refund.created", REFUND, "payment_intent", "x" * 256),
        ("refund.created", REFUND, "payment_intent", "pi\x00"),
        ("charge.dispute.closed", DISPUTE, "status", None),
        ("charge.dispute.closed", DISPUTE, "status", ["won"]),
        ("charge.dispute.closed", DISPUTE, "payment_intent", "\ud800"),
    ],
    ids=label,
)
def test_an_invalid_refund_or_dispute_is_unusable(
    kind: str, content: dict[str, Any], key: str, value: Any
) -> None:
    """A refund or dispute with an invalid field is unusable, and not just ignored."""
    assert reason_against(changed(event(kind, content), "data", "object", key, value=value))


@pytest.mark.parametrize(
    "version", ["2022-11-15", "2025-03-31.basil", "2099-01-01.zebra", None, 7], ids=label
)
def test_the_version_of_the_api_is_no_obstacle(version: Any) -> None:
    """A session event of any API version can be read if it has the needed fields."""
    body = event(COMPLETED, SESSION, api_version=version)
    assert isinstance(read_event(envelope_of(json.dumps(body).encode())), Reading)


@pytest.mark.parametrize("account", [GONE, None, 7, ["acct_1"], {}], ids=label)
def test_an_invalid_account_is_read_as_none(account: Any) -> None:
    """An account that is not a string is read as None."""
    body = changed(event(COMPLETED, SESSION, account=None), "account", value=account)
    assert envelope_of(json.dumps(body).encode()).account is None


def test_the_last_of_repeated_keys_counts() -> None:
    """If a JSON object repeats a key, its last value counts."""
    body = json.dumps(event(COMPLETED, SESSION)).replace(
        '"amount_total": 5000', '"amount_total": 1, "amount_total": 5000'
    )
    reading = read_event(envelope_of(body.encode()))
    assert isinstance(reading, Reading)
    assert reading.claim is not None
    assert reading.claim.amount_minor == 5_000
