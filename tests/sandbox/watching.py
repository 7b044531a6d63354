"""Looks on at every sandbox of this process, and holds what it sees against Stripe's documents.

The requests must fit Stripe's OpenAPI and the SDK's types; the answers and events, the OpenAPI.
"""

import json
from collections import Counter, deque
from pathlib import Path
from typing import Any

from donate.sandbox.observer import Exchange
from tests.sandbox.differences import STANDING
from tests.sandbox.sdk_types import sdk_check
from tests.sandbox.shapes import Difference, decoded, stripe_shapes

# The statuses of what could not be done as it was asked; 402 is a refused card.
REFUSED = {400, 401, 403, 404, 409}


class Watch:
    """Keeps what it is shown, and checks it when somebody looks: a sandbox answers no later for it.

    `unexpected` is what stands on no list; it is taken by the test in which it happened.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.standing: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._waiting: deque[Exchange | dict[str, Any]] = deque()

    def answered(self, exchange: Exchange) -> None:
        self._waiting.append(exchange)

    def announced(self, event: dict[str, Any]) -> None:
        self._waiting.append(event)

    def look(self) -> None:
        """Check what was seen since the last look."""
        while self._waiting:
            seen = self._waiting.popleft()
            if isinstance(seen, Exchange):
                self._check_exchange(seen)
            else:
                self.seen["events"] += 1
                self._note(seen["type"], stripe_shapes().event(seen))

    def take(self) -> list[str]:
        self.look()
        taken, self.unexpected = self.unexpected, []
        return taken

    def _check_exchange(self, exchange: Exchange) -> None:
        shapes = stripe_shapes()
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
            self._note(
                asked, [Difference("", "cannot be read", str(problem))], is_refused=is_refused
            )
            return
        found = [
            one._replace(schema=f"{route}{document}")
            for document, check in (("", shapes.asks(route)), (" (SDK)", sdk_check(route)))
            for one in check(form)
        ]
        self._note("asked", found, is_refused=is_refused)
        if exchange.status == 200:
            self.seen["answers"] += 1
            self._note(f"answered to {asked}", shapes.answers(route)(json.loads(exchange.answer)))

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
    differences = watch.take()
    WATCH.seen.update(watch.seen)
    assert not differences, "\n".join(differences)
