"""Marks and undoes transfers of gifts, as staff do on the page of a gift."""

from fastapi.testclient import TestClient
from httpx2 import Response

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from tests.finance.finance_site import FinanceSite, csrf

GOOD = {"received_on": "2026-03-09", "amount": "50.00", "bank_reference": "CA-1234 x", "note": ""}


def mark(browser: TestClient, gift: Gift, **typed: str) -> Response:
    data = GOOD | typed | {"csrf": csrf(browser)}
    return browser.post(f"/finance/gifts/{gift.id}/received", data=data)


def undo(browser: TestClient, gift: Gift, transfer: str, reason: str = "wrong gift") -> Response:
    data = {"transfer": transfer, "reason": reason, "csrf": csrf(browser)}
    return browser.post(f"/finance/gifts/{gift.id}/undone", data=data)


def sources(
    site: FinanceSite, gift: Gift, kind: FactKind = FactKind.TRANSFER_RECEIVED
) -> list[str]:
    with site.database.reading() as session:
        return [f.source_id for f in facts_of(session, gift.id) if f.kind == kind]
