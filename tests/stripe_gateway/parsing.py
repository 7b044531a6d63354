"""Helpers that make an event and run the parser on it."""

from typing import Any

from donate.stripe_gateway.events.fields import IrrelevantEvent, PayoutNews, Reading
from donate.stripe_gateway.events.parser import envelope_of, read_event
from tests.stripe_gateway.gifts_and_events import as_bytes, event

GIFT = "019ca945-0a00-74f4-9929-08132851fbb1"

METADATA = {"gift_id": GIFT, "reference": "LWCAN-7KQ4M2X", "attempt": "2"}


def read(kind: str, content: dict[str, Any]) -> Reading | IrrelevantEvent:
    result = read_event(envelope_of(as_bytes(event(kind, content))))
    assert not isinstance(result, PayoutNews)
    return result


def reading(kind: str, content: dict[str, Any]) -> Reading:
    result = read(kind, content)
    assert isinstance(result, Reading)
    return result


def facts(result: Reading) -> list[tuple[str, str, int | None]]:
    return [(fact.kind, fact.source_id, fact.amount_minor) for fact in result.facts]
