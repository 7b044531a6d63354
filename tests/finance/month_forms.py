"""Sends the forms of months, as staff do."""

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.finance.finance_site import fields


def press(browser: TestClient, page: str, act: str, **typed: str) -> Response:
    """Open a month's page and send one of its forms."""
    hidden = fields(browser.get(page))
    return browser.post(f"{page}/{act}", data=hidden | typed)
