"""Which gifts get which letter, found in what is recorded."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from donate.gifts.facts import FactKind
from donate.gifts.ledger import open_month
from donate.letters.finder import FRESH, RECENT, REMIND_AFTER
from donate.letters.models import Letter
from donate.money import Money
from tests.letters.facts import ask_for, tell
from tests.letters.post import Desk
from tests.stripe_gateway.given import AMOUNT, NOW, give


def kinds(desk: Desk) -> list[str]:
    desk.find_all()
    return [letter.kind for letter in desk.letters()]


def test_a_confirmed_gift_is_thanked_for_once(desk: Desk) -> None:
    """Each confirmed gift gets one thank-you, however often one looks and is paid."""
    card, transfer = give(desk.database), give(desk.database, mode="interac")
    tell(desk.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(desk.database, transfer, FactKind.TRANSFER_RECEIVED, "C1")
    assert kinds(desk) == ["thank_you", "thank_you"]
    tell(desk.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_2")
    desk.wait(minutes=1)
    assert {letter.gift_id for letter in desk.letters()} == {card.id, transfer.id}
    assert kinds(desk) == ["thank_you", "thank_you"]


def test_no_thanks_for_money_that_is_not_in_hand(desk: Desk) -> None:
    """A gift on its way, disputed, refunded in part or whole gets no letter of thanks."""
    under_way, refunded, partly, disputed = (give(desk.database) for _ in range(4))
    tell(desk.database, under_way, FactKind.PAYMENT_PROCESSING, "cs_1")
    for number, gift in enumerate((refunded, partly, disputed)):
        tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    tell(desk.database, refunded, FactKind.REFUND_SUCCEEDED, "re_1")
    tell(desk.database, partly, FactKind.REFUND_SUCCEEDED, "re_2", amount_minor=AMOUNT // 2)
    tell(desk.database, disputed, FactKind.DISPUTE_OPENED, "du_1")
    assert sorted(kinds(desk)) == ["refund", "refund", "under_way"]


def test_each_refund_is_written_about(desk: Desk) -> None:
    """Two refunds of one gift are two letters, and each names its own."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    for source in ("re_1", "re_2"):
        tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, source, amount_minor=1_000)
    desk.find_all()
    assert sorted(x.occasion for x in desk.letters() if x.kind == "refund") == ["re_1", "re_2"]


def test_who_was_told_of_a_refund_is_told_that_it_failed(desk: Desk) -> None:
    """A refund that failed is written about where the donor was told that it succeeded, once."""
    told, untold = give(desk.database), give(desk.database)
    for gift in (told, untold):
        tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{gift.id}")
    tell(desk.database, told, FactKind.REFUND_SUCCEEDED, "re_told")
    desk.write()
    tell(desk.database, untold, FactKind.REFUND_SUCCEEDED, "re_untold")
    desk.find_all()
    long_ago = NOW - timedelta(days=60)  # Stripe's list tells when a refund began
    for gift, source in ((told, "re_told"), (untold, "re_untold")):
        tell(desk.database, gift, FactKind.REFUND_FAILED, source, happened_at=long_ago)
    for _ in range(2):
        desk.write()
        refunds = [x for x in desk.letters() if x.kind.startswith("refund")]
        assert [(x.kind, x.occasion, x.state) for x in refunds] == [
            ("refund", "re_told", "sent"),
            ("refund", "re_untold", "untrue"),
            ("refund_failed", "re_told", "sent"),
        ]


def test_who_sends_by_hand_gets_instructions_at_once(desk: Desk) -> None:
    """An Interac gift and one by giving code get instructions; a card gift needs none."""
    for mode in ("interac", "giving_code", "card"):
        give(desk.database, mode=mode)
    assert kinds(desk) == ["instructions", "instructions"]


def test_a_reminder_after_four_days(desk: Desk) -> None:
    """Only a transfer that is still awaited after four days is asked about, and only once."""
    give(desk.database, mode="interac")
    came = give(desk.database, mode="interac")
    assert kinds(desk) == ["instructions"] * 2
    tell(desk.database, came, FactKind.TRANSFER_RECEIVED, "C1")
    desk.clock.instant = NOW + REMIND_AFTER - timedelta(seconds=1)
    assert kinds(desk) == ["instructions", "instructions", "thank_you"]
    desk.clock.instant = NOW + REMIND_AFTER
    assert kinds(desk)[3:] == ["reminder"]
    desk.wait(days=2)
    assert kinds(desk)[3:] == ["reminder"]


def test_who_says_that_it_is_sent_is_not_reminded(desk: Desk) -> None:
    """A donor who told us that the transfer is sent gets no reminder of it."""
    gift = give(desk.database, mode="interac")
    assert kinds(desk) == ["instructions"]
    tell(desk.database, gift, FactKind.TRANSFER_ANNOUNCED, str(gift.id), actor="donor")
    desk.clock.instant = NOW + REMIND_AFTER
    assert kinds(desk) == ["instructions"]


def test_an_account_that_has_to_be_confirmed(desk: Desk) -> None:
    """The donor is told what is left to do, and not that the bank has been asked."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_PROCESSING, "cs_1")
    tell(desk.database, gift, FactKind.ACCOUNT_TO_CONFIRM, "cs_1", evidence={"url": ""})
    assert sorted(kinds(desk)) == ["confirm_account", "under_way"]
    desk.send_all()
    states = {letter.kind: letter.state for letter in desk.letters()}
    assert states == {"confirm_account": "sent", "under_way": "untrue"}
    tell(desk.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    desk.find_all()
    desk.send_all()
    assert "failed" in kinds(desk)


def test_a_debit_under_way_and_one_that_failed(desk: Desk) -> None:
    """A debit that is under way is told, and so is one that the bank refused; each try once."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_PROCESSING, "cs_1")
    assert kinds(desk) == ["under_way"]
    tell(desk.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    assert kinds(desk) == ["under_way", "failed"]
    tell(desk.database, gift, FactKind.PAYMENT_PROCESSING, "cs_2")
    tell(desk.database, gift, FactKind.PAYMENT_FAILED, "cs_2")
    assert kinds(desk) == ["under_way", "failed", "failed"]


def test_a_failure_that_was_mended_is_no_news(desk: Desk) -> None:
    """A payment that failed and then succeeded is thanked for and not called failed."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    assert kinds(desk) == ["thank_you"]


def test_a_month_that_failed_has_a_letter_of_its_own(desk: Desk) -> None:
    """A later month that could not be collected is another letter than a gift that failed."""
    first = give(desk.database, frequency="monthly")
    tell(desk.database, first, FactKind.PAYMENT_SUCCEEDED, "in_1")
    with desk.database.writing() as session:
        month = open_month(
            session, first.id, "in_2", Money(AMOUNT, "CAD"), invoiced_at=NOW, now=NOW
        )
    tell(desk.database, month, FactKind.PAYMENT_FAILED, "in_2")
    assert sorted(kinds(desk)) == ["month_failed", "thank_you"]


def test_another_amount_each_month_is_told(desk: Desk) -> None:
    """The last amount asked for is told; none that Stripe refused, nor of what has ended."""
    gift, other, ended = (give(desk.database, frequency="monthly") for _ in range(3))
    tell(desk.database, gift, FactKind.PLEDGE_CHANGE_REQUESTED, "a pause", evidence={})
    ask_for(desk.database, gift, 7_000, "first")
    ask_for(desk.database, other, 9_000, "refused")
    ask_for(desk.database, ended, 9_000, "ended")
    tell(desk.database, ended, FactKind.PLEDGE_ENDED, "sub_1")
    tell(desk.database, other, FactKind.PLEDGE_CHANGE_REFUSED, "refused")
    desk.find_all()
    desk.wait(minutes=1)
    ask_for_later = {"amount_minor": 8_000, "currency": "CAD", "happened_at": desk.clock.now()}
    tell(desk.database, gift, FactKind.PLEDGE_CHANGE_REQUESTED, "second", **ask_for_later)
    desk.write()
    told = {letter.occasion: letter.state for letter in desk.letters()}
    none = dict.fromkeys(("first", "refused", "ended"), "untrue")
    assert told == none | {"second": "sent"}


def test_the_end_of_a_pledge_that_never_began_is_no_news(desk: Desk) -> None:
    """The end of a pledge is written about when at least its first month was paid."""
    paid, left = (give(desk.database, frequency="monthly") for _ in range(2))
    tell(desk.database, paid, FactKind.PAYMENT_SUCCEEDED, "in_1")
    for number, gift in enumerate((paid, left)):
        tell(desk.database, gift, FactKind.PLEDGE_ENDED, f"sub_{number}")
    assert sorted(kinds(desk)) == ["pledge_ended", "thank_you"]


@pytest.mark.parametrize("too_long", [{"known": NOW - FRESH}, {"happened_at": NOW - RECENT}])
def test_nobody_is_written_to_about_last_year(desk: Desk, too_long: dict[str, Any]) -> None:
    """What became known over a week ago, or happened over a month ago, gets no letter."""
    long_ago = {name: moment - timedelta(seconds=1) for name, moment in too_long.items()}
    old, new = give(desk.database), give(desk.database)
    tell(desk.database, old, FactKind.PAYMENT_SUCCEEDED, "pi_1", **long_ago)
    tell(desk.database, new, FactKind.PAYMENT_SUCCEEDED, "pi_2", **too_long)
    desk.find_all()
    assert [letter.gift_id for letter in desk.letters()] == [new.id]


def test_a_transfer_found_on_an_old_statement_is_thanked_for(desk: Desk) -> None:
    """Statements come late: of a transfer it counts when staff entered it."""
    gift = give(desk.database, mode="giving_code")
    long_ago = NOW - RECENT - timedelta(days=30)
    tell(desk.database, gift, FactKind.TRANSFER_RECEIVED, "C1", happened_at=long_ago)
    assert kinds(desk) == ["thank_you"]


def test_what_was_committed_late_is_found(desk: Desk) -> None:
    """A fact whose transaction took minutes is found by the next look, one of hours within one."""
    assert kinds(desk) == []
    desk.wait(minutes=5)
    assert kinds(desk) == []
    minutes, hours = give(desk.database), give(desk.database)
    tell(desk.database, minutes, FactKind.PAYMENT_SUCCEEDED, "pi_1", known=NOW)
    lagging = NOW - timedelta(hours=5)
    tell(desk.database, hours, FactKind.PAYMENT_SUCCEEDED, "pi_2", known=lagging)
    desk.wait(seconds=1)
    desk.find_all()
    assert [letter.gift_id for letter in desk.letters()] == [minutes.id]
    desk.wait(hours=1)
    desk.find_all()
    assert [letter.gift_id for letter in desk.letters()] == [minutes.id, hours.id]


def test_more_than_are_taken_at_a_time_are_all_found(desk: Desk) -> None:
    """A hundred and fifty gifts at once get as many letters, in bounded rounds."""
    for number in range(150):
        tell(desk.database, give(desk.database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    assert desk.finder.find_due() == 100
    assert desk.finder.find_due() == 50
    assert desk.finder.find_due() == 0


def test_the_database_knows_a_letter_once(desk: Desk) -> None:
    """Two who look at the same time write one letter."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    desk.find_all()
    with desk.database.reading() as session:
        letter = session.exec(select(Letter)).one()
    with pytest.raises(Exception, match=r"(?i)unique"), desk.database.writing() as session:
        session.add(Letter(**letter.model_dump(exclude={"id"})))
