"""Erasing a donor takes nothing from other people with similar names and addresses."""

import json
from typing import Any

import pytest
from sqlmodel import Session, select

from donate.finance.activity.trail import record_act
from donate.finance.models import StaffAct
from donate.personal_data.erasing.traces import Traces
from donate.storage.database import Database
from tests.finance.finance_site import start_staff_session
from tests.gifts.samples import open_gift_of
from tests.personal_data.erasing.carrying_out import erase
from tests.retention.pruned import record_newest
from tests.stripe_gateway.gifts_and_events import NOW, event, event_now, settle

EMAIL, NAME = "lee@x.example.com", "John Smith"
TRACES = Traces([EMAIL], [NAME])


def customer(email: str, name: str) -> dict[str, Any]:
    details = {"email": email, "name": name, "phone": "4242123"}
    return {"id": f"cus_{email[:4]}", "customer_details": details, "description": f"For {name}"}


def test_events_of_other_people_stay_whole(database: Database) -> None:
    """An event of a similar address, or of the same name, is left as it is."""
    gift = open_gift_of(database, "lee", name=NAME, email=EMAIL)
    others = [
        event("customer.created", customer("ashlee@x.example.com", "Ash Lee")),
        event("customer.created", customer("a.lee@x.example.com", NAME)),
        event("customer.created", customer("lee@x.example.com.au", NAME)),
        event("customer.created", customer("john@example.org", NAME)),
    ]
    own = event("customer.created", customer(EMAIL, NAME))
    named = event("customer.created", customer("bob@example.org", "Bob Roy") | {"note": EMAIL})
    settle(database, *others, own, named)
    before = [event_now(database, each).payload for each in others]
    record_newest(database)
    erase(database, gift)
    assert [event_now(database, each).payload for each in others] == before
    cleaned = json.loads(event_now(database, own).payload)["data"]["object"]
    assert cleaned["customer_details"] == {"email": None, "name": None, "phone": None}
    assert cleaned["description"] == "For [erased]"
    kept = json.loads(event_now(database, named).payload)["data"]["object"]
    assert kept["customer_details"] == customer("bob@example.org", "Bob Roy")["customer_details"]
    assert kept["note"] == "[erased]"


def acts(session: Session) -> set[tuple[str, str]]:
    return {(each.act, each.about) for each in session.exec(select(StaffAct))}


def test_acts_about_an_account_stay(database: Database) -> None:
    """An act about a staff account keeps its address, even if a donor has the same one."""
    gift = open_gift_of(database, "lee", name=NAME, email=EMAIL)
    with database.writing() as session:
        start_staff_session(session, EMAIL, now=NOW)
        record_act(session, "staff_added", now=NOW, about=EMAIL)
        record_act(session, "staff_added", now=NOW, about="ashlee@x.example.com")
        record_act(
            session, "exported_gifts", now=NOW, about="/finance/gifts.csv?q=lee%40X.example.com"
        )
    record_newest(database)
    erase(database, gift)
    with database.reading() as session:
        found = acts(session)
    assert ("staff_added", EMAIL) in found
    assert ("staff_added", "ashlee@x.example.com") in found
    assert ("exported_gifts", "/finance/gifts.csv?q=[erased]") in found


@pytest.mark.parametrize(
    "text",
    [
        "write to lee@x.example.com.",
        "<LEE@X.example.com>",
        "q=lee%40x.example.com&mode=card",
        "q=to+lee%40x.example.com",
        "q=%22lee%40x.example.com%22",
        "q=dear+John+Smith%2C",
        "Mr John Smith, Ottawa",
        '"note\\nlee@x.example.com"',
    ],
)
def test_whole_texts_are_found(text: str) -> None:
    """An address or a name is found between other words, and as it stands in a URL or in JSON."""
    assert TRACES.are_in(text)
    assert "[erased]" in TRACES.taken_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "ashlee@x.example.com",
        "a+lee@x.example.com",
        "q=a%2Blee%40x.example.com",
        "lee@x.example.com.au",
        "lee@x.example.community",
        "John Smithers",
        "John Smith-Jones",
        "Anne-John Smith",
    ],
)
def test_parts_of_other_texts_are_not_found(text: str) -> None:
    """An address or a name within a longer one is somebody else's."""
    assert TRACES.taken_out(text) == text
