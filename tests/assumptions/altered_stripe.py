"""A proxy in front of the sandbox that alters one behaviour of Stripe."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
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

ACCEPTED_SESSION: Final[Json] = {
    "id": "cs_test_Accepted1",
    "object": "checkout.session",
    "status": "open",
    "url": "http://127.0.0.1:9/pay",
}


@dataclass(frozen=True)
class SentRequest:
    """A request on its way to the sandbox; an alteration may change its `parameters`."""

    method: str
    path: str
    parameters: dict[str, str]


@dataclass
class Answer:
    """An answer on its way back from the sandbox; an alteration may change it."""

    status: int
    body: Json


@dataclass(frozen=True)
class Alteration:
    """One change of Stripe's behaviour: what the proxy changes in requests or in answers."""

    change_request: Callable[[SentRequest], object] | None = None
    change_answer: Callable[[SentRequest, Answer], object] | None = None
    dropped_request_headers: tuple[str, ...] = field(default=())
    dropped_answer_headers: tuple[str, ...] = field(default=())


@contextmanager
def altered(sandbox: RunningSandbox, alteration: Alteration) -> Iterator[str]:
    """Serve a proxy that alters one behaviour of the sandbox, and yield the proxy's URL."""
    with caller(sandbox.url) as http:

        async def answer(request: Request) -> Response:
            body = await request.body()
            return await run_in_threadpool(_forward, http, alteration, request, body)

        methods = ["GET", "POST", "DELETE"]
        with served(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as url:
            yield url


def _forward(http: httpx.Client, alteration: Alteration, request: Request, body: bytes) -> Response:
    is_form = request.method == "POST"
    form = body.decode() if is_form else request.url.query
    pairs = dict(parse_qsl(form, keep_blank_values=True))
    sent = SentRequest(request.method, request.url.path, pairs)
    if alteration.change_request:
        alteration.change_request(sent)
    encoded = urlencode(sent.parameters)
    left_out = ("host", "content-length", *alteration.dropped_request_headers)
    response = http.request(
        sent.method,
        sent.path if is_form or not encoded else f"{sent.path}?{encoded}",
        content=encoded if is_form else None,
        headers={k: v for k, v in request.headers.items() if k not in left_out},
    )
    answer = Answer(response.status_code, response.json())
    if alteration.change_answer:
        alteration.change_answer(sent, answer)
    left_out = ("content-length", *alteration.dropped_answer_headers)
    headers = {k: v for k, v in response.headers.items() if k not in left_out}
    return Response(json.dumps(answer.body), answer.status, headers)


def objects_of(body: Any, kind: str) -> Iterator[Json]:
    """Yield each object of this kind in the body of an answer, at any depth."""
    if isinstance(body, list):
        for one in body:
            yield from objects_of(one, kind)
    elif isinstance(body, dict):
        for value in body.values():
            yield from objects_of(value, kind)
        if body.get("object") == kind:
            yield body


def shown(kind: str, **values: Any) -> Alteration:
    """Return a change of Stripe's behaviour: every object of this kind has these fields.

    A function in `values` is called with the object, and returns the field's value.
    """

    def show(_: SentRequest, answer: Answer) -> None:
        for thing in objects_of(answer.body, kind):
            for name, new_value in values.items():
                thing[name] = new_value(thing) if callable(new_value) else new_value

    return Alteration(change_answer=show)


def refused(
    method: str, path: str, message: str, *, parameter: str = "", value: str = ""
) -> Alteration:
    """Return a change of Stripe's behaviour: it refuses requests of this method and path.

    With `parameter`, it refuses only requests in which this parameter has this value.
    """

    def refuse(request: SentRequest, answer: Answer) -> None:
        is_match = request.method == method and request.path.startswith(path)
        if is_match and (not parameter or request.parameters.get(parameter) == value):
            answer.status = 400
            answer.body = {"error": {"message": message, "type": "invalid_request_error"}}

    return Alteration(change_answer=refuse)


def accepted(method: str, path: str, code_or_param: str, instead: Json) -> Alteration:
    """Return a change of Stripe's behaviour: certain requests are no longer refused.

    They are those of this method and path that Stripe refuses with this error code, or because of
    this parameter. They get the answer `instead`.
    """

    def accept(request: SentRequest, answer: Answer) -> None:
        error = answer.body.get("error") or {}
        is_match = code_or_param in (error.get("code"), error.get("param"))
        if is_match and request.method == method and request.path.startswith(path):
            answer.status, answer.body = 200, instead

    return Alteration(change_answer=accept)


def without_events(kind: str) -> Alteration:
    """Return a change of Stripe's behaviour: its list of events lacks those of this type."""

    def leave_out(request: SentRequest, answer: Answer) -> None:
        if request.path == "/v1/events":
            data = answer.body.get("data", [])
            answer.body["data"] = [event for event in data if event["type"] != kind]

    return Alteration(change_answer=leave_out)


def expires_again(request: SentRequest, answer: Answer) -> None:
    """Let a session that has ended be expired once more."""
    if request.path.endswith("/expire") and answer.status == 400:
        answer.status, answer.body = 200, ACCEPTED_SESSION


def without_parent(_: SentRequest, answer: Answer) -> None:
    """Leave out which subscription an invoice belongs to."""
    for invoice in objects_of(answer.body, "invoice"):
        invoice["parent"] = None
