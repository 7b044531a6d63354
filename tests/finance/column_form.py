"""Sends the form on which staff say what the columns of a file hold."""

import html
import re

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from donate.bank.learned_shapes.models import LearnedShape
from tests.finance.finance_site import FinanceSite, csrf

SIGNED = b"When,What,How much\r\n2026-03-04,E-TRANSFER,50.00\r\n2026-03-05,FEE,-2.00\r\n"
SIMPLE = {"header": "1", "delimiter": "comma", "date": "1", "text_1": "2", "amount": "3"}


def send(browser: TestClient, uploaded: Response, act: str = "preview", **typed: str) -> Response:
    """Send the form of the columns of an uploaded file."""
    address = f"{uploaded.headers['location']}/columns"
    return browser.post(address, data={"csrf": csrf(browser), "act": act} | typed)


def seen_on(page: Response) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page.text)
    assert found
    return found[1]


def remember(
    browser: TestClient, uploaded: Response, title: str = "Valley credit union", **typed: str
) -> Response:
    """Look at the preview, then save."""
    shown = send(browser, uploaded, **typed)
    assert shown.status_code == 200, html.unescape(shown.text)
    return send(browser, uploaded, "save", title=title, seen=seen_on(shown), **typed)


def learned(site: FinanceSite) -> list[LearnedShape]:
    with site.database.reading() as session:
        return list(session.exec(select(LearnedShape).order_by(col(LearnedShape.id))))
