"""Sends the forms of bank lines, as staff do."""

from fastapi.testclient import TestClient
from httpx2 import Response

from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.queries import parts_of_line
from donate.bank.statements.models import RecordedLine
from tests.finance.finance_site import FinanceSite, csrf

LINES = "/finance/statements/lines"


def send_about(browser: TestClient, line: RecordedLine, act: str, **typed: str) -> Response:
    data = {"version": str(line.version), "csrf": csrf(browser)} | typed
    return browser.post(f"{LINES}/{line.id}/{act}", data=data)


def parts_of(site: FinanceSite, line: RecordedLine) -> list[LinePart]:
    assert line.id is not None
    with site.database.reading() as session:
        return list(parts_of_line(session, line.id))
