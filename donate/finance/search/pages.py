"""The search page: one field for everything by which staff may look for a gift."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from donate.finance.access import Visiting, needs
from donate.finance.roles import Role
from donate.finance.search.finding import (
    HITS_OF_A_KIND,
    SearchResult,
    search_everything,
    tidy_search,
)
from donate.finance.search.words import EXAMPLES, LABELS
from donate.finance.words import ACCOUNT_TO_CONFIRM, FLAGS, STATUSES
from donate.gifts.queries import accounts_to_confirm
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages


class SearchPages:
    """The page that shows the results of a search."""

    def __init__(self, database: Database, regions: Regions, pages: Pages) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/search", self.search, methods=["GET"])

    @needs(Role.VIEWER)
    def search(self, request: Request, visit: Visiting) -> Response:
        """Show what matches the typed text.

        If only one gift can be meant, redirect to that gift.
        """
        typed = tidy_search(request.query_params.get("q", ""))
        result = SearchResult()
        with self._database.reading() as session:
            if typed:
                result = search_everything(session, typed, self._regions, visit.language)
            if result.path:
                return RedirectResponse(result.path, 303)
            found = {hit.gift.id: hit.gift for group in result.groups for hit in group.hits}
            to_confirm = accounts_to_confirm(session, found.values())
        return self._pages.render(
            "finance/search.html",
            visit.language,
            staff=visit.signed_in,
            searched=typed,
            result=result,
            most=HITS_OF_A_KIND,
            to_confirm=to_confirm,
            labels=LABELS,
            examples=EXAMPLES,
            words={"statuses": STATUSES, "flags": FLAGS, "to_confirm": ACCOUNT_TO_CONFIRM},
        )
