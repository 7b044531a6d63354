"""The staff page that lists movements of money in and out, each on its own day."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.clock import Clock, local_date
from donate.errors import N_, BadInput
from donate.finance.access import Visiting, needs
from donate.finance.exports.links import export_links
from donate.finance.list_filters import ListQuery
from donate.finance.movements.filters import (
    movement_choices,
    movement_months,
    read_movement_cursor,
    read_movement_query,
    write_movement_cursor,
)
from donate.finance.movements.queries import (
    ListedMovement,
    money_totals,
    newer_movements,
    newest_movements,
)
from donate.finance.roles import Role
from donate.gifts.movements.totals import TotalFilter
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

MOVEMENTS_ON_A_PAGE: Final = 50


class MovementPages:
    """The list of movements, with filters, and the totals for all movements that match them."""

    def __init__(
        self, database: Database, regions: Regions, pages: Pages, clock: Clock, *, time_zone: str
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/movements", self.movements, methods=["GET"])

    @needs(Role.VIEWER)
    def movements(self, request: Request, visit: Visiting) -> Response:
        """Show the newest movements that match the filters, and the totals for all that match."""
        query = read_movement_query(request.query_params, self._regions)
        problems = dict(query.problems)
        cursors = {}
        for name in ("after", "before"):
            typed = request.query_params.get(name, "")
            cursors[name] = read_movement_cursor(typed)
            if typed and cursors[name] is None:
                problems["page"] = BadInput("page", N_("This link is incomplete."))
        shown: dict[str, Any] = {"rows": None}
        if not problems:
            shown |= self._page(query, **cursors)
        return self._pages.render(
            "finance/movements.html",
            visit.language,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            filters=query,
            problems=problems,
            choices=movement_choices(self._regions, visit.language),
            months=movement_months(local_date(self._clock.now(), self._time_zone), query),
            exports=export_links("movements", query.typed, visit.signed_in),
            **shown,
        )

    def _page(self, query: ListQuery[TotalFilter], after: Any, before: Any) -> dict[str, Any]:
        """Return the movements for a page, the totals, and links to the pages around it."""
        # Fetch one more movement than fits on a page, to find out whether there is another page.
        limit = MOVEMENTS_ON_A_PAGE + 1
        # Read everything in one database snapshot, so that the totals and the rows agree.
        with self._database.reading_snapshot() as session:
            totals = money_totals(session, query.filter)
            rows: Sequence[ListedMovement] = []
            if before:
                rows = newer_movements(session, query.filter, limit=limit, before=before)
            has_newer = len(rows) == limit
            if has_newer:
                rows, has_older = rows[1:], True
            else:
                # At most one page of movements comes before the cursor, so show the first page.
                after = None if before else after
                rows = newest_movements(session, query.filter, limit=limit, after=after)
                has_newer, has_older = after is not None, len(rows) == limit
                rows = rows[:MOVEMENTS_ON_A_PAGE]
        first, last = (rows[0].cursor, rows[-1].cursor) if rows else (None, None)
        return {
            "rows": rows,
            "totals": totals,
            "is_first_page": not has_newer,
            "newer": first and has_newer and query.link(before=write_movement_cursor(first)),
            "older": last and has_older and query.link(after=write_movement_cursor(last)),
        }
