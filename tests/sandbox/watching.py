"""Looks on at every sandbox of this process, and holds what it sees against Stripe's documents.

The requests must fit Stripe's OpenAPI and the SDK's types; the answers and events, the OpenAPI.
"""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from donate.sandbox.observing import Exchange
from tests.sandbox.differences import STANDING
from tests.sandbox.sdk_types import sdk_check
from tests.sandbox.shapes import Difference, Shapes, decoded, stripe_shapes

# The statuses of what could not be done as it was asked; 402 is a refused card.
REFUSED = {400, 401, 403, 404, 409}


class Watch:
    """`unexpected` is what stands on no list; it is taken by the test in which it happened."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.standing: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._shapes: Shapes | None = None

    def answered(self, exchange: Exchange) -> None:
        shapes = self._known()
        route = shapes.route(exchange.method, exchange.path)
        asked = f"{exchange.method} {exchange.path}"
        is_refused = exchange.status in REFUSED
        self.seen["requests"] += 1
        if route is None:
            self._note(asked, [Difference("", "is no route of the table")], is_refused=is_refused)
            return
        try:
            form = decoded(exchange.form)
        except ValueError as problem:
            self._note(asked, [Difference("", f"cannot be read: {problem}")], is_refused=is_refused)
            return
        found = [
            replace(one, schema=f"{route}{document}")
            for document, check in (("", shapes.asks(route)), (" (SDK)", sdk_check(route)))
            for one in check(form)
        ]
        self._note("asked", found, is_refused=is_refused)
        if exchange.status == 200:
            self.seen["answers"] += 1
            self._note(f"answered to {asked}", shapes.answers(route)(json.loads(exchange.answer)))

    def announced(self, event: dict[str, Any]) -> None:
        self.seen["events"] += 1
        self._note(event["type"], self._known().event(event))

    def take(self) -> list[str]:
        taken, self.unexpected = self.unexpected, []
        return taken

    def _known(self) -> Shapes:
        self._shapes = self._shapes or stripe_shapes()
        return self._shapes

    def _note(self, where: str, found: list[Difference], *, is_refused: bool = False) -> None:
        if found and is_refused:
            # Refused as Stripe would, it is what a test wanted to see.
            self.seen["wrong and refused"] += any(one.name not in STANDING for one in found)
            return
        for one in found:
            if one.name in STANDING:
                self.standing[one.name] += 1
            else:
                self.unexpected.append(f"{where}: {one}")


WATCH = Watch()


def refuse_differences_in(record: Path) -> None:
    """Hold what a sandbox of another process recorded against the documents, as if it were here."""
    watch = Watch()
    for line in record.read_text(encoding="utf-8").splitlines():
        seen = json.loads(line)
        if "event" in seen:
            watch.announced(seen["event"])
        else:
            form, answer = seen.pop("form").encode(), seen.pop("answer").encode()
            watch.answered(Exchange(**seen, form=form, answer=answer))
    WATCH.seen.update(watch.seen)
    assert not watch.unexpected, "\n".join(watch.unexpected)
