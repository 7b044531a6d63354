"""The staff page that lists gifts."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from babel.numbers import format_decimal
from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, local_date
from donate.errors import N_, BadInput
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.exports.links import export_links
from donate.finance.gifts.choices import NEEDED_COLUMN, USUAL_COLUMNS, gift_choices
from donate.finance.gifts.filters import GiftListQuery, months, read_gift_query
from donate.finance.gifts.pages import WORDS
from donate.finance.gifts.sums import list_sums
from donate.finance.roles import Role
from donate.finance.saved_views.queries import views_of
from donate.finance.search.finding import tidy_search
from donate.gifts.listing.orders import Position, read_position, write_position
from donate.gifts.listing.queries import GiftsFound, ListedGift, list_gifts
from donate.gifts.queries import accounts_to_confirm
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class GiftPage:
    """The gifts on one page of the list, and the links to the previous and next page."""

    gifts: list[ListedGift]
    is_first: bool = True
    earlier: str = ""
    later: str = ""
    is_cut: bool = False
    """Whether reading stopped at its limit (MOST_READ) before the page was full."""


class GiftListPages:
    """The list of gifts, with filters, orders, columns and saved views."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        time_zone: str,
        *,
        regions: Regions,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._regions = regions

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/gifts", self.gifts, methods=["GET"])

    @needs(Role.VIEWER)
    def gifts(self, request: Request, visit: Visiting) -> Response:
        """Show a page of the gifts that match the filters."""
        parameters = request.query_params
        if parameters.get("reference"):  # the search had this URL in earlier versions
            link = urlencode({"q": tidy_search(parameters["reference"])})
            return RedirectResponse(f"/finance/search?{link}", 303)
        query = read_gift_query(parameters.multi_items(), self._regions)
        problems = dict(query.problems)
        positions: dict[str, Position | None] = {}
        for name in ("after", "before"):
            typed = parameters.get(name, "")
            positions[name] = read_position(typed, query.order) if typed else None
            if typed and positions[name] is None:
                problems["page"] = BadInput("page", N_("This link is incomplete."))
        today = local_date(self._clock.now(), self._time_zone)
        page = sums = None
        with self._database.reading_snapshot() as session:
            views = views_of(session, visit.signed_in.staff_id)
            if not problems:
                page = _page(session, query, **positions)
                sums = list_sums(session, query.filter, today)
            listed = [row.gift for row in page.gifts] if page else []
            to_confirm = accounts_to_confirm(session, listed)
        return self._pages.render(
            "finance/gifts.html",
            visit.language,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            filters=query,
            problems=problems,
            page=page,
            sums=sums,
            to_confirm=to_confirm,
            views=views,
            months=months(today),
            words=WORDS,
            counted=partial(format_decimal, locale=visit.language.replace("-", "_")),
            **self._layout(query, visit),
        )

    def _layout(self, query: GiftListQuery, visit: AllowedRequest) -> dict[str, Any]:
        choices = gift_choices(self._regions, visit.language)
        chosen = [name for name in query.values.get("column", ()) if name in choices["column"]]
        chosen = [*(chosen or USUAL_COLUMNS), NEEDED_COLUMN]
        only = query.pairs(without=("column", "rows"))
        return {
            "choices": choices,
            "columns": [name for name in choices["column"] if name in chosen],
            "is_compact": bool(query.values.get("rows")),
            "exports": export_links("gifts", only, visit.signed_in),
            "query": query.link().partition("?")[2],
        }


def _page(
    session: Session, query: GiftListQuery, *, after: Position | None, before: Position | None
) -> GiftPage:
    """Return the page of gifts after or before a position, or the first page."""
    # Fetch one more gift than fits on a page, to find out whether there is another page.
    limit = PAGE_SIZE + 1

    def read(start: Position | None, *, backwards: bool = False) -> GiftsFound:
        return list_gifts(
            session, query.filter, query.order, limit=limit, start=start, backwards=backwards
        )

    if before:
        found = read(before, backwards=True)
        if len(found.gifts) == limit or found.stopped_at:
            gifts = found.gifts[-PAGE_SIZE:]
            top = found.stopped_at or gifts[0].position
            return GiftPage(
                gifts,
                is_first=False,
                earlier=query.link(before=write_position(top)),
                later=query.link(after=write_position(gifts[-1].position if gifts else before)),
                is_cut=found.stopped_at is not None,
            )
        # At most one page of gifts comes before the position, so show the first page.
        after = None
    found = read(after)
    gifts = found.gifts[:PAGE_SIZE]
    end = gifts[-1].position if len(found.gifts) == limit else found.stopped_at
    start = gifts[0].position if gifts else after
    return GiftPage(
        gifts,
        is_first=after is None,
        earlier=query.link(before=write_position(start)) if after and start else "",
        later=query.link(after=write_position(end)) if end else "",
        is_cut=found.stopped_at is not None,
    )
