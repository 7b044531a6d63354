"""Planned faults: make the next answers of a route go wrong in a chosen way.

For some kinds of fault, the request is never processed. For the others, the sandbox processes the
request, saves the true answer under its idempotency key, and alters only the response. `hang` waits
before it processes the request, and holds the idempotency key meanwhile. `drip` sends the true
answer slowly.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from donate.sandbox.errors import Refusal
from donate.sandbox.requests.wire import CutBody, Reset

NotDone = Literal["500", "502_before", "409", "429", "401", "400", "reset_before", "redirect"]
DoneAndSpoiled = Literal[
    "hang",
    "drip",
    "reset_after",
    "cut_body",
    "html_200",
    "empty_200",
    "list_200",
    "null_200",
    "no_url",
    "other_host",
]
# "any" stands for a random kind. The sandbox's seed chooses the kind anew for each request.
Kind = NotDone | DoneAndSpoiled | Literal["any"]
KINDS: tuple[Kind, ...] = (*get_args(NotDone), *get_args(DoneAndSpoiled))

OTHER_HOST = "https://checkout.example.net/pay/elsewhere"

_HTML = "<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>"


@dataclass(frozen=True)
class Trouble:
    path: str
    method: str
    kind: Kind
    seconds: float


class Troubles:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._queue: list[Trouble] = []

    def add(self, trouble: Trouble, times: int) -> None:
        self._queue.extend([trouble] * times)

    def clear(self) -> None:
        self._queue.clear()

    def waiting(self) -> list[Trouble]:
        return list(self._queue)

    def take(self, method: str, path: str) -> Trouble | None:
        """Remove and return the next fault for this route; the fault's path may contain `*`."""
        for index, trouble in enumerate(self._queue):
            if trouble.method == method and fnmatchcase(path, trouble.path):
                del self._queue[index]
                if trouble.kind == "any":
                    return replace(trouble, kind=self._random.choice(KINDS))
                return trouble
        return None


def refusal_for(kind: Kind) -> Refusal | None:
    """Return the Stripe error for this kind of fault; None if the fault is not a Stripe error."""
    match kind:
        case "500":
            return Refusal(
                "An unknown error occurred.", status=500, kind="api_error", is_final=True
            )
        case "409":
            return Refusal(
                "This object cannot be accessed right now because another API request or Stripe "
                "process is currently accessing it.",
                status=409,
                code="lock_timeout",
            )
        case "429":
            return Refusal(
                "Request rate limit exceeded. Learn more about rate limits here "
                "https://stripe.com/docs/rate-limits.",
                status=429,
                code="rate_limit",
            )
        case "401":
            return Refusal(
                "Expired API Key provided: sk_test_****", status=401, code="api_key_expired"
            )
        case "400":
            return Refusal("Something about this request is invalid.", param="mode")
    return None


def early_answer(kind: Kind) -> ASGIApp | None:
    """Return the response to a request that is not processed; None for other kinds of fault."""
    match kind:
        case "502_before":
            return HTMLResponse(_HTML, status_code=502)
        case "redirect":
            return Response(status_code=302, headers={"location": OTHER_HOST})
        case "reset_before":
            return Reset()
    return None


def altered_response(trouble: Trouble, body: bytes, headers: dict[str, str]) -> ASGIApp | None:
    """Return the response that replaces a true answer, or None to keep it."""
    match trouble.kind:
        case "drip":
            return StreamingResponse(_drip(body, trouble.seconds), 200, headers)
        case "reset_after":
            return Reset()
        case "cut_body":
            return CutBody(body, headers)
        case "html_200":
            return HTMLResponse(_HTML)
        case "empty_200":
            return Response(b"", 200, headers)
        case "list_200":
            return Response(b"[]", 200, headers)
        case "null_200":
            return Response(b"null", 200, headers)
        case "no_url":
            return Response(_with_url(body, None), 200, headers)
        case "other_host":
            return Response(_with_url(body, OTHER_HOST), 200, headers)
    return None


def _with_url(body: bytes, url: str | None) -> bytes:
    answer: dict[str, Any] = json.loads(body)
    answer["url"] = url
    return json.dumps(answer, indent=2).encode()


async def _drip(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    """Yield the body in small pieces. Each read is quick, but all together take `seconds`."""
    pieces = 200
    size = max(1, -(-len(body) // pieces))
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(seconds / pieces)
