"""Enters cheques and cash as staff do, and reads what was recorded."""

import re
import secrets
from dataclasses import replace
from datetime import date
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.offline.models import OfflineBatch, OfflineEntry
from donate.gifts.offline.rules import EnteredGift
from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from tests.finance.finance_site import csrf

HOME = "/finance/offline"
CASH = {
    "code": "LWCAN",
    "mode": "cash",
    "amount": "20.00",
    "received_on": "2026-03-08",
    "donor": "anonymous",
}
CHEQUE = CASH | {
    "mode": "cheque",
    "amount": "150.00",
    "donor": "new",
    "name": "Maya Tremblay",
    "email": "maya@example.com",
    "cheque_number": "0042",
    "bank_name": "First Bank",
    "cheque_day": "2026-03-01",
}
BATCH = {"batch_name": "Sunday offering", "received_on": "2026-03-08"}


def new_key() -> str:
    return secrets.token_urlsafe(16)


def enter(browser: TestClient, typed: dict[str, str], **more: str) -> Response:
    """Send the form that records one cheque or some cash."""
    data = {"form_key": new_key()} | typed | more | {"csrf": csrf(browser)}
    return browser.post(f"{HOME}/new/saved", data=data)


def start(browser: TestClient, count: int, total: str, **more: str) -> str:
    """Start a batch, and return the path of its page."""
    typed = BATCH | {"count_CAD": str(count), "sum_CAD": total, "form_key": new_key()}
    answer = browser.post(f"{HOME}/batch-started", data=typed | more | {"csrf": csrf(browser)})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def add(browser: TestClient, batch: str, typed: dict[str, str], **more: str) -> Response:
    """Send the form that adds an entry to a batch."""
    data = {"form_key": new_key()} | typed | more | {"csrf": csrf(browser)}
    return browser.post(f"{batch}/entered", data=data)


def act(browser: TestClient, batch: str, what: str, **typed: str) -> Response:
    """Send another form of the batch's page, with the version that the page now shows."""
    version = re.search(r'name="version" value="(\d+)"', browser.get(batch).text)
    data = {"version": version[1] if version else "0"} | typed | {"csrf": csrf(browser)}
    return browser.post(f"{batch}/{what}", data=data)


def undo(browser: TestClient, entry: OfflineEntry, **typed: str) -> Response:
    """Send the form that undoes an entry."""
    data = {"reason": "typed wrongly", "day": "2026-03-10"} | typed | {"csrf": csrf(browser)}
    return browser.post(f"{HOME}/entries/{entry.id}/undone", data=data)


def entries(database: Database) -> list[OfflineEntry]:
    with database.reading() as session:
        return list(session.exec(select(OfflineEntry).order_by(col(OfflineEntry.id))))


def batches(database: Database) -> list[OfflineBatch]:
    with database.reading() as session:
        return list(session.exec(select(OfflineBatch).order_by(col(OfflineBatch.id))))


def gifts(database: Database) -> list[Gift]:
    with database.reading() as session:
        return list(session.exec(select(Gift).order_by(col(Gift.id))))


def movements(database: Database) -> list[tuple[str, int, str]]:
    """Return the kind, amount and day of each movement."""
    with database.reading() as session:
        rows = session.exec(select(GiftMovement).order_by(col(GiftMovement.id)))
        return [(str(row.kind), row.amount_minor, row.day.isoformat()) for row in rows]


def audit(database: Database) -> list[str]:
    """Return all that the audit finds wrong."""
    with database.reading_snapshot() as session:
        return [*differences(session), *broken_constraints(session)]


def problems(page: Any) -> dict[str, str]:
    """Return the sentence beside each field that a page marks as wrong."""
    return dict(re.findall(r'<p[^>]* id="(\w+)-error">([^<]*)</p>', page.text))


def entered(amount_minor: int, **more: Any) -> EnteredGift:
    """Return an entry of anonymous cash that passed all checks, with some values changed."""
    plain = EnteredGift(
        code="LWCAN",
        mode=Mode.CASH,
        fund="",
        amount=Money(amount_minor, "CAD"),
        received_on=date(2026, 3, 1),
        profile_id=None,
        donor_name="",
        donor_email="",
        donor_address="",
        language="en-CA",
        sends_thanks=False,
        cheque_number="",
        cheque_day=None,
        bank_name="",
        note="",
    )
    return replace(plain, **more)
