"""When something is known of a transfer already: by another clerk, in part, or from the donor."""

from donate.finance.models import Role
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from tests.finance.room import Room
from tests.finance.transfers import mark, sources


def test_two_clerks_at_one_transfer(room_on_each: Room) -> None:
    """Whoever marks second, having seen none marked, is told to look; what they typed stays."""
    room = room_on_each
    gift = room.gift(mode="interac")
    first, second = room.signed_in(), room.signed_in(Role.FINANCE, "bo@example.org")
    assert mark(first, gift, seen="0").status_code == 303
    assert mark(first, gift, seen="0").status_code == 303  # the same form twice is one transfer
    told = mark(second, gift, seen="0", bank_reference="the same, in other words")
    assert told.status_code == 409
    assert "Meanwhile a transfer was marked as received for this gift" in told.text
    assert "the same, in other words" in told.text
    assert sources(room, gift) == ["CA1234X#0"]
    again = mark(second, gift, seen="1", bank_reference="another one", amount="4.50")
    assert again.status_code == 303
    assert len(sources(room, gift)) == 2


def test_the_form_asks_for_what_is_missing(room: Room) -> None:
    """After a part has come, the form proposes the rest."""
    gift = room.gift(mode="interac")
    browser = room.signed_in()
    mark(browser, gift, amount="45.50")
    page = browser.get(f"/finance/gifts/{gift.id}").text
    assert 'name="amount" inputmode="decimal" autocomplete="off" value="4.50"' in page


def test_what_the_donor_says_moves_no_money(room: Room) -> None:
    """Why a gift has its status is told by money alone; the donor's word is in the history."""
    gift = room.gift(mode="interac")
    told = Fact(FactKind.TRANSFER_ANNOUNCED, str(gift.id), room.clock.now(), "donor")
    with room.database.writing() as session:
        record_facts(session, [(gift.id, told)], now=room.clock.now())
    page = room.signed_in().get(f"/finance/gifts/{gift.id}").text
    assert page.count("The donor says it is sent") == 1
    assert "The money" not in page


def test_a_gift_that_nobody_sent_had_no_page(room: Room) -> None:
    """An e-Transfer that was waited for in vain is not told as a payment page that expired."""
    gift = room.gift(mode="interac")
    told = Fact(FactKind.GIFT_LAPSED, str(gift.id), room.clock.now(), "service")
    with room.database.writing() as session:
        record_facts(session, [(gift.id, told)], now=room.clock.now())
    page = room.signed_in().get(f"/finance/gifts/{gift.id}").text
    assert "Nothing came within the days that the region waits" in page
    assert "payment page has expired" not in page
