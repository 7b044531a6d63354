"""Erasing a donor: nothing of them is left but what is said to be kept, and the books agree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from donate.errors import Conflict
from donate.finance.activity.trail import record_act
from donate.finance.models import StaffAct
from donate.gifts.choosing.options import Wishes
from donate.gifts.donor_profiles.editing import add_note
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.search_index.models import KeyKind, SearchKey
from donate.letters.reminders.models import ReminderChannel
from donate.letters.reminders.stopping import choose_reminders, wants_reminders
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from tests.gifts.samples import fact, open_gift_of, record
from tests.personal_data.all_columns import columns_with
from tests.personal_data.erasing.carrying_out import EMAIL, NAME, erase
from tests.retention.pruned import differences_in, record_newest, totals
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    event,
    event_now,
    session_for,
    settle,
)

TRACES = (b"kanaria", b"zeisig", b"4242123")


def canary_gift(database: Database, **more: object) -> Gift:
    """Give with a note and a tribute, pay with a card, and let staff write about it."""
    wishes = Wishes(note="From Kanaria", tribute_kind="honour", tribute_name="Opa Zeisig")
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL, wishes=wishes, **more)
    requested = fact(FactKind.CHECKOUT_REQUESTED, f"{gift.id}:1")
    requested.evidence["attempt"] = 1
    record(database, gift, requested)
    personal = {
        "customer": "cus_canary",
        "customer_details": {"name": NAME, "email": EMAIL, "phone": "4242123"},
        "billing_details": {"address": {"line1": "Zeisigweg 3"}},
        "description": f"Gift of {NAME}",
    }
    settle(database, event("checkout.session.completed", session_for(gift, **personal)))
    settle(database, event("customer.created", {"id": "cus_canary", "receipt": EMAIL.lower()}))
    with database.writing() as session:
        assert gift.profile_id
        form_key = "k" * 24
        add_note(
            session,
            gift.profile_id,
            "Kanaria called",
            form_key=form_key,
            corrects=None,
            actor="staff:1",
            now=NOW,
        )
        record_act(session, "letter_again", now=NOW, about=gift.reference)
        about = "/finance/gifts.csv?q=Kanaria.Zeisig%40example.com"
        filters = {"filter": {"q": EMAIL.lower()}}
        record_act(session, "exported_gifts", now=NOW, about=about, detail=filters)
        page = ReminderChannel.PAGE
        choose_reminders(session, gift, EMAIL, wants=False, channel=page, now=NOW)
    record_newest(database)
    return gift


def files_of(database: Database) -> Iterator[bytes]:
    """Yield the bytes of SQLite's files."""
    path = Path(str(database.engine.url.database))
    for file in path.parent.glob(f"{path.name}*"):
        yield file.read_bytes().lower()


def test_a_canary_leaves_no_byte(database: Database) -> None:
    """No text column has it, nor any byte of SQLite's files; totals and audit are as before."""
    gift = canary_gift(database)
    before = totals(database)
    summary = erase(database, gift)
    assert summary.customers == ["cus_canary"]
    assert totals(database) == before
    assert differences_in(database) == []
    with database.reading() as session:
        again = session.get_one(Gift, gift.id)
        assert (again.reference, again.received_minor) == (gift.reference, gift.amount_minor)
        assert again.link_name != gift.link_name
        assert not wants_reminders(session, EMAIL)
        assert [columns_with(session, text.decode()) for text in TRACES] == [set(), set(), set()]
    if database.is_sqlite:
        assert [text for file in files_of(database) for text in TRACES if text in file] == []


def test_erasing_again_changes_nothing(database: Database) -> None:
    """Neither the link nor the activity log changes again."""
    gift = canary_gift(database)
    erase(database, gift)
    with database.reading() as session:
        link = session.get_one(Gift, gift.id).link_name
    assert erase(database, gift).is_erased
    with database.reading() as session:
        acts = session.exec(select(StaffAct.act).where(StaffAct.act == "donor_anonymised")).all()
        assert session.get_one(Gift, gift.id).link_name == link
    assert len(acts) == 1


def test_a_new_gift_of_the_address_is_a_new_donor(database: Database) -> None:
    """The erased donor is not found again by the address."""
    gift = canary_gift(database)
    erase(database, gift)
    later = open_gift_of(database, "later", name=NAME, email=EMAIL)
    assert later.profile_id != gift.profile_id


def test_a_running_monthly_gift_is_ended_first(database: Database) -> None:
    """Until then, nothing is erased."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL, frequency="monthly")
    record(database, gift, fact(FactKind.PLEDGE_STARTED, "sub_1"))
    with pytest.raises(Conflict, match="still runs"):
        erase(database, gift)
    record(database, gift, fact(FactKind.PLEDGE_ENDED, "sub_1"))
    erase(database, gift)


@pytest.mark.parametrize("what", ["a payment", "a dispute", "an event"])
def test_what_is_under_way_comes_first(database: Database, what: str) -> None:
    """A payment, a dispute and an unsettled event are waited for."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL)
    match what:
        case "a payment":
            record(database, gift, fact(FactKind.PAYMENT_PROCESSING, "cs_1"))
        case "a dispute":
            record(database, gift, fact(FactKind.PAYMENT_SUCCEEDED, "pi_1", 5_000))
            record(database, gift, fact(FactKind.DISPUTE_OPENED, "du_1", 5_000))
        case _:
            late = event("checkout.session.completed", session_for(gift))
            settle(database, late)
            with database.writing() as session:
                stored = session.merge(event_now(database, late))
                stored.state = EventState.WAITING
                stored.gift_id = gift.id
    with pytest.raises(Conflict):
        erase(database, gift)
    with database.reading() as session:
        assert session.get_one(DonorProfile, gift.profile_id).name == NAME


def test_digits_of_a_card_go(database: Database) -> None:
    """The last four digits of a card leave the facts and the search index."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL)
    changed = fact(FactKind.PLEDGE_CHANGED, "evt_1")
    changed.evidence.update({"payment_method": "pm_1", "last4": "4242"})
    record(database, gift, changed)
    record_newest(database)

    def cards() -> list[str]:
        with database.reading() as session:
            kind = SearchKey.kind == KeyKind.CARD
            return list(session.exec(select(SearchKey.key).where(kind)))

    assert cards() == ["4242"]
    erase(database, gift)
    assert cards() == []
    assert differences_in(database) == []


def test_staffs_reasons_go_and_codes_stay(database: Database) -> None:
    """Of a fact's evidence, free texts are erased; codes and ids are kept."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL)
    refund = fact(FactKind.REFUND_REQUESTED, "re_1")
    texts: Any = {"note": "asked by Kanaria", "reason": "requested_by_donor", "last4": "4242"}
    refund.evidence.update(texts)
    undone = fact(FactKind.TRANSFER_UNDONE, "bank-1")
    texts = {"reason": "Wrong donor: Kanaria", "bank_reference": "C1A2B3"}
    undone.evidence.update(texts)
    record(database, gift, refund, undone)
    record_newest(database)
    erase(database, gift)
    with database.reading() as session:
        evidence = [
            one.evidence
            for one in session.exec(select(GiftFact).where(GiftFact.gift_id == gift.id))
        ]
    assert {"reason": "requested_by_donor"} in evidence
    assert {"bank_reference": "C1A2B3"} in evidence
    assert differences_in(database) == []
