"""Gifts that were never paid go after their time, with everything that hangs on them."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import delete, text
from sqlalchemy.exc import DBAPIError

from donate.finance.activity.trail import record_act
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.letters.reminders.models import ReminderChannel
from donate.letters.reminders.stopping import choose_reminders
from donate.retention.never_paid import LATER_WITHOUT_STRIPE
from donate.storage.bulk_writes import table_of
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from tests.chain.chained import link_all, unguarded
from tests.retention.pruned import (
    DAYS,
    LATER,
    card_tester,
    count,
    differences_in,
    gifts_of,
    prune_all,
    record_newest,
    retention,
    run_to_rest,
    totals,
)
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    event,
    event_now,
    give,
    session_for,
    settle,
    settler_of,
)

HANGING = (
    *("gift", "gift_wish", "letter", "open_checkout", "stripe_event", "pledge"),
    *("search_document", "search_key", "donor", "donor_profile", "donor_name_word"),
)


def paid_gift(database: Database) -> Gift:
    gift = give(database, opened="cs_paid", email="honest@example.com")
    settle(database, event("checkout.session.completed", session_for(gift, id="cs_paid")))
    return gift


def test_a_transfer_may_come_a_year_later(database: Database) -> None:
    """Gifts that arrive at the bank stay 400 days longer, since statements are imported late."""
    interac = give(database, mode="interac", attempts=0)
    record_newest(database)
    prune_all(database)
    assert gifts_of(database) == {interac.reference}
    prune_all(database, LATER + LATER_WITHOUT_STRIPE - timedelta(days=1))
    assert gifts_of(database) == {interac.reference}
    prune_all(database, LATER + LATER_WITHOUT_STRIPE)
    assert gifts_of(database) == set()


def add(database: Database, gift: Gift, kind: FactKind, actor: str = "donor") -> None:
    with database.writing() as session:
        one = Fact(kind=kind, source_id=f"more {gift.id}", happened_at=NOW, actor=actor)
        record_facts(session, [(gift.id, one)], now=NOW)


def test_a_testers_gifts_go_and_all_else_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several batches; the totals by day stay as they were, and the audit finds nothing."""
    monkeypatch.setattr("donate.retention.never_paid.AT_A_TIME", 3)
    paid = paid_gift(database)
    record_newest(database)
    kept = {table: count(database, table) for table in HANGING}
    for number in range(7):
        card_tester(database, number, declines=3)
    before = totals(database)
    prune_all(database)
    assert gifts_of(database) == {paid.reference}
    assert {table: count(database, table) for table in HANGING} == kept
    assert totals(database) == before
    assert differences_in(database) == []


def test_nothing_goes_before_its_time(database: Database) -> None:
    """A gift stays for the days of the setting, and for 35 days at least."""
    # Events may still come for a gift of which nothing has been heard.
    gifts = {card_tester(database).reference, give(database).reference}
    prune_all(database, NOW + timedelta(days=DAYS) - timedelta(hours=1))
    assert gifts_of(database) == gifts
    # Stripe's events of 30 days are compared with the inbox, however few days are set.
    prune_all(database, NOW + timedelta(days=34), gifts=1)
    assert gifts_of(database) == gifts
    prune_all(database, NOW + timedelta(days=36), gifts=1)
    assert gifts_of(database) == set()


def test_a_gift_without_any_session_goes_too(database: Database) -> None:
    """So does a gift for which Stripe never opened a session."""
    give(database)
    prune_all(database)
    assert gifts_of(database) == set()
    assert differences_in(database) == []


def test_a_monthly_gift_that_never_began_goes_with_its_pledge(database: Database) -> None:
    """The row of the pledge goes, and totals still count it."""
    card_tester(database, frequency="monthly")
    prune_all(database)
    assert (count(database, "pledge"), gifts_of(database)) == (0, set())
    assert differences_in(database) == []


@pytest.mark.parametrize(
    "why", ["money", "open session", "staff fact", "staff act", "claims to have paid", "reminders"]
)
def test_a_gift_that_matters_to_anybody_stays(database: Database, why: str) -> None:
    """Money, an open session, an act of staff or a choice of the donor keep it."""
    match why:
        case "money":
            gift = paid_gift(database)
        case "open session":
            gift = give(database, opened="cs_open")
        case _:
            gift = card_tester(database)
    with database.writing() as session:
        if why == "staff act":
            record_act(session, "letter_again", now=NOW, about=gift.reference)
        if why == "reminders":
            page = ReminderChannel.PAGE
            choose_reminders(session, gift, "t1@example.com", wants=False, channel=page, now=NOW)
    if why == "staff fact":
        add(database, gift, FactKind.CHECKOUT_REFUSED, "staff:1")
    if why == "claims to have paid":
        add(database, gift, FactKind.TRANSFER_ANNOUNCED)
    prune_all(database)
    assert gifts_of(database) == {gift.reference}
    assert count(database, "pruned_total") == 0


def test_a_donor_with_another_gift_stays(database: Database) -> None:
    """One address has one profile; it goes only with its last gift."""
    card_tester(database, 1, email="honest@example.com")
    paid_gift(database)
    prune_all(database)
    assert (count(database, "donor"), count(database, "donor_profile")) == (2, 2)
    assert differences_in(database) == []


def test_late_money_goes_to_staff_with_its_event(database: Database) -> None:
    """A payment for a pruned gift is set aside at once, and can be tied to a gift."""
    gift = card_tester(database)
    prune_all(database)
    late = event("checkout.session.completed", session_for(gift, id="cs_late"))
    settle(database, late)
    stored = event_now(database, late)
    assert stored.state is EventState.SET_ASIDE
    assert stored.reason == "its gift was pruned, because it seemed never paid"
    assert b"cs_late" in stored.payload
    prune_all(database, LATER + timedelta(days=1_000), bodies=180)
    assert event_now(database, late).payload


def test_late_news_without_money_is_no_work_for_staff(database: Database) -> None:
    """The event is ignored, with the reason."""
    gift = card_tester(database)
    prune_all(database)
    unpaid = {"status": "expired", "payment_status": "unpaid", "payment_intent": None}
    late = event("checkout.session.expired", session_for(gift, id="cs_tester_1", **unpaid))
    settle(database, late)
    assert event_now(database, late).state is EventState.IGNORED


def test_an_unknown_gift_that_was_not_pruned_is_still_waited_for(database: Database) -> None:
    """It may come back with a backup. Gifts of its day were never pruned."""
    gift = card_tester(database)
    prune_all(database)
    other = event("checkout.session.completed", session_for(gift, id="cs_other"))
    other_id = uuid.UUID(int=gift.id.int + (3 * 86_400_000 << 80))
    other["data"]["object"]["metadata"]["gift_id"] = str(other_id)
    settle(database, other)
    assert event_now(database, other).state is EventState.WAITING


def test_the_database_refuses_to_delete_a_gift_with_money(database: Database) -> None:
    """A trigger refuses, whatever the code does."""
    gift = paid_gift(database)
    with unguarded(database) as session:
        if not database.is_sqlite:
            session.execute(text("SET LOCAL session_replication_role = origin"))
        with pytest.raises(DBAPIError):
            session.execute(delete(table_of(Gift)).where(table_of(Gift).c.id == gift.id))


def test_pruning_goes_on_after_a_stop(database: Database) -> None:
    """Each batch is a transaction of its own, and a batch that is not chained yet waits."""
    for number in range(3):
        card_tester(database, number)
    record_newest(database)
    job = retention(database, gifts=DAYS)
    run_to_rest(job.prune_due)
    assert len(gifts_of(database)) == 3
    link_all(database)
    run_to_rest(job.prune_due)  # it rests
    assert len(gifts_of(database)) == 3
    run_to_rest(retention(database, gifts=DAYS).prune_due)
    assert gifts_of(database) == set()


def test_a_settler_finds_no_body_to_settle_again(database: Database) -> None:
    """The rows of the events stay, without their bodies."""
    card_tester(database)
    prune_all(database, gifts=0, bodies=35)
    assert settler_of(database).settle_due() == 0
    assert count(database, "stripe_event") == 2
    with database.reading() as session:
        bodies = session.execute(text("SELECT payload FROM stripe_event")).scalars().all()
    assert [bytes(body) for body in bodies] == [b"", b""]
