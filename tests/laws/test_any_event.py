"""No signed event makes the parser crash."""

import contextlib
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from donate.gifts.facts import Fact
from donate.money import MAX_AMOUNT_MINOR
from donate.stripe_gateway.events.fields import IrrelevantEvent, UnusableEvent
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
    """Return whether both databases can store a fact (text width, no NUL, no surrogates)."""
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


def is_understood(event_json: Any) -> None:
    """Read an event; only UnusableEvent may be raised, and facts have to be storable."""
    body = json.dumps(event_json).encode()
    is_named(body)
    try:
        reading = read_event(envelope_of(body))
    except UnusableEvent as unusable:
        reason = str(unusable)
    else:
        reason = "none"
        assert isinstance(reading, IrrelevantEvent) or all(storable(fact) for fact in reading.facts)
    assert 0 < len(reason) < 300


def is_named(body: bytes) -> None:
    """Check that the fast way to read an event's id and type agrees with the full parser."""

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
def test_no_json_is_a_crash(event_json: Any) -> None:
    """Any signed JSON is read, or refused with a reason."""
    is_understood(event_json)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(KINDS)) | st.text(), st.dictionaries(st.text(), JSON), JSON)
def test_no_object_is_a_crash(kind: str, payload: dict[str, Any], created: Any) -> None:
    """An event with any object is read, or refused with a reason."""
    is_understood(event(kind, payload))
    is_understood(event(kind, payload, created=created))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_no_spoilt_event_is_a_crash(data: st.DataObject) -> None:
    """A realistic event with one to three spoiled values is read or refused."""
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
    is_understood(event_json)


@pytest.mark.parametrize("depth", [100, 500, 800, 850, 900, 920, 940, 960, 980, 1_000])
@pytest.mark.parametrize("key", ["status", "mode", "payment_status", "reason", "failure_code"])
def test_no_depth_is_a_crash(key: str, depth: int) -> None:
    """A value nested to any depth is read or refused, at every position."""
    for kind, payload in KINDS.items():
        flat = json.dumps(event(kind, payload | {key: "DEEP"})).encode()
        body = flat.replace(b'"DEEP"', b"[" * depth + b"]" * depth)
        assert body != flat
        is_named(body)
        with contextlib.suppress(UnusableEvent):
            read_event(envelope_of(body))
