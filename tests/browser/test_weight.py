"""What a donor's page weighs, and from where it comes."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response

from tests.browser.conftest import Demo, OpenPage
from tests.browser.test_accessibility import PAGES

MOST_BYTES = 60_000


@pytest.mark.parametrize("go", PAGES, ids=lambda go: go.__name__)
def test_a_page_is_light_and_ours(
    open_page: OpenPage, demo: Demo, go: Callable[[Page], None]
) -> None:
    """With style and script, uncompressed, a page is under 60 kB, and all of it comes from us."""
    page = open_page(viewport={"width": 320, "height": 640})
    go(page)
    heard: list[Response] = []
    # Playwright cannot mark a bound method of a list as heard.
    page.on("response", lambda response: heard.append(response))  # noqa: PLW0108
    page.reload()
    page.wait_for_load_state("networkidle")
    fresh = [each for each in heard if each.status == 200]
    assert {urlsplit(each.url).netloc for each in heard} == {urlsplit(demo.service).netloc}
    assert fresh
    # What the browser kept counts as well: somebody else comes for the first time.
    weight = sum(len(each.body()) for each in fresh)
    kept = [each.url for each in heard if each.status == 304]
    weight += sum(len(page.request.get(url).body()) for url in kept)
    assert weight < MOST_BYTES, f"{weight} bytes"
