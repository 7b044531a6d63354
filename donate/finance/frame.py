"""Renders staff pages, each with the current notices at its top."""

from typing import Any

from starlette.responses import HTMLResponse

from donate.clock import Clock
from donate.finance.notices import notices
from donate.storage.database import Database
from donate.web.templating import Pages


class StaffPages(Pages):
    """Renders the same templates as `pages`, and adds the current notices to each page."""

    def __init__(self, pages: Pages, database: Database, clock: Clock) -> None:
        super().__init__(**pages.site)
        self._database = database
        self._clock = clock

    def render(self, template: str, language: str, **context: Any) -> HTMLResponse:
        """Return a page. A visitor who is not signed in sees no notices, so none are queried."""
        shown = []
        if context["staff"]:
            with self._database.reading() as session:
                shown = notices(session, self._clock.now())
        return super().render(template, language, notices=shown, **context)
