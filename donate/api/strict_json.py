"""Parses the JSON body of a request strictly, in place of FastAPI's own parsing.

Python's own parser accepts NaN, repeated names, lone surrogates, and nesting until the stack
overflows.
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

# A number in a valid request has at most 12 digits. Python's own limit is 4,300.
_MOST_DIGITS: Final = 32
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_NOT_JSON: Final = N_(
    "The body has to be JSON in UTF-8: one object, each name once, no NaN, no unpaired surrogates."
)
_NOT_SAID_TO_BE_JSON: Final = N_("The body has to be sent as application/json.")


def read_json(body: bytes) -> object:
    """Parse one JSON value. Raises ValueError or RecursionError; messages may quote the body."""
    return json.loads(
        body.decode("utf-8"),
        object_pairs_hook=_without_duplicates,
        parse_int=_short_int,
        parse_constant=_no_constant,
    )


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has the same name twice")
    for name, value in pairs:
        if _LONE_SURROGATE.search(name if not isinstance(value, str) else name + value):
            raise ValueError("an unpaired surrogate")
    return members


def _short_int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and infinities are not JSON")


class _ParsedRequest(Request):
    value: object

    async def json(self) -> Any:
        return self.value


class StrictJsonRoute(APIRoute):
    """A route that answers 400 or 415 unless the request's body is strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that reads the body before FastAPI does.

        FastAPI would answer 400 to a body that is too large, instead of 413.
        """
        answer = super().get_route_handler()

        async def read_and_answer(request: Request) -> Response:
            media_type = request.headers.get("content-type", "").partition(";")[0]
            if media_type.strip().lower() != "application/json":
                raise Unreadable(415, _NOT_SAID_TO_BE_JSON)
            parsed = _ParsedRequest(request.scope, request.receive)
            body = await parsed.body()
            try:
                parsed.value = read_json(body)
            except (ValueError, RecursionError):
                # "from None" hides the original error, which quotes the body.
                raise Unreadable(400, _NOT_JSON) from None
            return await answer(parsed)

        return read_and_answer
