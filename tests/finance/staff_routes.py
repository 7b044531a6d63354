"""Lists the routes of the staff pages, and sends a request to one."""

from functools import cache

from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute

from donate.clock import FixedClock
from donate.finance.access import EVERYBODY
from donate.finance.routes import FinancePages
from donate.storage.database import Database
from donate.web.templating import Pages
from tests.breaker.attempts import breaker_for
from tests.finance.finance_site import (
    CHEAP,
    NO_STRIPE,
    NOW,
    OPTIONS,
    REGIONS,
    pledges_through,
    refunds_through,
)

ALL = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
UNKNOWN = {
    "{gift_id}": "018f0000-0000-7000-8000-000000000000",
    "{number}": "987654321",
    "{person_id}": "987654321",
    "{payout_id}": "po_nowhere",
    "{month}": "1999-01",
    "{code}": "NOWHERE",
    "{language}": "en-CA",
    "{kind}": "thank_you",
}
OPEN_TO_ALL = {
    "GET /finance/sign-in",
    "POST /finance/sign-in",
    "GET /finance/sign-in/code",
    "POST /finance/sign-in/code",
    "GET /finance/sign-in/provider",
    "GET /finance/sign-in/provider/back",
    "GET /finance/invitation",
    "POST /finance/invitation",
}


@cache
def all_routes() -> list[BaseRoute]:
    """Return all routes of the staff pages, from the router."""
    nowhere = Database("sqlite:////nowhere/at/all")
    finance = FinancePages(
        nowhere,
        REGIONS,
        Pages(),
        FixedClock(NOW),
        https=False,
        breaker=breaker_for(nowhere, FixedClock(NOW)),
        on_due=lambda: None,
        refunds=refunds_through(NO_STRIPE, nowhere, FixedClock(NOW)),
        pledges=pledges_through(NO_STRIPE, nowhere, FixedClock(NOW)),
        passwords=CHEAP,
        sign_in_options=OPTIONS,
    )
    return list(finance.router.routes)


def every_route() -> list[APIRoute]:
    """Return the routes of the staff pages, without those that only answer 405."""
    return [route for route in all_routes() if isinstance(route, APIRoute)]


def needed(route: APIRoute) -> str | None:
    return getattr(route.endpoint, "needs", None)


def about_nothing(path: str) -> str:
    """Fill the placeholders of a path with ids that do not exist."""
    for placeholder, unknown in UNKNOWN.items():
        path = path.replace(placeholder, unknown)
    assert "{" not in path
    return path


ROUTES = [
    (method, about_nothing(route.path), needed(route))
    for route in every_route()
    for method in sorted(route.methods or ())
]
PROTECTED = [(method, path, role) for method, path, role in ROUTES if role != EVERYBODY]


def request_status(browser: TestClient, method: str, path: str, **more: str) -> int:
    data = {"csrf": more.pop("csrf")} if "csrf" in more else None
    return browser.request(method, path, data=data, headers=more).status_code
