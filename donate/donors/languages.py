"""Chooses the language of a donor's page."""

from collections.abc import Sequence

from fastapi import Request

from donate.gifts.models import Gift
from donate.web.languages import LANGUAGES, language_for


def language_of(request: Request, offered: Sequence[str], switch: str = "") -> str:
    """Return the language that the donor chose, otherwise an offered one the browser prefers."""
    language = switch or request.query_params.get("lang", "")
    return language_for(language, request.headers.get("accept-language"), offered)


def language_of_gift(request: Request, gift: Gift, switch: str = "") -> str:
    """Return the language that the donor switched to, otherwise the language of the gift."""
    return language_for(switch or request.query_params.get("lang"), None, languages_of_gift(gift))


def languages_of_gift(gift: Gift) -> list[str]:
    """Return the languages in which a gift's pages exist, the gift's own language first."""
    return [gift.language, *(tag for tag in LANGUAGES if tag[:2] != gift.language[:2])]
