"""Which e-mails are due after the facts of a gift; the worker's finder looks for them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from donate.gifts.facts import FactKind
from donate.gifts.opening import open_month
from donate.letters.finder import FRESH, RECENT, REMIND_AFTER
from donate.letters.models import Letter
from donate.money import Money
from tests.letters.facts import tell
from tests.letters.mailer import Mailer
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, give


def kinds(mailer: Mailer) -> list[str]:
    mailer.find_all()
    return [letter.kind for letter in mailer.letters()]


def test_a_confirmed_gift_is_thanked_for_once(mailer: Mailer) -> None:
    """A donor gets one thank-you for a confirmed gift, even if the gift is then paid again."""
    card, transfer = give(mailer.database), give(mailer.database, mode="interac")
    tell(mailer.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(mailer.database, transfer, FactKind.TRANSFER_RECEIVED, "C1")
    assert kinds(mailer) == ["thank_you", "thank_you"]
    tell(mailer.database, card, FactKind.PAYMENT_SUCCEEDED, "pi_2")
    mailer.wait(minutes=1)
    assert {letter.gift_id for letter in mailer.letters()} == {card.id, transfer.id}
    assert kinds(mailer) == ["thank_you", "thank_you"]


def test_no_thanks_for_money_that_we_do_not_have(mailer: Mailer) -> None:
    """No thank-you is due for a gift that is processing, disputed, or refunded even in part."""
    under_way, refunded, partly, disputed = (give(mailer.database) for _ in range(4))
    tell(mailer.database, under_way, FactKind.PAYMENT_PROCESSING, "cs_1")
    for number, gift in enumerate((refunded, partly, disputed)):
        tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    tell(mailer.database, refunded, FactKind.REFUND_SUCCEEDED, "re_1")
    tell(mailer.database, partly, FactKind.REFUND_SUCCEEDED, "re_2", amount_minor=AMOUNT // 2)
    tell(mailer.database, disputed, FactKind.DISPUTE_OPENED, "du_1")
    assert sorted(kinds(mailer)) == ["refund", "refund", "under_way"]


def test_each_refund_is_written_about(mailer: Mailer) -> None:
    """The donor gets an e-mail about each refund of a gift."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    for source in ("re_1", "re_2"):
        tell(mailer.database, gift, FactKind.REFUND_SUCCEEDED, source, amount_minor=1_000)
    mailer.find_all()
    assert sorted(x.occasion for x in mailer.letters() if x.kind == "refund") == ["re_1", "re_2"]


def test_a_failed_refund_is_written_about(mailer: Mailer) -> None:
    """The donor gets an e-mail about a failed refund only if they got one about the refund."""
    mailed, unmailed = give(mailer.database), give(mailer.database)
    for gift in (mailed, unmailed):
        tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{gift.id}")
    tell(mailer.database, mailed, FactKind.REFUND_SUCCEEDED, "re_told")
    mailer.run()
    tell(mailer.database, unmailed, FactKind.REFUND_SUCCEEDED, "re_untold")
    mailer.find_all()
    long_ago = NOW - timedelta(
        days=60
    )  # Stripe reports a failed refund with the time at which the refund began.
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


def test_gifts_by_transfer_get_instructions(mailer: Mailer) -> None:
    """Donors who give by Interac or giving code get instructions, unlike those who give by card."""
    for mode in ("interac", "giving_code", "card"):
        give(mailer.database, mode=mode)
    assert kinds(mailer) == ["instructions", "instructions"]


def test_a_reminder_after_four_days(mailer: Mailer) -> None:
    """A donor whose transfer has not arrived after four days gets one reminder."""
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


def test_no_reminder_for_a_transfer_reported_as_sent(mailer: Mailer) -> None:
    """A donor who reported the transfer as sent gets no reminder."""
    gift = give(mailer.database, mode="interac")
    assert kinds(mailer) == ["instructions"]
    tell(mailer.database, gift, FactKind.TRANSFER_ANNOUNCED, str(gift.id), actor="donor")
    mailer.clock.instant = NOW + REMIND_AFTER
    assert kinds(mailer) == ["instructions"]


def test_an_account_that_has_to_be_confirmed(mailer: Mailer) -> None:
    """A donor who has to confirm their bank account gets `confirm_account`, not `under_way`."""
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
    """A donor gets an e-mail when a debit is under way, and one for each debit that fails."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_PROCESSING, "cs_1")
    assert kinds(mailer) == ["under_way"]
    tell(mailer.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    assert kinds(mailer) == ["under_way", "failed"]
    tell(mailer.database, gift, FactKind.PAYMENT_PROCESSING, "cs_2")
    tell(mailer.database, gift, FactKind.PAYMENT_FAILED, "cs_2")
    assert kinds(mailer) == ["under_way", "failed", "failed"]


def test_a_failure_before_a_success_is_not_written_about(mailer: Mailer) -> None:
    """If a payment failed and the next one succeeded, only the thank-you is due."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_FAILED, "cs_1")
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    assert kinds(mailer) == ["thank_you"]


def test_a_month_that_failed_has_a_letter_of_its_own(mailer: Mailer) -> None:
    """The donor gets `month_failed` about a failed later month of a pledge, and not `failed`."""
    first = give(mailer.database, frequency="monthly")
    tell(mailer.database, first, FactKind.PAYMENT_SUCCEEDED, "in_1")
    with mailer.database.writing() as session:
        month = open_month(
            session, first.id, "in_2", Money(AMOUNT, "CAD"), invoiced_at=NOW, now=NOW
        )
    tell(mailer.database, month, FactKind.PAYMENT_FAILED, "in_2")
    assert sorted(kinds(mailer)) == ["month_failed", "thank_you"]


def test_the_end_of_an_unpaid_pledge_is_not_written_about(mailer: Mailer) -> None:
    """The donor gets an e-mail about the end of a pledge only if a month of it was paid."""
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
def test_old_facts_are_not_written_about(mailer: Mailer, limit: dict[str, Any]) -> None:
    """No e-mail is due for a fact that was recorded over a week ago or is over a month old."""
    long_ago = {name: moment - timedelta(seconds=1) for name, moment in limit.items()}
    old, new = give(mailer.database), give(mailer.database)
    tell(mailer.database, old, FactKind.PAYMENT_SUCCEEDED, "pi_1", **long_ago)
    tell(mailer.database, new, FactKind.PAYMENT_SUCCEEDED, "pi_2", **limit)
    mailer.find_all()
    assert [letter.gift_id for letter in mailer.letters()] == [new.id]


def test_a_transfer_found_on_an_old_statement_is_thanked_for(mailer: Mailer) -> None:
    """A transfer of long ago is thanked for once staff find it on a late bank statement."""
    gift = give(mailer.database, mode="giving_code")
    long_ago = NOW - RECENT - timedelta(days=30)
    tell(mailer.database, gift, FactKind.TRANSFER_RECEIVED, "C1", happened_at=long_ago)
    assert kinds(mailer) == ["thank_you"]


def test_a_fact_committed_late_is_found(mailer: Mailer) -> None:
    """A fact that is committed late still causes an e-mail.

    The finder finds it at once if it is minutes late, and within an hour if it is hours late.
    """
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


def test_more_gifts_than_a_round_handles_are_found(mailer: Mailer) -> None:
    """The finder handles at most 100 gifts each time it runs, and the rest when it runs again."""
    for number in range(150):
        tell(mailer.database, give(mailer.database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    assert mailer.finder.find_due() == 100
    assert mailer.finder.find_due() == 50
    assert mailer.finder.find_due() == 0


def test_the_database_stores_a_letter_once(mailer: Mailer) -> None:
    """A UNIQUE constraint refuses the same e-mail twice, in case two workers find it at once."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    mailer.find_all()
    with mailer.database.reading() as session:
        letter = session.exec(select(Letter)).one()
    with pytest.raises(Exception, match=r"(?i)unique"), mailer.database.writing() as session:
        session.add(Letter(**letter.model_dump(exclude={"id"})))
