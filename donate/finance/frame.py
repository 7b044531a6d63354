"""Renders staff pages, with what stands around each of them found in this one place."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import HTMLResponse

from donate.clock import Clock
from donate.finance.notices import notices
from donate.storage.database import Database
from donate.web.templating import Pages


class StaffPages(Pages):
    """The same pages as `pages`, and in the frame of each what staff should know."""

    def __init__(self, pages: Pages, database: Database, clock: Clock) -> None:
        super().__init__(**pages.site)
        self._database = database
        self._clock = clock

    def render(
        self,
        template: str,
        language: str,
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """Answer with a page. Nothing is found for strangers, who see none of it."""
        around = []
        if context["staff"]:
            with self._database.reading() as session:
                around = notices(session, self._clock.now())
        return super().render(
            template, language, status_code=status_code, headers=headers, notices=around, **context
        )
