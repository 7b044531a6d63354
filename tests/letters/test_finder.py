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
from tests.letters.mailer import Mailer
from tests.stripe_gateway.given import AMOUNT, NOW, give


def kinds(mailer: Mailer) -> list[str]:
    mailer.find_all()
    return [letter.kind for letter in mailer.letters()]


def test_a_confirmed_gift_is_thanked_for_once(mailer: Mailer) -> None:
    """A confirmed gift gets one thank-you, however often the finder runs and the gift is paid."""
    card, transfer = give(mailer.database), give(mailer.database, mode="interac")
    tell(mailer.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(mailer.database, transfer, FactKind.TRANSFER_RECEIVED, "C1")
    assert kinds(mailer) == ["thank_you", "thank_you"]
    tell(mailer.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_2")
    mailer.wait(minutes=1)
    assert {letter.gift_id for letter in mailer.letters()} == {card.id, transfer.id}
    assert kinds(mailer) == ["thank_you", "thank_you"]


def test_no_thanks_for_money_that_is_not_in_hand(mailer: Mailer) -> None:
    """A gift that is processing, disputed or refunded, even in part, gets no thank-you."""
    under_way, refunded, partly, disputed = (give(mailer.database) for _ in range(4))
    tell(mailer.database, under_way, FactKind.PAYMENT_PROCESSING, "cs_1")
    for number, gift in enumerate((refunded, partly, disputed)):
        tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    tell(mailer.database, refunded, FactKind.REFUND_SUCCEEDED, "re_1")
    tell(mailer.database, partly, FactKind.REFUND_SUCCEEDED, "re_2", amount_minor=AMOUNT // 2)
    tell(mailer.database, disputed, FactKind.DISPUTE_OPENED, "du_1")
    assert sorted(kinds(mailer)) == ["refund", "refund", "under_way"]


def test_each_refund_is_written_about(mailer: Mailer) -> None:
    """Each refund of a gift gets its own e-mail."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    for source in ("re_1", "re_2"):
        tell(mailer.database, gift, FactKind.REFUND_SUCCEEDED, source, amount_minor=1_000)
    mailer.find_all()
    assert sorted(x.occasion for x in mailer.letters() if x.kind == "refund") == ["re_1", "re_2"]


def test_who_was_told_of_a_refund_is_told_that_it_failed(mailer: Mailer) -> None:
    """A failed refund is mailed once, and only to donors who got the e-mail about the refund."""
    mailed, unmailed = give(mailer.database), give(mailer.database)
    for gift in (mailed, unmailed):
        tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{gift.id}")
    tell(mailer.database, mailed, FactKind.REFUND_SUCCEEDED, "re_told")
    mailer.run()
    tell(mailer.database, unmailed, FactKind.REFUND_SUCCEEDED, "re_untold")
    mailer.find_all()
    long_ago = NOW - timedelta(days=60)  # Stripe lists refunds by when they began
    for gift, source in ((mailed, "re_told"), (unmailed, "re_untold")):
        tell(mailer.database, gift, FactKind.REFUND_FAILED, source, happened_at=long_ago)
    for _ in range(2):
        mailer.run()
        refunds = [x for x in mailer.letters() if x.kind.startswith("refund")]
        assert [(x.kind, x.occasion, x.state) for x in refunds] == [
            ("refund", "re_told", "sent"),
            ("refund", "re_untold", "untrue"),
            ("refund_failed", "re_told", "sent"),
        ]


def test_who_sends_by_hand_gets_instructions_at_once(mailer: Mailer) -> None:
    """Interac and giving code gifts get instructions, and card gifts do not."""
    for mode in ("interac", "giving_code", "card"):
        give(mailer.database, mode=mode)
    assert kinds(mailer) == ["instructions", "instructions"]


def test_a_reminder_after_four_days(mailer: Mailer) -> None:
    """A transfer that is still awaited after four days gets one reminder."""
    give(mailer.database, mode="interac")
    received = give(mailer.database, mode="interac")
    assert kinds(mailer) == ["instructions"] * 2
    tell(mailer.database, received, FactKind.TRANSFER_RECEIVED, "C1")
    mailer.clock.instant = NOW + REMIND_AFTER - timedelta(seconds=1)
    assert kinds(mailer) == ["instructions", "instructions", "thank_you"]
    mailer.clock.instant = NOW + REMIND_AFTER
    assert kinds(mailer)[3:] == ["reminder"]
    mailer.wait(days=2)
    assert kinds(mailer)[3:] == ["reminder"]


def test_who_says_that_it_is_sent_is_not_reminded(mailer: Mailer) -> None:
    """No reminder goes to a donor who reported the transfer as sent."""
    gift = give(mailer.database, mode="interac")
    assert kinds(mailer) == ["instructions"]
    tell(mailer.database, gift, FactKind.TRANSFER_ANNOUNCED, str(gift.id), actor="donor")
    mailer.clock.instant = NOW + REMIND_AFTER
    assert kinds(mailer) == ["instructions"]


def test_an_account_that_has_to_be_confirmed(mailer: Mailer) -> None:
    """A donor who has to confirm an account gets that e-mail instead of "under way"."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_PROCESSING, "cs_1")
    tell(mailer.database, gift, FactKind.ACCOUNT_TO_CONFIRM, "cs_1", evidence={"url": ""})
    assert sorted(kinds(mailer)) == ["confirm_account", "under_way"]
    mailer.send_all()
    states = {letter.kind: letter.state for letter in mailer.letters()}
    assert states == {"confirm_account": "sent", "under_way": "untrue"}
    tell(mailer.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    mailer.find_all()
    mailer.send_all()
    assert "failed" in kinds(mailer)


def test_a_debit_under_way_and_one_that_failed(mailer: Mailer) -> None:
    """A debit gets an e-mail when it is under way, and one for each attempt that fails."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_PROCESSING, "cs_1")
    assert kinds(mailer) == ["under_way"]
    tell(mailer.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    assert kinds(mailer) == ["under_way", "failed"]
    tell(mailer.database, gift, FactKind.PAYMENT_PROCESSING, "cs_2")
    tell(mailer.database, gift, FactKind.PAYMENT_FAILED, "cs_2")
    assert kinds(mailer) == ["under_way", "failed", "failed"]


def test_a_failure_that_was_mended_is_no_news(mailer: Mailer) -> None:
    """A payment that failed and then succeeded gets a thank-you and no failure e-mail."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    assert kinds(mailer) == ["thank_you"]


def test_a_month_that_failed_has_a_letter_of_its_own(mailer: Mailer) -> None:
    """A later month that failed gets `month_failed`, not `failed`."""
    first = give(mailer.database, frequency="monthly")
    tell(mailer.database, first, FactKind.PAYMENT_SUCCEEDED, "in_1")
    with mailer.database.writing() as session:
        month = open_month(
            session, first.id, "in_2", Money(AMOUNT, "CAD"), invoiced_at=NOW, now=NOW
        )
    tell(mailer.database, month, FactKind.PAYMENT_FAILED, "in_2")
    assert sorted(kinds(mailer)) == ["month_failed", "thank_you"]


def test_another_amount_each_month_is_told(mailer: Mailer) -> None:
    """Only the last requested amount is mailed, unless Stripe refused it or the pledge ended."""
    gift, other, ended = (give(mailer.database, frequency="monthly") for _ in range(3))
    tell(mailer.database, gift, FactKind.PLEDGE_CHANGE_REQUESTED, "a pause", evidence={})
    ask_for(mailer.database, gift, 7_000, "first")
    ask_for(mailer.database, other, 9_000, "refused")
    ask_for(mailer.database, ended, 9_000, "ended")
    tell(mailer.database, ended, FactKind.PLEDGE_ENDED, "sub_1")
    tell(mailer.database, other, FactKind.PLEDGE_CHANGE_REFUSED, "refused")
    mailer.find_all()
    mailer.wait(minutes=1)
    ask_for_later = {"amount_minor": 8_000, "currency": "CAD", "happened_at": mailer.clock.now()}
    tell(mailer.database, gift, FactKind.PLEDGE_CHANGE_REQUESTED, "second", **ask_for_later)
    mailer.run()
    states = {letter.occasion: letter.state for letter in mailer.letters()}
    untrue = dict.fromkeys(("first", "refused", "ended"), "untrue")
    assert states == untrue | {"second": "sent"}


def test_the_end_of_a_pledge_that_never_began_is_no_news(mailer: Mailer) -> None:
    """The end of a pledge is mailed only if at least one month was paid."""
    paid, unpaid = (give(mailer.database, frequency="monthly") for _ in range(2))
    tell(mailer.database, paid, FactKind.PAYMENT_SUCCEEDED, "in_1")
    for number, gift in enumerate((paid, unpaid)):
        tell(mailer.database, gift, FactKind.PLEDGE_ENDED, f"sub_{number}")
    assert sorted(kinds(mailer)) == ["pledge_ended", "thank_you"]


@pytest.mark.parametrize(
    "limit",
    [{"recorded_at": NOW - FRESH}, {"happened_at": NOW - RECENT}],
    ids=["recorded", "happened"],
)
def test_nobody_is_written_to_about_last_year(mailer: Mailer, limit: dict[str, Any]) -> None:
    """A fact recorded over a week ago, or that happened over a month ago, gets no e-mail."""
    long_ago = {name: moment - timedelta(seconds=1) for name, moment in limit.items()}
    old, new = give(mailer.database), give(mailer.database)
    tell(mailer.database, old, FactKind.PAYMENT_SUCCEEDED, "pi_1", **long_ago)
    tell(mailer.database, new, FactKind.PAYMENT_SUCCEEDED, "pi_2", **limit)
    mailer.find_all()
    assert [letter.gift_id for letter in mailer.letters()] == [new.id]


def test_a_transfer_found_on_an_old_statement_is_thanked_for(mailer: Mailer) -> None:
    """For a transfer, the day that staff entered it counts, because bank statements come late."""
    gift = give(mailer.database, mode="giving_code")
    long_ago = NOW - RECENT - timedelta(days=30)
    tell(mailer.database, gift, FactKind.TRANSFER_RECEIVED, "C1", happened_at=long_ago)
    assert kinds(mailer) == ["thank_you"]


def test_what_was_committed_late_is_found(mailer: Mailer) -> None:
    """A fact committed minutes late is found next time, and hours late within an hour."""
    assert kinds(mailer) == []
    mailer.wait(minutes=5)
    assert kinds(mailer) == []
    minutes, hours = give(mailer.database), give(mailer.database)
    tell(mailer.database, minutes, FactKind.PAYMENT_SUCCEEDED, "pi_1", recorded_at=NOW)
    long_before = NOW - timedelta(hours=5)
    tell(mailer.database, hours, FactKind.PAYMENT_SUCCEEDED, "pi_2", recorded_at=long_before)
    mailer.wait(seconds=1)
    mailer.find_all()
    assert [letter.gift_id for letter in mailer.letters()] == [minutes.id]
    mailer.wait(hours=1)
    mailer.find_all()
    assert [letter.gift_id for letter in mailer.letters()] == [minutes.id, hours.id]


def test_more_than_are_taken_at_a_time_are_all_found(mailer: Mailer) -> None:
    """The finder handles at most 100 gifts a round, and finds the rest in the next."""
    for number in range(150):
        tell(mailer.database, give(mailer.database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    assert mailer.finder.find_due() == 100
    assert mailer.finder.find_due() == 50
    assert mailer.finder.find_due() == 0


def test_the_database_knows_a_letter_once(mailer: Mailer) -> None:
    """The database refuses the same e-mail twice, so two concurrent finders record it once."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    mailer.find_all()
    with mailer.database.reading() as session:
        letter = session.exec(select(Letter)).one()
    with pytest.raises(Exception, match=r"(?i)unique"), mailer.database.writing() as session:
        session.add(Letter(**letter.model_dump(exclude={"id"})))
