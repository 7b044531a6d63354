"""Which facts make which webhooks, once for each program that wants them."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from donate.gifts.facts import FactKind
from donate.outbound_webhooks.events import OutboundEvent
from donate.outbound_webhooks.finder import KEPT, LOOKS_BACK
from donate.outbound_webhooks.models import DeliveryState, WebhookDelivery
from donate.outbound_webhooks.receivers import (
    ReceiverTerms,
    change_receiver,
    disable_receiver,
    enable_receiver,
    lock_receiver,
)
from tests.letters.facts import PAUSED, begin_pledge, change_pledge, tell
from tests.outbound_webhooks.receiving import WebhookDesk
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, give

URL = "https://crm.example.org/hooks"


def found(desk: WebhookDesk) -> list[tuple[str, str]]:
    """Find what is missing, and return the event and the change of each delivery, sorted."""
    desk.find()
    return sorted((str(each.event), each.change) for each in desk.deliveries())


@pytest.mark.parametrize(
    ("kinds", "events"),
    [
        ([FactKind.PAYMENT_SUCCEEDED], [("gift.confirmed", "")]),
        ([FactKind.TRANSFER_RECEIVED], [("gift.confirmed", "")]),
        (
            [FactKind.TRANSFER_RECEIVED, FactKind.TRANSFER_UNDONE],
            [("gift.confirmed", ""), ("gift.unconfirmed", "")],
        ),
        ([FactKind.REFUND_STARTED, FactKind.REFUND_SUCCEEDED], [("gift.refunded", "")]),
        ([FactKind.REFUND_FAILED], [("gift.refund_failed", "")]),
        ([FactKind.DISPUTE_OPENED], [("gift.disputed", "")]),
        ([FactKind.DISPUTE_WON], [("gift.dispute_closed", "won")]),
        ([FactKind.DISPUTE_LOST], [("gift.dispute_closed", "lost")]),
        ([FactKind.INQUIRY_OPENED, FactKind.INQUIRY_CLOSED], []),
        (
            [FactKind.DISPUTE_OPENED, FactKind.INQUIRY_CLOSED],
            [("gift.dispute_closed", "withdrawn"), ("gift.disputed", "")],
        ),
        ([FactKind.PLEDGE_STARTED], [("pledge.changed", "started")]),
        ([FactKind.PLEDGE_ENDED], [("pledge.changed", "ended")]),
        ([FactKind.CHECKOUT_OPENED, FactKind.PAYMENT_PROCESSING], []),
        ([FactKind.PAYMENT_FAILED, FactKind.PAYMENT_DECLINED, FactKind.GIFT_LAPSED], []),
    ],
)
def test_facts_make_exactly_their_events(
    desk: WebhookDesk, kinds: list[FactKind], events: list[tuple[str, str]]
) -> None:
    """Each fact about money makes one event; searching again finds nothing more."""
    desk.add(URL)
    gift = give(desk.database)
    for kind in kinds:
        tell(desk.database, gift, kind, "source_1")
    assert found(desk) == events
    desk.wait(hours=2)
    assert found(desk) == events


def test_a_change_of_a_pledge_is_one_event(desk: WebhookDesk) -> None:
    """Each news about a pledge makes an event; facts that report the same state make none."""
    desk.add(URL)
    gift = give(desk.database, frequency="monthly")
    begin_pledge(desk.database, gift)
    later = NOW + timedelta(hours=1)
    change_pledge(desk.database, gift, "same", at=later)
    change_pledge(desk.database, gift, "both", PAUSED, amount_minor=2 * AMOUNT, at=later)
    desk.wait(hours=1)
    assert found(desk) == [
        ("pledge.changed", "amount"),
        ("pledge.changed", "paused"),
        ("pledge.changed", "started"),
    ]


def test_a_program_gets_only_what_it_wants(desk: WebhookDesk) -> None:
    """Each program gets the events that were chosen for it, in its own deliveries."""
    crm = desk.add(URL, OutboundEvent.GIFT_CONFIRMED, OutboundEvent.GIFT_REFUNDED)
    letters = desk.add("https://news.example.org/", OutboundEvent.GIFT_REFUNDED)
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    desk.find()
    deliveries = desk.deliveries()
    assert sorted((each.receiver_id, str(each.event)) for each in deliveries) == [
        (crm.id, "gift.confirmed"),
        (crm.id, "gift.refunded"),
        (letters.id, "gift.refunded"),
    ]
    assert len({each.message_id for each in deliveries}) == 3
    assert desk.nudges == [NOW]


def test_a_new_program_is_not_told_the_past(desk: WebhookDesk) -> None:
    """A program is told what is recorded after it was added, or after an event was chosen."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    desk.wait(minutes=1)
    receiver = desk.add(URL, OutboundEvent.GIFT_REFUNDED)
    assert found(desk) == []
    later = desk.clock.now()
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_2", recorded_at=later)
    desk.wait(minutes=1)
    with desk.database.writing() as session:
        terms = ReceiverTerms(URL, "", frozenset([OutboundEvent.GIFT_CONFIRMED]), with_donor=False)
        row = lock_receiver(session, receiver.id or 0)
        change_receiver(session, row, terms, now=desk.clock.now())
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_2", recorded_at=desk.clock.now())
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_3", recorded_at=desk.clock.now())
    assert found(desk) == [("gift.confirmed", "")]


def test_a_fact_of_a_slow_transaction_is_found(desk: WebhookDesk) -> None:
    """A fact that appears minutes after the time at which it was recorded is still found."""
    desk.add(URL)
    assert found(desk) == []
    desk.wait(minutes=9)
    tell(desk.database, give(desk.database), FactKind.PAYMENT_SUCCEEDED, "pi_1", recorded_at=NOW)
    assert found(desk) == [("gift.confirmed", "")]


def test_what_happened_while_a_program_was_off_is_made_up(desk: WebhookDesk) -> None:
    """A program that is switched on again is told about the last week, without waiting."""
    receiver = desk.add(URL)
    other = desk.add("https://news.example.org/", OutboundEvent.GIFT_DISPUTED)
    with desk.database.writing() as session:
        disable_receiver(lock_receiver(session, receiver.id or 0), now=NOW)
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1", recorded_at=NOW)
    desk.wait(minutes=30)
    newer = desk.clock.now()
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1", recorded_at=newer)
    assert found(desk) == []
    desk.clock.instant = NOW + LOOKS_BACK + timedelta(minutes=10)
    assert found(desk) == []
    with desk.database.writing() as session:
        row = lock_receiver(session, receiver.id or 0)
        enable_receiver(session, row, now=desk.clock.now())
    assert found(desk) == [("gift.refunded", "")]
    assert {each.receiver_id for each in desk.deliveries()} == {receiver.id} - {other.id}


def test_a_restored_database_repeats_the_ids(desk: WebhookDesk) -> None:
    """The id follows from the fact, so what is sent again after a restore keeps its id."""
    desk.add(URL)
    tell(desk.database, give(desk.database), FactKind.PAYMENT_SUCCEEDED, "pi_1")
    desk.find()
    first = desk.only().message_id
    assert first.startswith("msg_")
    assert "." not in first
    with desk.database.writing() as session:
        session.execute(delete(WebhookDelivery))
    desk.find()
    assert desk.only().message_id == first


def test_what_is_done_is_deleted_after_two_months(desk: WebhookDesk) -> None:
    """Deliveries that are done are deleted after sixty days; those that failed are kept."""
    desk.add(URL)
    gift = give(desk.database)
    for number, state in enumerate(DeliveryState):
        tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
        desk.find()
        with desk.database.writing() as session:
            row = session.get_one(WebhookDelivery, number + 1)
            row.state = state
            row.delivered_at = NOW if state == DeliveryState.DELIVERED else None
    desk.clock.instant = NOW + KEPT
    desk.find()
    assert len(desk.deliveries()) == 4
    desk.wait(hours=2)
    desk.find()
    assert [each.state for each in desk.deliveries()] == [
        DeliveryState.WAITING,
        DeliveryState.FAILED,
    ]
