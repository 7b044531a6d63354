"""What a request says, whatever it looks like: the form in its body, and the reader's language."""

from collections.abc import Sequence
from typing import Annotated

from babel import Locale
from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from donate.donors.forms import GiveForm, read_form
from donate.web.request_limits import is_in_utf8
from donate.web.templating import language_for


async def _typed(request: Request) -> GiveForm:
    # A body that only looks like a form, or comes in another charset, counts as an empty form.
    if not is_in_utf8(request):
        return GiveForm()
    try:
        async with request.form(max_files=20, max_fields=100) as fields:
            return read_form(fields.multi_items())
    except (HTTPException, ValueError):
        return GiveForm()


Typed = Annotated[GiveForm, Depends(_typed)]


def language_of(request: Request, offered: Sequence[str], wanted: str = "") -> str:
    """Choose among `offered`: what was asked for here, else what the browser prefers."""
    wanted = wanted or request.query_params.get("lang", "")
    return language_for(wanted, request.headers.get("accept-language"), offered)


def languages_beside(language: str, offered: Sequence[str]) -> list[tuple[str, str]]:
    """Return the other languages with their own names for themselves: `("fr-CA", "Français")`."""
    return [(tag, _own_name(tag)) for tag in offered if tag != language]


def _own_name(language: str) -> str:
    locale = Locale.parse(language, sep="-")
    name = (locale.get_language_name() or language).partition(" (")[0]
    return name[:1].upper() + name[1:]
