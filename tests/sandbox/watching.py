"""Checks every request and answer of the tests' sandboxes against Stripe's documents.

Requests must fit Stripe's OpenAPI document and the SDK's types of parameters.
Answers and events must fit the OpenAPI document.
"""

import json
from collections import Counter, deque
from pathlib import Path
from typing import Any

from donate.sandbox.observer import Exchange
from tests.sandbox.differences import STANDING
from tests.sandbox.sdk_types import sdk_check
from tests.sandbox.shapes import Difference, decoded, stripe_shapes

# HTTP statuses that refuse a request; 402 is not among them, because it refuses only a card.
REFUSED = {400, 401, 403, 404, 409}


class Watch:
    """Records exchanges and checks them later, so that the sandbox stays fast.

    `unexpected` has the differences that differences.py does not list as known; `take` empties it.
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

    def check_waiting(self) -> None:
        """Check the exchanges and events that were recorded since the last check."""
        while self._waiting:
            exchange = self._waiting.popleft()
            if isinstance(exchange, Exchange):
                self._check_exchange(exchange)
            else:
                self.seen["events"] += 1
                self._note(exchange["type"], stripe_shapes().event(exchange))

    def take(self) -> list[str]:
        self.check_waiting()
        differences, self.unexpected = self.unexpected, []
        return differences

    def _check_exchange(self, exchange: Exchange) -> None:
        shapes = stripe_shapes()
        route = shapes.route(exchange.method, exchange.path)
        request = f"{exchange.method} {exchange.path}"
        is_refused = exchange.status in REFUSED
        self.seen["requests"] += 1
        if route is None:
            self._note(request, [Difference("", "is no route of the table")], is_refused=is_refused)
            return
        try:
            form = decoded(exchange.form)
        except ValueError as problem:
            self._note(
                request, [Difference("", "cannot be read", str(problem))], is_refused=is_refused
            )
            return
        differences = [
            one._replace(schema=f"{route}{document}")
            for document, check in (("", shapes.request_check(route)), (" (SDK)", sdk_check(route)))
            for one in check(form)
        ]
        self._note("request", differences, is_refused=is_refused)
        if exchange.status == 200:
            self.seen["answers"] += 1
            answer = json.loads(exchange.answer)
            self._note(f"answer to {request}", shapes.answer_check(route)(answer))

    def _note(self, where: str, differences: list[Difference], *, is_refused: bool = False) -> None:
        if differences and is_refused:
            # The test expects this refusal, and Stripe would refuse the request too.
            self.seen["wrong and refused"] += any(one.name not in STANDING for one in differences)
            return
        for one in differences:
            if one.name in STANDING:
                self.standing[one.name] += 1
            else:
                self.unexpected.append(f"{where}: {one}")


WATCH = Watch()


def refuse_differences_in(record: Path) -> None:
    """Check the recorded exchanges of a sandbox that ran in another process."""
    watch = Watch()
    for line in record.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "event" in entry:
            watch.announced(entry["event"])
        else:
            form, answer = entry.pop("form").encode(), entry.pop("answer").encode()
            watch.answered(Exchange(**entry, form=form, answer=answer))
    differences = watch.take()
    WATCH.seen.update(watch.seen)
    assert not differences, "\n".join(differences)
