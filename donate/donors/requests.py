"""Reads the form and the language from a request. A malformed request causes no error."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from donate.donors.forms import GiveForm, read_form
from donate.gifts.models import Gift
from donate.web.forms import is_in_utf8
from donate.web.templating import LANGUAGES, language_for

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def _typed(request: Request) -> GiveForm:
    # A malformed form, or one in another charset than UTF-8, counts as an empty form.
    if not is_in_utf8(request):
        return GiveForm()
    try:
        async with request.form(max_files=20, max_fields=100) as fields:
            return read_form(fields.multi_items())
    except (HTTPException, ValueError):
        return GiveForm()


Typed = Annotated[GiveForm, Depends(_typed)]


def language_of(request: Request, offered: Sequence[str], switch: str = "") -> str:
    """Return the language that the donor chose, otherwise an offered one the browser prefers."""
    language = switch or request.query_params.get("lang", "")
    return language_for(language, request.headers.get("accept-language"), offered)


def is_token(text: str) -> bool:
    """Return whether a text has the format of a gift's token.

    Check this before a query, because PostgreSQL raises an error for a text with a NUL.
    """
    return _TOKEN.fullmatch(text) is not None


def language_of_gift(request: Request, gift: Gift, switch: str = "") -> str:
    """Return the language that the donor switched to, otherwise the language of the gift."""
    return language_for(switch or request.query_params.get("lang"), None, languages_of_gift(gift))


def languages_of_gift(gift: Gift) -> list[str]:
    """Return the languages in which a gift's pages exist, the gift's own language first."""
    return [gift.language, *(tag for tag in LANGUAGES if tag[:2] != gift.language[:2])]
