"""The law of snapshots: nothing that Stripe could sign makes the reader fail."""

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
    """Whether both databases take it: their columns have a width, and know no NUL or surrogate."""
    words = json.dumps(fact.evidence, ensure_ascii=False)
    return (
        0 < len(fact.source_id) <= 255
        and fact.source_id.isascii()
        and fact.source_id.isprintable()
        and len(words) < 1_000
        and words.isascii()
        and words.isprintable()
        and (fact.amount_minor is None) == (fact.currency is None)
        and (fact.amount_minor is None or 0 < fact.amount_minor <= MAX_AMOUNT_MINOR)
    )


def is_understood(whole: Any) -> None:
    """Read an event; nothing but Unusable may come out, and only what both databases take."""
    body = json.dumps(whole).encode()
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
    """The quick way to an event's name says what the long way says, or refuses as it does."""

    def said(read: Callable[[bytes], tuple[str, str]]) -> tuple[str, ...]:
        try:
            return read(body)
        except UnusableEvent as unusable:
            return (str(unusable),)

    def the_long_way(body: bytes) -> tuple[str, str]:
        envelope = envelope_of(body)
        return envelope.event_id, envelope.type

    assert said(id_and_type) == said(the_long_way)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_no_json_is_a_crash(whole: Any) -> None:
    """Whatever JSON is signed, it is read or refused with a reason."""
    is_understood(whole)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(KINDS)) | st.text(), st.dictionaries(st.text(), JSON), JSON)
def test_no_object_is_a_crash(kind: str, found: dict[str, Any], created: Any) -> None:
    """Whatever the object of an event holds, it is read or refused with a reason."""
    is_understood(event(kind, found))
    is_understood(event(kind, found, created=created))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_no_spoilt_event_is_a_crash(data: st.DataObject) -> None:
    """An event like a real one, with one to three values spoilt, is read or refused."""
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    whole = event(kind, copy.deepcopy(KINDS[kind]))
    for _ in range(data.draw(st.integers(1, 3))):
        inner: Any = whole if data.draw(st.integers(0, 5)) == 0 else whole["data"]["object"]
        key = data.draw(st.sampled_from(sorted(inner)))
        if isinstance(inner[key], dict) and data.draw(st.booleans()) and inner is not whole:
            inner, key = inner[key], data.draw(st.sampled_from(sorted(inner[key]) or ["x"]))
        inner[key] = data.draw(JSON)
        if inner is whole:
            break
    is_understood(whole)


@pytest.mark.parametrize("depth", [100, 500, 800, 850, 900, 920, 940, 960, 980, 1_000])
@pytest.mark.parametrize("key", ["status", "mode", "payment_status", "reason", "failure_code"])
def test_no_depth_is_a_crash(key: str, depth: int) -> None:
    """A value nested as deep as the reader of JSON goes is read or refused, wherever it stands."""
    for kind, found in KINDS.items():
        flat = json.dumps(event(kind, found | {key: "DEEP"})).encode()
        body = flat.replace(b'"DEEP"', b"[" * depth + b"]" * depth)
        assert body != flat
        is_named(body)
        with contextlib.suppress(UnusableEvent):
            read_event(envelope_of(body))
