"""What a donor's page weighs, and from where it comes."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Demo, OpenPage
from tests.browser.test_accessibility import PAGES

MOST_BYTES = 60_000
# Letters of the demo are no donor's pages.
DONORS_PAGES = [go for go in PAGES if "letter" not in go.__name__]


@pytest.mark.parametrize("go", DONORS_PAGES, ids=lambda go: go.__name__)
def test_a_page_is_light_and_ours(
    open_page: OpenPage, demo: Demo, go: Callable[[Page], None]
) -> None:
    """With style, script and pictures, uncompressed, it is under 60 kB, and all of it is ours."""
    page = open_page(viewport={"width": 320, "height": 640})
    go(page)
    parts = page.evaluate("performance.getEntriesByType('resource').map((part) => part.name)")
    addresses = {page.url, *parts}
    assert {urlsplit(address).netloc for address in addresses} == {urlsplit(demo.service).netloc}
    weight = sum(len(page.request.get(address).body()) for address in addresses)
    assert 1_000 < weight < MOST_BYTES
