"""What webhooks say: the documented fields, as the facts were, without the donor unless wanted."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.outbound_webhooks.events import OutboundEvent
from donate.outbound_webhooks.models import WebhookDelivery
from donate.outbound_webhooks.payload import body_of
from donate.outbound_webhooks.receivers import queue_test
from tests.letters.facts import PAUSED, begin_pledge, change_pledge, tell
from tests.links import token_of
from tests.outbound_webhooks.receiving import WebhookDesk
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, give

DOCUMENT = Path(__file__).parent.parent.parent / "docs/webhooks.md"
URL = "https://crm.example.org/hooks"


def contents(desk: WebhookDesk, *, with_donor: bool = False) -> list[dict[str, Any]]:
    """Find what is missing, and return the content of each webhook, in the order of the facts."""
    desk.find()
    ordered = sorted(desk.deliveries(), key=lambda each: (each.fact_id or 0, each.change))
    with desk.database.reading() as session:
        return [json.loads(body_of(session, each, with_donor=with_donor)) for each in ordered]


def documented(event: str) -> dict[str, Any]:
    """Return the example of an event in docs/webhooks.md."""
    examples = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (example,) = (one for one in map(json.loads, examples) if one["type"] == event)
    return dict(example)


def normal(content: dict[str, Any], gift: Gift) -> dict[str, Any]:
    """Replace what differs each time: the gift's id and reference, and the number of the fact."""
    text = json.dumps(content).replace(str(gift.id), "ID").replace(gift.reference, "REFERENCE")
    text = re.sub(r'"sequence": \d+', '"sequence": 0', text)
    return dict(json.loads(text))


def test_the_documented_examples_are_real(desk: WebhookDesk) -> None:
    """The examples in docs/webhooks.md have exactly the fields and values of real webhooks."""
    desk.add(URL, OutboundEvent.GIFT_CONFIRMED)
    desk.add("https://two.example.org/", OutboundEvent.PLEDGE_CHANGED)
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    pledge = give(desk.database, frequency="monthly")
    begin_pledge(desk.database, pledge)
    change_pledge(desk.database, pledge, "pause", PAUSED, at=NOW + timedelta(hours=1))
    desk.wait(hours=1)
    confirmed, *_, paused = contents(desk, with_donor=True)
    for content, about in ((confirmed, gift), (paused, pledge)):
        example = documented(content["type"])
        if about is pledge:
            example["data"]["donor"] = content["data"]["donor"]
        text = json.dumps(example)
        shown = re.search(r"LWCAN-[0-9A-Z]{7}", text)
        assert shown
        text = text.replace(shown[0], "REFERENCE")
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
        text = re.sub(r'"sequence": \d+', '"sequence": 0', text)
        assert normal(content, about) == json.loads(text)


def test_the_document_names_every_event() -> None:
    """docs/webhooks.md has a row for each type of event."""
    rows = re.findall(r"^\| `([a-z_.]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert set(rows) >= set(OutboundEvent)


def test_the_donor_is_left_out(desk: WebhookDesk) -> None:
    """Without the box, nothing in a webhook comes from the donor; with it, the donor is there."""
    desk.add(URL)
    gift = give(desk.database, frequency="monthly")
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    tell(desk.database, gift, FactKind.DISPUTE_OPENED, "dp_1")
    begin_pledge(desk.database, gift)
    without = json.dumps(contents(desk))
    for word in ("Ann", "Lee", "example.com", "en-CA", token_of(gift), "pi_1", "donor"):
        assert word not in without
    donor = {
        "name": "Ann Lee",
        "email": "ann@example.com",
        "language": "en-CA",
        "is_anonymous": False,
    }
    assert [one["data"]["donor"] for one in contents(desk, with_donor=True)] == 4 * [donor]


def test_a_webhook_says_how_the_gift_was(desk: WebhookDesk) -> None:
    """Later facts change neither status nor amounts of an earlier webhook; numbers rise."""
    desk.add(URL)
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1", amount_minor=2_000)
    tell(desk.database, gift, FactKind.DISPUTE_OPENED, "dp_1", amount_minor=3_000)
    tell(desk.database, gift, FactKind.DISPUTE_WON, "dp_1")
    told = contents(desk)
    states = [(one["data"]["gift"]["status"], one["data"]["gift"]["net_minor"]) for one in told]
    assert states == [
        ("confirmed", AMOUNT),
        ("partly_refunded", 3_000),
        ("disputed", 0),
        ("partly_refunded", 3_000),
    ]
    assert [one["data"]["amount_minor"] for one in told] == [AMOUNT, 2_000, 3_000, 3_000]
    assert told[-1]["data"]["outcome"] == "won"
    numbers = [one["data"]["sequence"] for one in told]
    assert numbers == sorted(set(numbers))


def test_an_undone_transfer_says_which_amount(desk: WebhookDesk) -> None:
    """When staff undo a transfer, the webhook has its amount, and the gift without the money."""
    desk.add(URL, OutboundEvent.GIFT_UNCONFIRMED)
    gift = give(desk.database, mode="interac")
    tell(desk.database, gift, FactKind.TRANSFER_RECEIVED, "CA1", amount_minor=1_000)
    tell(desk.database, gift, FactKind.TRANSFER_RECEIVED, "CA2", amount_minor=4_000)
    tell(desk.database, gift, FactKind.TRANSFER_UNDONE, "CA2")
    (content,) = contents(desk)
    assert content["data"]["amount_minor"] == 4_000
    assert content["data"]["gift"]["received_minor"] == 1_000


@pytest.mark.parametrize("with_donor", [False, True])
def test_a_test_is_about_nobody(desk: WebhookDesk, with_donor: bool) -> None:
    """A test has a type and a time, and no gift."""
    receiver = desk.add(URL)
    with desk.database.writing() as session:
        queue_test(session, receiver, now=NOW)
    assert contents(desk, with_donor=with_donor) == [documented("webhook.test")]
    delivery: WebhookDelivery = desk.only()
    assert delivery.fact_id is None
