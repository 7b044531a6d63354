"""The staff page that lists monthly gifts, and how much they will bring in next month."""

from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from donate.clock import Clock, local_date
from donate.errors import BadInput
from donate.finance.access import Visiting, needs
from donate.finance.exports.links import export_links
from donate.finance.monthly.filters import (
    pledge_choices,
    read_pledge_cursor,
    read_pledge_query,
    write_pledge_cursor,
)
from donate.finance.monthly.queries import expected_month, list_pledges, next_month
from donate.finance.monthly.words import INCOMPLETE_LINK, STAGE_COLOURS, STAGES
from donate.finance.roles import Role
from donate.finance.words import STATUSES
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

PLEDGES_ON_A_PAGE: Final = 50


class MonthlyPages:
    """The list of monthly gifts."""

    def __init__(
        self, database: Database, regions: Regions, pages: Pages, clock: Clock, *, time_zone: str
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    @needs(Role.VIEWER)
    def pledges(self, request: Request, visit: Visiting) -> Response:
        """Show the pledges that match, most urgent first, and the money expected next month."""
        query = read_pledge_query(request.query_params, self._regions)
        problems = dict(query.problems)
        typed = request.query_params.get("after", "")
        after = read_pledge_cursor(typed)
        if typed and after is None:
            problems["page"] = BadInput("page", INCOMPLETE_LINK)
        month = next_month(local_date(self._clock.now(), self._time_zone))
        shown: dict[str, Any] = {"rows": None, "older": None, "expected": []}
        if not problems:
            # Read everything in one database snapshot, so that the sums and the rows agree.
            with self._database.reading_snapshot() as session:
                shown["expected"] = list(expected_month(session, query.filter, month))
                # Fetch one more pledge than fits on a page, to find out whether there is another
                # page.
                limit = PLEDGES_ON_A_PAGE + 1
                rows = list_pledges(session, query.filter, limit=limit, after=after)
            shown["rows"] = rows[:PLEDGES_ON_A_PAGE]
            if len(rows) == limit:
                cursor = write_pledge_cursor(rows[-2].cursor)
                shown["older"] = query.link(after=cursor)
        return self._pages.render(
            "finance/monthly.html",
            visit.language,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            filters=query,
            problems=problems,
            month=month,
            choices=pledge_choices(self._regions, visit.language),
            exports=export_links("monthly", query.typed, visit.signed_in),
            is_first_page=after is None,
            stages=STAGES,
            colours=STAGE_COLOURS,
            statuses=STATUSES,
            **shown,
        )
