"""Which gifts are due which e-mail, found from their facts."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from donate.gifts.facts import FactKind
from donate.gifts.opening import open_month
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
    """A confirmed gift gets one thank-you, however often the finder runs and the gift is paid."""
    card, transfer = give(desk.database), give(desk.database, mode="interac")
    tell(desk.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(desk.database, transfer, FactKind.TRANSFER_RECEIVED, "C1")
    assert kinds(desk) == ["thank_you", "thank_you"]
    tell(desk.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_2")
    desk.wait(minutes=1)
    assert {letter.gift_id for letter in desk.letters()} == {card.id, transfer.id}
    assert kinds(desk) == ["thank_you", "thank_you"]


def test_no_thanks_for_money_that_is_not_in_hand(desk: Desk) -> None:
    """A gift that is processing, disputed or refunded, even in part, gets no thank-you."""
    under_way, refunded, partly, disputed = (give(desk.database) for _ in range(4))
    tell(desk.database, under_way, FactKind.PAYMENT_PROCESSING, "cs_1")
    for number, gift in enumerate((refunded, partly, disputed)):
        tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    tell(desk.database, refunded, FactKind.REFUND_SUCCEEDED, "re_1")
    tell(desk.database, partly, FactKind.REFUND_SUCCEEDED, "re_2", amount_minor=AMOUNT // 2)
    tell(desk.database, disputed, FactKind.DISPUTE_OPENED, "du_1")
    assert sorted(kinds(desk)) == ["refund", "refund", "under_way"]


def test_each_refund_is_written_about(desk: Desk) -> None:
    """Each refund of a gift gets its own e-mail."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    for source in ("re_1", "re_2"):
        tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, source, amount_minor=1_000)
    desk.find_all()
    assert sorted(x.occasion for x in desk.letters() if x.kind == "refund") == ["re_1", "re_2"]


def test_who_was_told_of_a_refund_is_told_that_it_failed(desk: Desk) -> None:
    """A failed refund is mailed once, and only to donors who got the e-mail about the refund."""
    mailed, unmailed = give(desk.database), give(desk.database)
    for gift in (mailed, unmailed):
        tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{gift.id}")
    tell(desk.database, mailed, FactKind.REFUND_SUCCEEDED, "re_told")
    desk.write()
    tell(desk.database, unmailed, FactKind.REFUND_SUCCEEDED, "re_untold")
    desk.find_all()
    long_ago = NOW - timedelta(days=60)  # Stripe lists refunds by when they began
    for gift, source in ((mailed, "re_told"), (unmailed, "re_untold")):
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
    """Interac and giving code gifts get instructions, and card gifts do not."""
    for mode in ("interac", "giving_code", "card"):
        give(desk.database, mode=mode)
    assert kinds(desk) == ["instructions", "instructions"]


def test_a_reminder_after_four_days(desk: Desk) -> None:
    """A transfer that is still awaited after four days gets one reminder."""
    give(desk.database, mode="interac")
    received = give(desk.database, mode="interac")
    assert kinds(desk) == ["instructions"] * 2
    tell(desk.database, received, FactKind.TRANSFER_RECEIVED, "C1")
    desk.clock.instant = NOW + REMIND_AFTER - timedelta(seconds=1)
    assert kinds(desk) == ["instructions", "instructions", "thank_you"]
    desk.clock.instant = NOW + REMIND_AFTER
    assert kinds(desk)[3:] == ["reminder"]
    desk.wait(days=2)
    assert kinds(desk)[3:] == ["reminder"]


def test_who_says_that_it_is_sent_is_not_reminded(desk: Desk) -> None:
    """No reminder goes to a donor who reported the transfer as sent."""
    gift = give(desk.database, mode="interac")
    assert kinds(desk) == ["instructions"]
    tell(desk.database, gift, FactKind.TRANSFER_ANNOUNCED, str(gift.id), actor="donor")
    desk.clock.instant = NOW + REMIND_AFTER
    assert kinds(desk) == ["instructions"]


def test_an_account_that_has_to_be_confirmed(desk: Desk) -> None:
    """A donor who has to confirm an account gets that e-mail instead of "under way"."""
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
    """A debit gets an e-mail when it is under way, and one for each attempt that fails."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_PROCESSING, "cs_1")
    assert kinds(desk) == ["under_way"]
    tell(desk.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    assert kinds(desk) == ["under_way", "failed"]
    tell(desk.database, gift, FactKind.PAYMENT_PROCESSING, "cs_2")
    tell(desk.database, gift, FactKind.PAYMENT_FAILED, "cs_2")
    assert kinds(desk) == ["under_way", "failed", "failed"]


def test_a_failure_that_was_mended_is_no_news(desk: Desk) -> None:
    """A payment that failed and then succeeded gets a thank-you and no failure e-mail."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    assert kinds(desk) == ["thank_you"]


def test_a_month_that_failed_has_a_letter_of_its_own(desk: Desk) -> None:
    """A later month that failed gets `month_failed`, not `failed`."""
    first = give(desk.database, frequency="monthly")
    tell(desk.database, first, FactKind.PAYMENT_SUCCEEDED, "in_1")
    with desk.database.writing() as session:
        month = open_month(
            session, first.id, "in_2", Money(AMOUNT, "CAD"), invoiced_at=NOW, now=NOW
        )
    tell(desk.database, month, FactKind.PAYMENT_FAILED, "in_2")
    assert sorted(kinds(desk)) == ["month_failed", "thank_you"]


def test_another_amount_each_month_is_told(desk: Desk) -> None:
    """Only the last requested amount is mailed, unless Stripe refused it or the pledge ended."""
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
    states = {letter.occasion: letter.state for letter in desk.letters()}
    untrue = dict.fromkeys(("first", "refused", "ended"), "untrue")
    assert states == untrue | {"second": "sent"}


def test_the_end_of_a_pledge_that_never_began_is_no_news(desk: Desk) -> None:
    """The end of a pledge is mailed only if at least one month was paid."""
    paid, unpaid = (give(desk.database, frequency="monthly") for _ in range(2))
    tell(desk.database, paid, FactKind.PAYMENT_SUCCEEDED, "in_1")
    for number, gift in enumerate((paid, unpaid)):
        tell(desk.database, gift, FactKind.PLEDGE_ENDED, f"sub_{number}")
    assert sorted(kinds(desk)) == ["pledge_ended", "thank_you"]


@pytest.mark.parametrize(
    "limit",
    [{"recorded_at": NOW - FRESH}, {"happened_at": NOW - RECENT}],
    ids=["recorded", "happened"],
)
def test_nobody_is_written_to_about_last_year(desk: Desk, limit: dict[str, Any]) -> None:
    """A fact recorded over a week ago, or that happened over a month ago, gets no e-mail."""
    long_ago = {name: moment - timedelta(seconds=1) for name, moment in limit.items()}
    old, new = give(desk.database), give(desk.database)
    tell(desk.database, old, FactKind.PAYMENT_SUCCEEDED, "pi_1", **long_ago)
    tell(desk.database, new, FactKind.PAYMENT_SUCCEEDED, "pi_2", **limit)
    desk.find_all()
    assert [letter.gift_id for letter in desk.letters()] == [new.id]


def test_a_transfer_found_on_an_old_statement_is_thanked_for(desk: Desk) -> None:
    """For a transfer, the day that staff entered it counts, because bank statements come late."""
    gift = give(desk.database, mode="giving_code")
    long_ago = NOW - RECENT - timedelta(days=30)
    tell(desk.database, gift, FactKind.TRANSFER_RECEIVED, "C1", happened_at=long_ago)
    assert kinds(desk) == ["thank_you"]


def test_what_was_committed_late_is_found(desk: Desk) -> None:
    """A fact committed minutes late is found next time, and hours late within an hour."""
    assert kinds(desk) == []
    desk.wait(minutes=5)
    assert kinds(desk) == []
    minutes, hours = give(desk.database), give(desk.database)
    tell(desk.database, minutes, FactKind.PAYMENT_SUCCEEDED, "pi_1", recorded_at=NOW)
    long_before = NOW - timedelta(hours=5)
    tell(desk.database, hours, FactKind.PAYMENT_SUCCEEDED, "pi_2", recorded_at=long_before)
    desk.wait(seconds=1)
    desk.find_all()
    assert [letter.gift_id for letter in desk.letters()] == [minutes.id]
    desk.wait(hours=1)
    desk.find_all()
    assert [letter.gift_id for letter in desk.letters()] == [minutes.id, hours.id]


def test_more_than_are_taken_at_a_time_are_all_found(desk: Desk) -> None:
    """The finder handles at most 100 gifts a round, and finds the rest in the next."""
    for number in range(150):
        tell(desk.database, give(desk.database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    assert desk.finder.find_due() == 100
    assert desk.finder.find_due() == 50
    assert desk.finder.find_due() == 0


def test_the_database_knows_a_letter_once(desk: Desk) -> None:
    """The database refuses the same e-mail twice, so two concurrent finders record it once."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    desk.find_all()
    with desk.database.reading() as session:
        letter = session.exec(select(Letter)).one()
    with pytest.raises(Exception, match=r"(?i)unique"), desk.database.writing() as session:
        session.add(Letter(**letter.model_dump(exclude={"id"})))
