"""Odd texts that nobody types are answered, in addresses and forms, on both databases."""

import pytest

from donate.finance.roles import Role
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.offline_desk import new_key
from tests.finance.staff_routes import ROUTES, every_route


@pytest.mark.parametrize(
    "address",
    [
        "activity?about=",
        "activity?address=",
        "donors?q=",
        "search?q=",
        "offline/donors?find=",
        "people?after=",
    ],
)
def test_nul_in_an_address_is_answered(site_on_each: FinanceSite, address: str) -> None:
    """A text with a NUL, which PostgreSQL refuses, is sought and found nowhere."""
    browser = site_on_each.signed_in(Role.ADMIN)
    for text in ("%00", "a%00b", "a%2500b"):
        assert browser.get(f"/finance/{address}{text}").status_code == 200


def test_nul_in_a_form_is_answered(site_on_each: FinanceSite) -> None:
    """Whichever field of whichever form has a NUL, no page fails."""
    browser = site_on_each.signed_in(Role.ADMIN)
    names = ("q", "find", "name", "email", "about", "version", "other", "reason")
    form = dict.fromkeys(names, "a\x00b") | {"csrf": csrf(browser), "step": "find"}
    form["form_key"] = new_key()
    for method, path, _ in ROUTES:
        if method == "POST" and not path.endswith("/sign-out"):
            assert browser.post(path, data=form).status_code < 500, path


@pytest.mark.parametrize("by", ["chosen", "received", "moved"])
@pytest.mark.parametrize("field", ["from", "to"])
def test_a_year_at_an_end_of_the_calendar_is_no_date(
    site_on_each: FinanceSite, by: str, field: str
) -> None:
    """A day that cannot be moved to another time zone is refused beside its field."""
    browser = site_on_each.signed_in()
    for day in ("0001-01-01", "0026-03-31", "9999-12-31"):
        answer = browser.get(f"/finance/gifts?by={by}&{field}={day}")
        assert answer.status_code == 422
        assert "Please enter a date such as 2026-03-31." in answer.text


@pytest.mark.parametrize(
    "number", ["9" * 18, "9" * 19, "9" * 40, "-1", "0", "x", "\u0663"], ids=ascii
)
def test_a_number_that_nothing_has_is_not_found(site_on_each: FinanceSite, number: str) -> None:
    """A number of any length in the path is answered as one that nothing has."""
    browser = site_on_each.signed_in(Role.ADMIN)
    for route in every_route():
        path = route.path.replace("{number}", number).replace("{person_id}", number)
        if "GET" in (route.methods or ()) and path != route.path and "{" not in path:
            assert browser.get(path).status_code == 404, path
