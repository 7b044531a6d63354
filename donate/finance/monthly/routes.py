"""The routes under `/finance/monthly`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter

from donate.clock import Clock
from donate.finance.monthly.one_pledge_pages import OnePledgePages
from donate.finance.monthly.pages import MonthlyPages
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.web.templating import Pages

StaffRoute = tuple[str, str, Callable[..., Any]]
"""A route: the method, the path below `/finance`, and the function that handles it."""


class MonthlyRoutes:
    """The pages for monthly gifts, and their routes.

    `wait` is the pause before e-mails that follow from bank transfers, which staff can undo until
    then. It is None if the service sends no e-mails.
    """

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        pledges: PledgeChanges,
        *,
        time_zone: str,
        wait: timedelta | None,
    ) -> None:
        monthly = MonthlyPages(database, regions, pages, clock, time_zone=time_zone)
        one = OnePledgePages(
            database, regions, pages, clock, pledges, sends_letters=wait is not None
        )
        self._routes: Final[tuple[StaffRoute, ...]] = (
            ("GET", "/monthly", monthly.pledges),
            ("GET", "/monthly/{gift_id}", one.pledge),
            ("POST", "/monthly/{gift_id}/paused", one.paused),
            ("POST", "/monthly/{gift_id}/resumed", one.resumed),
            ("POST", "/monthly/{gift_id}/ended", one.ended),
            ("POST", "/monthly/{gift_id}/link-sent", one.link_sent),
        )

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        for method, path, handler in self._routes:
            router.add_api_route(path, handler, methods=[method])
