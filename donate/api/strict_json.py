"""Reads a JSON body once, strictly, before anything looks at it: no guessing what was meant.

Python's reader takes NaN, repeated names, lone surrogates and nesting until it overflows.
"""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from donate.errors import N_
from donate.web.problem_documents import Unreadable

# The largest number in a request has 12 digits; Python itself gives up at 4,300.
_MOST_DIGITS: Final = 32
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_NOT_JSON: Final = N_(
    "The body has to be JSON in UTF-8: one object, each name once, no NaN, no unpaired surrogates."
)
_NOT_SAID_TO_BE_JSON: Final = N_("The body has to be sent as application/json.")


def read_json(body: bytes) -> object:
    """Read one JSON value. Raises ValueError or RecursionError; their texts may quote the body."""
    return json.loads(
        body.decode("utf-8"),
        object_pairs_hook=_each_name_once,
        parse_int=_short_int,
        parse_constant=_no_constant,
    )


def _each_name_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    for name, value in pairs:
        if _LONE_SURROGATE.search(name if not isinstance(value, str) else name + value):
            raise ValueError("an unpaired surrogate")
    return found


def _short_int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and infinities are no JSON")


class _ReadRequest(Request):
    found: object

    async def json(self) -> Any:
        return self.found


class StrictJsonRoute(APIRoute):
    """A route whose body is JSON, or the answer is 400 or 415."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that reads the body before FastAPI does.

        FastAPI would take whatever the body limit raises meanwhile for a malformed body.
        """
        answer = super().get_route_handler()

        async def read_and_answer(request: Request) -> Response:
            media_type = request.headers.get("content-type", "").partition(";")[0]
            if media_type.strip().lower() != "application/json":
                raise Unreadable(415, _NOT_SAID_TO_BE_JSON)
            read = _ReadRequest(request.scope, request.receive)
            body = await read.body()
            try:
                read.found = read_json(body)
            except (ValueError, RecursionError):
                # "from None": the error quotes the body.
                raise Unreadable(400, _NOT_JSON) from None
            return await answer(read)

        return read_and_answer
