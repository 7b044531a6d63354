"""Lets members of staff choose the language of the staff pages."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.finance.access import Gate, Visiting, needs
from donate.finance.roles import Role
from donate.finance.staff.accounts import change_language
from donate.finance.staff.addresses import HOME, safe_next
from donate.storage.database import Database
from donate.web.languages import LANGUAGE_COOKIE, LANGUAGES

_KEPT_S: Final = 365 * 24 * 3600


class LanguagePages:
    """Handles the language switch at the end of every staff page."""

    def __init__(self, database: Database, clock: Clock, gate: Gate) -> None:
        self._database = database
        self._clock = clock
        self._gate = gate

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/language", self.choose, methods=["POST"])

    @needs(Role.VIEWER)
    def choose(self, visit: Visiting) -> Response:
        """Store the language that the member of staff chose, and show the same page again."""
        answer = RedirectResponse(safe_next(visit.form.get("next", HOME)), 303)
        language = visit.form.get("language", "")
        if language in LANGUAGES:
            with self._database.writing() as session:
                change_language(session, visit.signed_in.staff_id, language)
                now, detail = self._clock.now(), {"language": language}
                visit.record(session, "language_chosen", now=now, detail=detail)
            keep_language(self._gate, answer, language)
        return answer


def keep_language(gate: Gate, response: Response, language: str) -> None:
    """Store the language in a cookie, for the sign-in page and for errors before a sign-in."""
    gate.cookies.set(response, gate.cookies.name(LANGUAGE_COOKIE), language, _KEPT_S)
