"""Opens web pages of another site that use the Give dialog, and reads what the dialog shows."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Route

from tests.browser.conftest import Demo
from tests.browser.host_site import HostSite

SCRIPT = Path(__file__).parent.parent.parent / "donate/static/embed.js"
PARAGRAPH = "<p id='text'>A paragraph of the host page.</p>"


@dataclass(frozen=True)
class Host:
    """A page of another site."""

    page: Page
    demo: Demo
    site: HostSite

    def show(self, body: str, *, head: str = "", language: str = "en", policy: str = "") -> None:
        """Open a page with this body. `{link}` in it is the Give page's URL."""
        body = body.replace("{link}", f"{self.demo.service}/give/LWCAN")
        self.site.policy = policy
        self.site.html = (
            f"<!doctype html><html lang='{language}'><head><meta charset='utf-8'>"
            f"<meta name='viewport' content='width=device-width'><title>A page</title>{head}"
            f"</head><body><main><h1>A page</h1>{PARAGRAPH}{body}</main></body></html>"
        )
        self.page.goto(self.site.origin)


def script(demo: Demo, attributes: str = "") -> str:
    """Return the tag that loads the dialog's script."""
    return f"<script src='{demo.service}/static/embed.js' {attributes}></script>"


def button(demo: Demo, attributes: str = "") -> str:
    """Return a link to the Give page with these attributes, and the script."""
    return f"<a href='{{link}}' data-donate='LWCAN' {attributes}>Give</a>{script(demo)}"


def change_region(page: Page, **changes: Any) -> None:
    """Let the page read this in the description of the region, over what the service offers."""

    def answer(route: Route) -> None:
        region = route.fetch().json() | changes
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(body=json.dumps(region), content_type="application/json", headers=headers)

    page.route("**/api/v1/regions/*", answer)


def read_console(page: Page) -> list[str]:
    """Return a list to which the page's warnings and errors are added."""
    lines: list[str] = []
    page.on("console", lambda line: lines.append(line.text))
    return lines


def click_button(page: Page) -> Locator:
    """Open the dialog, and return it."""
    page.locator("a[href*='/give/']").first.click()
    dialog = dialog_of(page)
    dialog.wait_for()
    return dialog


def dialog_of(page: Page) -> Locator:
    """Return the dialog, open or closed."""
    return page.locator("dialog")


def fill_in(page: Page, mode: str) -> None:
    """Fill in the open dialog: $50 in this mode."""
    page.locator("[name=preset]").nth(1).check()
    page.locator(f"[name=mode][value={mode}]").check()
    page.locator("[name=name]").fill("Ann Lee")
    page.locator("[name=email]").fill("ann@example.org")


def give(page: Page, mode: str) -> None:
    """Fill in the open dialog, and press Give."""
    fill_in(page, mode)
    submit(page).click()


def submit(page: Page) -> Locator:
    """Return the button that sends the dialog's form."""
    return page.locator("dialog .end button")
