"""Staff merge two donors who are one person, and undo it."""

import re

from fastapi.testclient import TestClient

from tests.finance.donor_desk import FORM, change, donor_pages
from tests.finance.finance_site import FinanceSite, fields


def merge_form(browser: TestClient, path: str, typed: str) -> dict[str, str]:
    page = browser.get(f"{path}/merge", params={"q": typed})
    (other,) = re.findall(r'name="other" value="([^"]+)"', page.text)
    return fields(page) | {"other": other, "why": "Same person"}


def test_staff_merge_two_donors_and_undo_it(site_on_each: FinanceSite) -> None:
    """A merge joins two donors on one page, and the other page leads there; an undo parts them."""
    site = site_on_each
    main, other = donor_pages(site, "maya@example.com", "maya@work.example")
    browser = site.signed_in()
    form = merge_form(browser, main, "maya@work")
    for _ in range(2):
        answer = browser.post(f"{main}/merged", data=form)
        assert answer.headers["location"] == f"{main}?done=merged"
    assert browser.get(other).headers["location"] == main
    page = browser.get(main)
    assert page.text.count("maya@work.example") >= 2
    assert "Same person" in page.text
    found = browser.get("/finance/donors?q=maya@work").text
    assert re.findall(r"/finance/donors/\d+", found) == [main]
    undone = browser.post(f"{main}/merge-undone", data=fields(page))
    assert undone.headers["location"] == f"{main}?done=merge_undone"
    assert browser.get(other).status_code == 200
    assert "undone by Ann Lee" in browser.get(main).text
    acts = [act.act for act in site.acts() if act.act.startswith("donor")]
    assert acts == ["donor_merged", "donor_merge_undone"]


def test_a_merge_needs_a_donor_and_a_reason(site: FinanceSite) -> None:
    """A merge without a donor or a reason gets a message at the field, and keeps what was found."""
    main, _ = donor_pages(site, "maya@example.com", "maya@work.example")
    browser = site.signed_in()
    form = merge_form(browser, main, "maya@work")
    for missing in ("other", "why"):
        answer = browser.post(f"{main}/merged", data=form | {missing: ""})
        assert answer.status_code == 422
        assert f'id="{missing}-error"' in answer.text
        assert "maya@work.example" in answer.text


def test_a_merge_of_changed_donors_is_refused(site_on_each: FinanceSite) -> None:
    """If another clerk changed or merged one of the donors meanwhile, the merge answers 409."""
    site = site_on_each
    main, other, third = donor_pages(site, "a@example.com", "b@example.com", "c@example.com")
    browser = site.signed_in()
    form = merge_form(browser, main, "b@example")
    change(browser, other)
    assert browser.post(f"{main}/merged", data=form).status_code == 409
    form = merge_form(browser, main, "b@example")
    browser.post(f"{third}/merged", data=merge_form(browser, third, "b@example"))
    late = browser.post(f"{main}/merged", data=form)
    assert late.status_code == 409
    assert "just been merged" in late.text
    page = fields(browser.get(third))
    browser.post(f"{main}/merged", data=merge_form(browser, main, "c@example"))
    assert browser.post(f"{third}/merge-undone", data=page).status_code == 409
    assert browser.post(f"{third}/changed", data=page | FORM).status_code == 409
