"""The words for the reasons of refused requests."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_
from donate.web.templating import translate

REFUSALS: Final[Mapping[str, str]] = {
    "not signed in": N_("not signed in"),
    "not open": N_("not available to anyone"),
    "cross-site": N_("the form came from another site"),
    "stale form": N_("the form was from an earlier session"),
    "needs finance": N_("the role doesn’t allow it"),
    "needs viewer": N_("the role doesn’t allow it"),
    "wrong method": N_("no such action"),
    "sign-in without its form": N_("the sign-in form was missing"),
    "wrong e-mail or password": N_("wrong e-mail or password"),
    "too many tries": N_("too many tries"),
    "needs admin": N_("the role doesn’t allow it"),
    "code without its form": N_("the form for the code was missing"),
    "wrong code": N_("wrong code"),
    "wrong proof": N_("wrong password or code when asked again"),
    "old sign-in at the provider": N_("the organisation’s sign-in was not a new one"),
    "another account at the provider": N_("another account of the organisation"),
    "too many codes": N_("too many codes"),
    "wrong invitation": N_("the invitation doesn’t exist or has expired"),
    "too many gifts": N_("too many gifts at once"),
    "too many card gifts": N_("too many card gifts at once"),
    "too many links": N_("too many requests for a link to one’s gifts"),
}


def refusal_words(why: str, language: str) -> str:
    """Return the reason of a refusal in words; a reason without words stays as it is stored."""
    return translate(language, REFUSALS[why]) if why in REFUSALS else why
