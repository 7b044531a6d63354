"""Before a month is closed, everything that is open is found, counted and judged."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlmodel import text

from donate.bank.reconciliation.deciding import NoGiftPart
from donate.bank.reconciliation.models import NoGiftReason
from donate.bank.transfer_mails.models import InteracTransfer, TransferState
from donate.books.months.open_items import Hurdle, OpenItem, OpenKind, read_item, with_reasons
from donate.clock import start_of_day
from donate.errors import BadInputs
from donate.gifts.facts import FactKind
from donate.gifts.offline.models import OfflineBatch, OfflineBatchTotal
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from tests.bank.reconciliation.bank_lines import mark_by_hand
from tests.books.months.month_world import (
    APRIL_3,
    IN_MARCH,
    ZONE,
    draft,
    record_lines,
    record_march,
    stripe_records,
)
from tests.finance.money_samples import MARCH, give, move, pay
from tests.stripe_gateway.balance.payouts import payout, record, transaction


def cad(amount: int) -> tuple[Money, ...]:
    return (Money(amount, "CAD"),)


def open_in(database: Database) -> dict[OpenKind, OpenItem]:
    return {item.kind: item for item in draft(database).items}


def at(moment: datetime) -> int:
    return int(moment.timestamp())


@pytest.fixture
def march(database: Database) -> Database:
    """Return a database with a March in which nothing is open."""
    record_march(database)
    assert open_in(database) == {}
    return database


def test_bank_lines_with_and_without_a_suggestion(march: Database) -> None:
    """Open lines count without their signs; a part that is explained does not."""
    rows = record_lines(
        march,
        [
            (20, 900, "A", None),
            (21, -400, "B", None),
            (22, 700, "C", NoGiftPart(NoGiftReason.INTEREST, 100)),
        ],
    )
    with march.writing() as session:
        change = "UPDATE bank_line SET band = 'likely' WHERE id = :id"
        session.execute(text(change), {"id": rows[0].id})
    found = open_in(march)
    assert found[OpenKind.LINE_SUGGESTED].amounts == cad(900)
    undecided = found[OpenKind.LINE_UNDECIDED]
    assert (undecided.count, undecided.amounts) == (2, cad(1_000))
    assert undecided.names == ("2026-03-21 Chequing", "2026-03-22 Chequing")
    assert found[OpenKind.UNIDENTIFIED].amounts == cad(900 - 400 + 600)


def test_a_line_of_april_is_nothing_of_march(march: Database) -> None:
    """A line of the day after the month is not open in it."""
    (line,) = record_lines(march, [(20, 900, "A", None)])
    with march.writing() as session:
        change = "UPDATE bank_line SET day = '2026-04-01' WHERE id = :id"
        session.execute(text(change), {"id": line.id})
    assert open_in(march) == {}


def test_a_statement_that_ends_early(march: Database) -> None:
    """An account whose files all end before the last day is named, with the day."""
    with march.writing() as session:
        session.execute(text("UPDATE account_file SET last_day = '2026-03-30'"))
    (item,) = open_in(march).values()
    assert (item.kind, item.names) == (OpenKind.STATEMENT, ("Chequing (2026-03-30)",))


def test_a_gap_between_balances_is_unexplained(march: Database) -> None:
    """If the bank's balances do not follow from the lines, the difference is named, to the cent."""
    with march.writing() as session:
        for amount, balance in ((11_600, 20_000), (12_345, 32_352), (-450, 31_902)):
            session.execute(
                text("UPDATE bank_line SET balance_minor = :balance WHERE amount_minor = :amount"),
                {"amount": amount, "balance": balance},
            )
    (item,) = open_in(march).values()
    assert (item.kind, item.names, item.amounts) == (OpenKind.UNEXPLAINED, ("at_bank",), cad(7))


def test_payouts_by_what_became_of_them(march: Database) -> None:
    """A payout is on its way, failed, unfinished or not tied; one of April is nothing of March."""
    april = {"arrival_date": at(APRIL_3), "created": at(MARCH)}
    arrived = {"arrival_date": at(MARCH), "created": at(MARCH)}
    record(march, payout(100, id="po_5", **april), is_complete=False)
    record(march, payout(200, id="po_6", status="in_transit", **arrived))
    record(march, payout(300, id="po_7", status="failed", **arrived))
    record(march, payout(400, id="po_8", **arrived), is_complete=False)
    later = {"arrival_date": at(APRIL_3), "created": at(start_of_day(date(2026, 4, 1), ZONE))}
    record(march, payout(800, id="po_9", **later))
    found = open_in(march)
    names = {kind: item.names for kind, item in found.items()}
    assert names[OpenKind.PAYOUT_IN_TRANSIT] == ("po_5", "po_6")
    assert names[OpenKind.PAYOUT_FAILED] == ("po_7",)
    assert names[OpenKind.PAYOUT_INCOMPLETE] == names[OpenKind.PAYOUT_NOT_TIED] == ("po_8",)
    assert found[OpenKind.PAYOUT_IN_TRANSIT].amounts == cad(300)


def test_gifts_that_stripe_or_the_bank_lack(march: Database) -> None:
    """A payment and a charge that lack each other, and transfers without a line, are named."""
    recorded, marked = give(march, "recorded"), give(march, "marked", mode="interac")
    pay(march, recorded)
    stripe_records(march, [transaction(1_200, 0, id="txn_9", source="ch_9", created=at(MARCH))])
    mark_by_hand(march, marked, "CA-9", 5_000)
    found = open_in(march)
    stripe = found[OpenKind.NOT_AT_STRIPE]
    assert (stripe.count, stripe.amounts) == (2, cad(6_200))
    assert stripe.names == (recorded.reference, "txn_9")
    bank = found[OpenKind.NOT_AT_BANK]
    assert (bank.count, bank.amounts, bank.names) == (1, cad(5_000), (marked.reference,))


def test_amounts_that_no_rule_knows(march: Database) -> None:
    """A transaction of a type that Stripe has just invented is a balance of suspense."""
    new = transaction(-250, 0, kind="moon_fee", category="lunar", id="txn_9", created=at(MARCH))
    stripe_records(march, [new])
    (item,) = open_in(march).values()
    assert (item.kind, item.amounts) == (OpenKind.SUSPENSE, cad(250))


def test_events_that_need_review(march: Database) -> None:
    """An event that is set aside counts whenever it came; a dismissed one does not."""
    with march.writing() as session:
        for number, state in enumerate((EventState.SET_ASIDE, EventState.DISMISSED)):
            session.add(
                StripeEvent(
                    event_id=f"evt_{number}",
                    type="charge.refunded",
                    source=EventSource.WEBHOOK,
                    payload=b"{}",
                    received_at=APRIL_3,
                    state=state,
                    due_at=APRIL_3,
                )
            )
    (item,) = open_in(march).values()
    assert (item.kind, item.count, item.names) == (OpenKind.EVENT, 1, ("evt_0",))


def test_batches_that_are_not_closed(march: Database) -> None:
    """A batch of March that is open counts once with its sums; one of April does not."""
    with march.writing() as session:
        for number, day in enumerate((IN_MARCH.last_day, IN_MARCH.next.first_day)):
            batch = OfflineBatch(
                form_key=f"key {number}",
                name=f"Sunday {number}",
                day=day,
                started_by="staff:1",
                started_at=MARCH,
            )
            session.add(batch)
            session.flush()
            for currency, amount in (("CAD", 2_000), ("USD", 500)):
                assert batch.id is not None
                session.add(
                    OfflineBatchTotal(
                        batch_id=batch.id,
                        currency=currency,
                        expected_count=1,
                        expected_minor=9_000,
                        entered_count=1,
                        entered_minor=amount,
                    )
                )
    (item,) = open_in(march).values()
    assert (item.kind, item.count, item.names) == (OpenKind.BATCH, 1, ("Sunday 0",))
    assert item.amounts == (Money(2_000, "CAD"), Money(500, "USD"))


def test_refunds_that_failed_and_disputes(march: Database) -> None:
    """A failed refund counts until somebody followed it up, a dispute until a bank decided."""
    refunded, disputed = give(march, "refunded"), give(march, "disputed")
    for gift in (refunded, disputed):
        pay(march, gift)
    move(march, refunded, FactKind.REFUND_SUCCEEDED, "re_9", 1_000)
    move(march, refunded, FactKind.REFUND_FAILED, "re_9", 1_000)
    move(march, disputed, FactKind.DISPUTE_OPENED, "dp_1", 5_000)
    found = open_in(march)
    assert (found[OpenKind.REFUND_FAILED].names, found[OpenKind.REFUND_FAILED].amounts) == (
        (refunded.reference,),
        cad(1_000),
    )
    assert (found[OpenKind.DISPUTE].names, found[OpenKind.DISPUTE].amounts) == (
        (disputed.reference,),
        cad(5_000),
    )
    move(march, refunded, FactKind.REFUND_FOLLOWED_UP, "re_9", 1_000)
    move(march, disputed, FactKind.DISPUTE_WON, "dp_1", 5_000)
    assert not {OpenKind.REFUND_FAILED, OpenKind.DISPUTE} & open_in(march).keys()


def test_mails_that_belong_to_no_line(march: Database) -> None:
    """A deposited transfer without a line is stated; one of April, or a cancelled one, is not."""
    with march.writing() as session:
        for number, (state, day) in enumerate(
            (
                (TransferState.DEPOSITED, IN_MARCH.last_day),
                (TransferState.CANCELLED, IN_MARCH.last_day),
                (TransferState.DEPOSITED, IN_MARCH.next.first_day),
            )
        ):
            session.add(
                InteracTransfer(
                    interac_reference=f"CA{number}",
                    state=state,
                    day=day,
                    amount_minor=1_500,
                    currency="CAD",
                    sender_name="Maya",
                    sender_key="maya",
                    sender_email="",
                    message="",
                    language="en",
                    recorded_at=APRIL_3,
                )
            )
    (item,) = open_in(march).values()
    assert (item.kind, item.names, item.amounts) == (
        OpenKind.TRANSFER_MAIL,
        ("CA0",),
        cad(1_500),
    )


def test_only_a_contradiction_blocks() -> None:
    """What staff can waive needs a reason, what is normal needs none, and each kind has words."""
    assert [kind for kind in OpenKind if kind.hurdle is Hurdle.BLOCKS] == [OpenKind.CONTROL]
    waivable = [OpenItem(kind, 1) for kind in OpenKind]
    with pytest.raises(BadInputs) as refused:
        with_reasons(waivable, {"control": "please", "dispute": "please"})
    fields = {problem.field.removeprefix("reason_") for problem in refused.value.problems}
    assert fields == {kind.value for kind in OpenKind if kind.hurdle is Hurdle.NEEDS_REASON}
    assert all(kind.heading and kind.sentence for kind in OpenKind)
    filled = with_reasons(waivable, dict.fromkeys(map(str, OpenKind), " why "))
    assert {item.reason for item in filled if item.kind.hurdle is Hurdle.NEEDS_REASON} == {"why"}
    assert {item.reason for item in filled if item.kind.hurdle is not Hurdle.NEEDS_REASON} == {""}


def test_an_item_is_stored_and_read_back() -> None:
    """What was open comes back from its JSON as it was."""
    item = OpenItem(OpenKind.BATCH, 2, cad(100), ("Sunday",), "Counted on Monday")
    assert read_item(item.stored()) == item
    assert replace(item, reason="") != item
