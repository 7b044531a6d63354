"""Reads the form from a request. A malformed request causes no error."""

import re
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from donate.donors.forms import GiveForm, read_form
from donate.web.forms import is_in_utf8

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def _fields(request: Request) -> list[tuple[str, object]]:
    # A malformed form, or one in another charset than UTF-8, counts as an empty form.
    if not is_in_utf8(request):
        return []
    try:
        async with request.form(max_files=20, max_fields=100) as fields:
            return list(fields.multi_items())
    except (HTTPException, ValueError):
        return []


async def _typed(request: Request) -> GiveForm:
    return read_form(await _fields(request))


async def _until(request: Request) -> str:
    values = {value for name, value in await _fields(request) if name == "until"}
    value = values.pop() if len(values) == 1 else ""
    return value if isinstance(value, str) else ""


Typed = Annotated[GiveForm, Depends(_typed)]
Until = Annotated[str, Depends(_until)]
"""The end of a pause that a donor chose; empty if there is none, or more than one."""


def is_token(text: str) -> bool:
    """Return whether a text has the format of a gift's token.

    Check this before a query, because PostgreSQL raises an error for a text with a NUL.
    """
    return _TOKEN.fullmatch(text) is not None
