"""Renders the staff pages, each with the current notices at its top."""

from typing import Any

from starlette.responses import HTMLResponse

from donate.clock import Clock
from donate.finance.notices import notices
from donate.finance.people.words import ROLE_NAMES
from donate.storage.database import Database
from donate.web.languages import LANGUAGES, languages_beside
from donate.web.templating import Pages


class StaffPages(Pages):
    """Renders the same templates as `pages`, and adds the current notices to each page."""

    def __init__(self, pages: Pages, database: Database, clock: Clock) -> None:
        super().__init__(**pages.site)
        self._database = database
        self._clock = clock

    def render(self, template: str, language: str, **context: Any) -> HTMLResponse:
        """Return a page.

        Read the notices only if somebody is signed in, because others do not see them.
        """
        shown = []
        if context["staff"]:
            with self._database.reading() as session:
                shown = notices(session, self._clock.now(), language)
        others = languages_beside(language, LANGUAGES)
        return super().render(
            template, language, notices=shown, roles=ROLE_NAMES, languages=others, **context
        )
