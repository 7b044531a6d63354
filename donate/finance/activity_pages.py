"""The "Activity" page: the newest trail entries, for staff with the role `finance`."""

from typing import Final

from fastapi import Request
from starlette.responses import Response

from donate.finance.access import Visiting, needs
from donate.finance.models import Role
from donate.finance.trail import newest_acts
from donate.finance.words import LANGUAGE
from donate.storage.database import Database
from donate.web.templating import Pages

SHOWN: Final = 200


class TrailPages:
    """The page that lists what staff did and what was refused."""

    def __init__(self, database: Database, pages: Pages, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._time_zone = time_zone

    @needs(Role.FINANCE)
    def trail(self, request: Request, visit: Visiting) -> Response:
        """Show the newest trail entries."""
        with self._database.reading() as session:
            acts = newest_acts(session, SHOWN)
        return self._pages.render(
            "finance/trail.html",
            LANGUAGE,
            staff=visit.signed_in,
            acts=acts,
            time_zone=self._time_zone,
            shown=SHOWN,
        )
