"""Uploads and imports statements, as staff do."""

import re

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from donate.bank.statements.models import RecordedLine
from tests.finance.finance_site import FinanceSite, csrf

STATEMENTS = "/finance/statements"


def upload(browser: TestClient, content: bytes, name: str = "accountactivity.csv") -> Response:
    files = {"file": (name, content, "text/csv")}
    return browser.post(f"{STATEMENTS}/uploaded", data={"csrf": csrf(browser)}, files=files)


def finish(browser: TestClient, uploaded: Response, **typed: str) -> Response:
    """Send the form of an upload: first to compare with the chosen account, then to import."""
    address, data = uploaded.headers["location"], {"csrf": csrf(browser)} | typed
    compared = browser.post(address, data=data)
    if 'name="compared"' not in compared.text:
        return compared
    seen = re.search(r'name="seen" value="([^"]*)"', compared.text)
    assert seen
    return browser.post(address, data=data | {"seen": seen[1], "compared": "yes"})


def lines(site: FinanceSite) -> list[RecordedLine]:
    with site.database.reading() as session:
        return list(session.exec(select(RecordedLine).order_by(col(RecordedLine.id))))
