"""The donor's page of a gift by cheque or cash that staff recorded."""

import pytest

from donate.finance.offline.undoing import RETURNED, Undoing, undo_entry
from donate.gifts.models import Gift
from donate.gifts.offline.batches import record_one
from donate.regions.modes import Mode
from donate.regions.regions import load_regions
from tests.donors.visitor import Visitor
from tests.finance.finance_site import NOW
from tests.finance.offline_desk import entered
from tests.links import token_of


@pytest.mark.parametrize(
    ("mode", "email", "english", "french"),
    [
        (Mode.CHEQUE, "maya@example.com", "Cheque", "Chèque"),
        (Mode.CHEQUE, "", "Cheque", "Chèque"),
        (Mode.CASH, "", "Cash", "Argent comptant"),
    ],
)
def test_a_donor_sees_the_cheque(
    visitor: Visitor, mode: Mode, email: str, english: str, french: str
) -> None:
    """The page names the method and says that the gift has arrived; nothing is left to pay."""
    cheque = entered(5_000, mode=mode, donor_name="Maya", donor_email=email)
    key = f"{mode} of {email}"
    with visitor.database.writing() as session:
        entry = record_one(session, load_regions(), cheque, key, actor="staff:1", now=NOW).entry
        gift = session.get_one(Gift, entry.gift_id)
    page = visitor.get(f"/gifts/{token_of(gift)}")
    assert page.status_code == 200
    assert "Thank you, Maya!" in page.text
    assert english in page.text
    assert ("m…@example.com" in page.text) == bool(email)
    assert french in visitor.get(f"/gifts/{token_of(gift)}?lang=fr").text
    with visitor.database.writing() as session:
        session.add(entry)
        gift = session.get_one(Gift, gift.id)
        undoing = Undoing(RETURNED, "", entry.received_on)
        undo_entry(session, entry, gift, undoing, actor="staff:1", now=NOW)
    page = visitor.get(f"/gifts/{token_of(gift)}")
    assert "This gift was cancelled" in page.text
    assert ("your cheque" in page.text) == (mode == Mode.CHEQUE)
    assert "/instead" not in page.text
    assert "/sent" not in page.text
    for act in ("sent", "instead", "checkout"):
        assert visitor.post(f"/gifts/{token_of(gift)}/{act}", mode="interac").is_redirect
    assert len([one for one in visitor.gifts() if one.opened_at >= gift.opened_at]) == 1
    with visitor.database.reading() as session:
        assert session.get_one(Gift, gift.id).status == "lapsed"
