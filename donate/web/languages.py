"""Chooses the language of a page among those that pages exist in."""

from collections.abc import Sequence
from typing import Final

from babel import Locale
from starlette.requests import Request

# All pages exist in these languages. A region may offer fewer.
LANGUAGES: Final = ("en-CA", "fr-CA")
LANGUAGE_COOKIE: Final = "donate_language"
"""The cookie with the language that staff last chose in this browser, for pages before sign-in."""


def language_for(requested: str | None, accepts: str | None, offered: Sequence[str]) -> str:
    """Return the offered language that fits best.

    The requested language comes first, then the languages that the browser prefers, then the first
    offered language.
    """
    preferred = [part.partition(";")[0] for part in (accepts or "")[:500].split(",")]
    for tag in [requested or "", *preferred]:
        short = tag.strip().lower().partition("-")[0]
        for language in offered:
            if short and language.lower().partition("-")[0] == short:
                return language
    return offered[0]


def language_of_request(request: Request) -> str:
    """Return the language for a request from somebody who is not signed in.

    The URL's `lang` decides, then LANGUAGE_COOKIE, then the languages that the browser prefers.
    """
    chosen = request.cookies.get(f"__Host-{LANGUAGE_COOKIE}", request.cookies.get(LANGUAGE_COOKIE))
    asked = request.query_params.get("lang") or chosen
    return language_for(asked, request.headers.get("accept-language"), LANGUAGES)


def languages_beside(language: str, offered: Sequence[str]) -> list[tuple[str, str]]:
    """Return the other offered languages, each with its own name: `("fr-CA", "Français")`."""
    return [(tag, _own_name(tag)) for tag in offered if tag != language]


def _own_name(language: str) -> str:
    locale = Locale.parse(language, sep="-")
    name = (locale.get_language_name() or language).partition(" (")[0]
    return name[:1].upper() + name[1:]
