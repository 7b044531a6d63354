"""No signed event, however odd, makes the event parser crash."""

import contextlib
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from donate.gifts.facts import Fact
from donate.money import MAX_AMOUNT_MINOR
from donate.stripe_gateway.events.fields import PayoutNews, Reading, UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of, id_and_type, read_event
from tests.stripe_gateway.examples import KINDS, event

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["paid", "payment", "won", "\x00", "\ud800", "pi_1", "x" * 300, 2**63]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def storable(fact: Fact) -> bool:
    """Return whether this fact's texts are short printable ASCII, which each database can store."""
    evidence = json.dumps(fact.evidence, ensure_ascii=False)
    return (
        0 < len(fact.source_id) <= 255
        and fact.source_id.isascii()
        and fact.source_id.isprintable()
        and len(evidence) < 1_000
        and evidence.isascii()
        and evidence.isprintable()
        and (fact.amount_minor is None) == (fact.currency is None)
        and (fact.amount_minor is None or 0 < fact.amount_minor <= MAX_AMOUNT_MINOR)
    )


def check_reading(event_json: Any) -> None:
    """Check that the parser reads the event into storable facts, or raises UnusableEvent."""
    body = json.dumps(event_json).encode()
    check_id_and_type(body)
    try:
        reading = read_event(envelope_of(body))
    except UnusableEvent as unusable:
        reason = str(unusable)
    else:
        reason = "none"
        if isinstance(reading, Reading):
            assert all(storable(fact) for fact in reading.facts)
        elif isinstance(reading, PayoutNews):
            assert 0 < len(reading.payout_id) <= 255
    assert 0 < len(reason) < 300


def check_id_and_type(body: bytes) -> None:
    """Check that `id_and_type`, which is fast, agrees with the full parser about this event."""

    def result_of(read: Callable[[bytes], tuple[str, str]]) -> tuple[str, ...]:
        try:
            return read(body)
        except UnusableEvent as unusable:
            return (str(unusable),)

    def full_parser(body: bytes) -> tuple[str, str]:
        envelope = envelope_of(body)
        return envelope.event_id, envelope.type

    assert result_of(id_and_type) == result_of(full_parser)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_the_parser_survives_any_json(event_json: Any) -> None:
    """The parser reads any JSON value, or refuses it with a reason."""
    check_reading(event_json)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(KINDS)) | st.text(), st.dictionaries(st.text(), JSON), JSON)
def test_the_parser_survives_any_object(kind: str, payload: dict[str, Any], created: Any) -> None:
    """The parser reads an event about any object, or refuses it with a reason."""
    check_reading(event(kind, payload))
    check_reading(event(kind, payload, created=created))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_the_parser_survives_odd_values(data: st.DataObject) -> None:
    """The parser reads a realistic event in which up to three values are odd, or refuses it."""
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    event_json = event(kind, copy.deepcopy(KINDS[kind]))
    for _ in range(data.draw(st.integers(1, 3))):
        inner: Any = (
            event_json if data.draw(st.integers(0, 5)) == 0 else event_json["data"]["object"]
        )
        key = data.draw(st.sampled_from(sorted(inner)))
        if isinstance(inner[key], dict) and data.draw(st.booleans()) and inner is not event_json:
            inner, key = inner[key], data.draw(st.sampled_from(sorted(inner[key]) or ["x"]))
        inner[key] = data.draw(JSON)
        if inner is event_json:
            break
    check_reading(event_json)


@pytest.mark.parametrize("depth", [100, 500, 800, 850, 900, 920, 940, 960, 980, 1_000])
@pytest.mark.parametrize("key", ["status", "mode", "payment_status", "reason", "failure_code"])
def test_the_parser_survives_deep_nesting(key: str, depth: int) -> None:
    """The parser reads or refuses an event in which a value is a deeply nested list."""
    for kind, payload in KINDS.items():
        flat = json.dumps(event(kind, payload | {key: "DEEP"})).encode()
        body = flat.replace(b'"DEEP"', b"[" * depth + b"]" * depth)
        assert body != flat
        check_id_and_type(body)
        with contextlib.suppress(UnusableEvent):
            read_event(envelope_of(body))
