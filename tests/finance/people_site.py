"""Signs people in with a second factor, and sends the forms of the pages about people."""

import re
from dataclasses import replace
from datetime import datetime

import pyotp
from fastapi.testclient import TestClient
from httpx2 import Response

from donate.finance.models import Staff
from donate.finance.roles import Role
from donate.finance.staff.options import SignInOptions
from donate.storage.database import Database
from tests.finance.finance_site import OPTIONS, PASSWORD, FinanceSite, fields, open_site, sign_in

REQUIRED = replace(OPTIONS, second_factor_from=Role.FINANCE)
STEP_S = 30


def open_strict_site(database: Database, options: SignInOptions = REQUIRED) -> FinanceSite:
    """Return the staff pages with the setting that requires a second factor."""
    return open_site(database, options=options)


def code_at(secret: str, moment: datetime) -> str:
    """Return the code that an app with this secret shows at a moment."""
    return pyotp.TOTP(secret).at(moment)


def post(browser: TestClient, path: str, page: str, **typed: str) -> Response:
    """Send a form of the staff page `page` with its hidden fields."""
    return browser.post(path, data=fields(browser.get(page)) | typed)


def confirm(browser: TestClient, page: Response, **typed: str) -> Response:
    """Prove on the page that asks for it who is signed in; return the answer to the first form.

    A browser that gets 307 sends the same fields to the new URL.
    """
    data = fields(page) | {"own_password": PASSWORD} | typed
    answer = browser.post("/finance/me/confirmed", data=data)
    if answer.status_code == 307:
        answer = browser.post(answer.headers["location"], data=data)
    return answer


def begin(browser: TestClient) -> str:
    """Begin to set up the second factor, and return the secret that the page shows."""
    page = "/finance/me/second-factor"
    assert post(browser, f"{page}/begun", page).status_code == 303
    shown = re.search(r'<p class="mono about">([A-Z2-7 ]+)</p>', browser.get(page).text)
    assert shown
    return shown[1].replace(" ", "")


def set_up(site: FinanceSite, browser: TestClient) -> tuple[str, list[str]]:
    """Set up the second factor, and return its secret and the recovery codes."""
    secret, page = begin(browser), "/finance/me/second-factor"
    code = code_at(secret, site.clock.now())
    answer = post(browser, f"{page}/confirmed", page, code=code)
    assert answer.status_code == 200, answer.text
    return secret, re.findall(r"<li>([a-z2-7-]{34})</li>", answer.text)


def with_factor(site: FinanceSite, email: str = "ann@example.org") -> tuple[str, list[str]]:
    """Add a person with a second factor, whose next code is not used yet."""
    site.add_staff(email)
    browser = site.browser()
    sign_in(browser, email)
    secret, codes = set_up(site, browser)
    site.wait(seconds=STEP_S)
    return secret, codes


def half_signed_in(
    site: FinanceSite, email: str = "ann@example.org", address: str = "203.0.113.5"
) -> TestClient:
    """Return a browser that has entered the right password, and no code yet."""
    browser = site.browser(address)
    answer = sign_in(browser, email)
    assert answer.headers["location"] == "/finance/sign-in/code"
    return browser


def enter(browser: TestClient, code: str) -> Response:
    """Enter a code on the second page of signing in."""
    form = fields(browser.get("/finance/sign-in/code"))
    return browser.post("/finance/sign-in/code", data=form | {"code": code})


def add_admin(site: FinanceSite, email: str = "admin@example.org") -> TestClient:
    """Add an admin, and return a browser that is signed in as them."""
    return site.signed_in(Role.ADMIN, email)


def number_of(site: FinanceSite, email: str) -> int:
    number = site.staff(email).id
    assert number is not None
    return number


def state_of(staff: Staff) -> tuple[str, bool]:
    """Return a person's role, and whether they are disabled."""
    return staff.role, staff.disabled_at is not None
