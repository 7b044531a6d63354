"""Searches on the staff pages, and returns the results that the page shows."""

import html
import itertools
import re

from httpx2 import Response

from donate.finance.roles import Role
from tests.finance.finance_site import FinanceSite

_NUMBERS = itertools.count()


def search(site: FinanceSite, typed: str, role: Role = Role.FINANCE) -> Response:
    """Sign in as a new member of staff, and search for what was typed."""
    browser = site.signed_in(role, email=f"{next(_NUMBERS)}@example.org")
    return browser.get("/finance/search", params={"q": typed})


def found(page: Response) -> dict[str, list[str]]:
    """Return the references on a page of search results, by the kind of result they stand under."""
    assert page.status_code == 200
    sections = re.compile(r'<section aria-labelledby="found-(\w+)">(.*?)</section>', re.DOTALL)
    groups = sections.findall(page.text)
    return {name: re.findall(r">(LWCAN-\w{7})</a>", body) for name, body in groups}


def marked(page: Response) -> list[str]:
    """Return the texts of the hits, with brackets around the parts that are marked."""
    texts = re.findall(r'<p class="hit-text">(.*?)</p>', page.text, re.DOTALL)
    bracketed = (text.replace("<mark>", "[").replace("</mark>", "]") for text in texts)
    return [html.unescape(text) for text in bracketed]
