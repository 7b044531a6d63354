"""A line between the checks and the sandbox, on which one thing is otherwise than at Stripe."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.real_parts import caller, served
from tests.sandbox.running import RunningSandbox

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What was asked of Stripe; `parameters` may be changed on their way."""

    method: str
    path: str
    parameters: dict[str, str]


@dataclass
class Answer:
    """What the sandbox answered; it may be changed on its way back."""

    status: int
    found: Json


@dataclass(frozen=True)
class Spoiling:
    """What is otherwise than at Stripe.

    `asks` changes a request, `answers` an answer. The headers in `forgets` do not reach the
    sandbox, those in `drops` do not come back.
    """

    asks: Callable[[Asked], object] | None = None
    answers: Callable[[Asked, Answer], object] | None = None
    forgets: tuple[str, ...] = field(default=())
    drops: tuple[str, ...] = field(default=())


@contextmanager
def spoiled(sandbox: RunningSandbox, spoiling: Spoiling) -> Iterator[str]:
    """Serve the spoiled sandbox; gives its address."""
    with caller(sandbox.url) as http:

        async def answer(request: Request) -> Response:
            body = await request.body()
            return await run_in_threadpool(_passed_on, http, spoiling, request, body)

        methods = ["GET", "POST", "DELETE"]
        with served(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as url:
            yield url


def _passed_on(http: httpx.Client, spoiling: Spoiling, request: Request, body: bytes) -> Response:
    is_post = request.method == "POST"
    given = body.decode() if is_post else request.url.query
    pairs = dict(parse_qsl(given, keep_blank_values=True))
    asked = Asked(request.method, request.url.path, pairs)
    if spoiling.asks:
        spoiling.asks(asked)
    encoded = urlencode(asked.parameters)
    left_out = ("host", "content-length", *spoiling.forgets)
    response = http.request(
        asked.method,
        asked.path if is_post or not encoded else f"{asked.path}?{encoded}",
        content=encoded if is_post else None,
        headers={k: v for k, v in request.headers.items() if k not in left_out},
    )
    answer = Answer(response.status_code, response.json())
    if spoiling.answers:
        spoiling.answers(asked, answer)
    dropped = ("content-length", *spoiling.drops)
    headers = {k: v for k, v in response.headers.items() if k not in dropped}
    return Response(json.dumps(answer.found), answer.status, headers)


def every(found: Any, kind: str) -> Iterator[Json]:
    """Give each object of this kind in an answer, in whatever it stands."""
    if isinstance(found, list):
        for one in found:
            yield from every(one, kind)
    elif isinstance(found, dict):
        for value in found.values():
            yield from every(value, kind)
        if found.get("object") == kind:
            yield found


def shown(kind: str, **values: Any) -> Spoiling:
    """Show every object of this kind with these values; a callable makes one of the object."""

    def show(_: Asked, answer: Answer) -> None:
        for thing in every(answer.found, kind):
            for name, value in values.items():
                thing[name] = value(thing) if callable(value) else value

    return Spoiling(answers=show)


def refused(method: str, path: str, words: str, *, where: str = "", is_: str = "") -> Spoiling:
    """Refuse a call, perhaps only where a parameter has this value."""

    def refuse(asked: Asked, answer: Answer) -> None:
        called = asked.method == method and asked.path.startswith(path)
        if called and (not where or asked.parameters.get(where) == is_):
            answer.status = 400
            answer.found = {"error": {"message": words, "type": "invalid_request_error"}}

    return Spoiling(answers=refuse)


def accepted(method: str, path: str, code_or_param: str, instead: Json) -> Spoiling:
    """Accept what is refused with this code, or for this parameter."""

    def accept(asked: Asked, answer: Answer) -> None:
        error = answer.found.get("error") or {}
        named = code_or_param in (error.get("code"), error.get("param"))
        if named and asked.method == method and asked.path.startswith(path):
            answer.status, answer.found = 200, instead

    return Spoiling(answers=accept)


def without_events(kind: str) -> Spoiling:
    """Never list events of this type."""

    def leave_out(asked: Asked, answer: Answer) -> None:
        if asked.path == "/v1/events":
            data = answer.found.get("data", [])
            answer.found["data"] = [event for event in data if event["type"] != kind]

    return Spoiling(answers=leave_out)
