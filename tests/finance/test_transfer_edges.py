"""Limits of the form to mark a transfer as received, and rules for marking and undoing."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest

from donate.bank.received_transfers import (
    MAX_DAYS_BEFORE,
    Transfer,
    check_transfer,
    mark_received,
    refuse_unseen,
    thanks_leave_at,
    transfers_in_force,
    undo_transfer,
)
from donate.clock import read_day
from donate.errors import BadInput, BadInputs, Conflict
from donate.gifts.choosing.free_text import check_free_text
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import Outcome, record_facts
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import facts_of
from donate.money import Money
from tests.finance.finance_site import NOW, FinanceSite

TYPED = {"received_on": "2026-03-09", "amount": "50.00", "bank_reference": "C1", "note": ""}
ANN = "staff:1"


def checked(gift: Gift, **typed: str) -> Transfer | dict[str, str]:
    """Check a typed form, and return the transfer, or the error message of each wrong field."""
    try:
        return check_transfer(gift, TYPED | typed, now=NOW)
    except BadInputs as error:
        return {problem.field: problem.message for problem in error.problems}


def transfer(reference: str, amount_minor: int = 5_000, day: int = 9) -> Transfer:
    return Transfer(date(2026, 3, day), Money(amount_minor, "CAD"), reference, "")


def mark(site: FinanceSite, gift: Gift, transfer: Transfer, now: datetime = NOW) -> Outcome:
    with site.database.writing() as session:
        return mark_received(session, gift, transfer, actor=ANN, now=now)


def undo(
    site: FinanceSite, gift: Gift, source_id: str, reason: str = "wrong gift", now: datetime = NOW
) -> Outcome:
    with site.database.writing() as session:
        return undo_transfer(session, gift, source_id, reason, actor=ANN, now=now)


def facts(site: FinanceSite, gift: Gift, kind: FactKind) -> list[GiftFact]:
    with site.database.reading() as session:
        return [fact for fact in facts_of(session, gift.id) if fact.kind == kind]


@pytest.mark.parametrize(
    ("days", "is_accepted"),
    [(-1, False), (0, True), (1, True), (MAX_DAYS_BEFORE, True), (MAX_DAYS_BEFORE + 1, False)],
    ids=["tomorrow", "today", "yesterday", "400 days before", "401 days before"],
)
def test_a_date_may_be_so_far_back(site: FinanceSite, days: int, is_accepted: bool) -> None:
    """A transfer's date may be from 400 days before the gift until today in its region."""
    assert MAX_DAYS_BEFORE == 400
    day = date(2026, 3, 10) - timedelta(days=days)
    result = checked(site.gift(), received_on=f" {day} ")
    assert isinstance(result, Transfer) == is_accepted
    if isinstance(result, Transfer):
        assert result.received_on == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-31", date(2026, 3, 31)),
        ("1900-01-01", date(1900, 1, 1)),
        ("2999-12-31", date(2999, 12, 31)),
        ("2026-02-29", None),
        ("0026-03-31", None),
        ("1899-12-31", None),
        ("3000-01-01", None),
        ("20260331", None),
        ("2026-W10-1", None),
        ("2026-3-31", None),
        ("\u0662\u0660\u0662\u0666-03-31", None),
        ("", None),
    ],
    ids=ascii,
)
def test_a_day_is_read_as_browsers_send_it(text: str, day: date | None) -> None:
    """A date is YYYY-MM-DD in ASCII digits, exists, and is neither before 1900 nor after 2999."""
    assert read_day(text) == day


@pytest.mark.parametrize(
    ("field", "typed", "is_accepted"),
    [
        ("amount", "50" + " " * 98, True),
        ("amount", "0" * 99 + "50", True),
        ("amount", "", False),
        ("bank_reference", "x" * 100, True),
        ("bank_reference", "x" * 101, False),
        ("bank_reference", " " + "x" * 100 + "\r\n", True),
        ("bank_reference", "x", True),
        ("bank_reference", ".", False),
        ("bank_reference", "-" * 50 + "x" * 51, False),
        ("bank_reference", "a\nb", False),
        # U+FDFA becomes fifteen letters in the normalized reference, whose length is limited too.
        ("bank_reference", "\ufdfa" * 6 + "x" * 10, True),
        ("bank_reference", "\ufdfa" * 6 + "x" * 11, False),
        ("note", "x" * 500, True),
        ("note", "x" * 501, False),
        ("note", "a\r\rb", True),
        ("note", "a\tb", False),
        ("note", "4242 4242 4242 4242", False),
    ],
    ids=ascii,
)
def test_how_long_each_field_may_be(
    site: FinanceSite, field: str, typed: str, is_accepted: bool
) -> None:
    """Each field of the form is accepted up to its limit, not counting outer spaces."""
    result = checked(site.gift(), **{field: typed})
    assert isinstance(result, Transfer) == is_accepted, result
    if isinstance(result, dict):
        assert list(result) == [field]
    elif field == "amount":
        assert result.amount == Money(5_000, "CAD")


def test_checking_normalizes_the_form(site: FinanceSite) -> None:
    """Checking the form normalizes its values, and names every required field that is empty."""
    gift = site.gift()
    result = checked(gift, amount="1,049.5", bank_reference=" Cafe\u0301 1 ", note=" a\r\nb ")
    assert result == Transfer(date(2026, 3, 9), Money(104_950, "CAD"), "Caf\u00e9 1", "a\nb")
    with pytest.raises(BadInputs) as raised:
        check_transfer(gift, {}, now=NOW)
    assert [problem.field for problem in raised.value.problems] == [
        "received_on",
        "amount",
        "bank_reference",
    ]


@pytest.mark.parametrize(
    ("text", "required", "tidied"),
    [("", False, ""), (" ", True, None), ("x", True, "x"), ("x" * 9, False, None)],
)
def test_a_text_may_be_required_and_is_limited(
    text: str, required: bool, tidied: str | None
) -> None:
    """A text is refused if it is too long, or if it is required and blank."""
    if tidied is None:
        with pytest.raises(BadInput) as raised:
            check_free_text("reason", text, most=8, required=required)
        assert raised.value.field == "reason"
    else:
        assert check_free_text("reason", text, most=8, required=required) == tidied


@pytest.mark.parametrize("mode", ["card", "bank_debit"])
def test_only_gifts_by_transfer_are_marked(site: FinanceSite, mode: str) -> None:
    """Staff cannot mark card and bank debit gifts as received, because Stripe confirms those."""
    gift = site.gift(mode=mode)
    with pytest.raises(Conflict, match="Stripe confirms this gift"):
        checked(gift)
    with pytest.raises(Conflict, match="Stripe confirms this gift"):
        mark(site, gift, transfer("C1"))


def test_an_undone_reference_can_be_used_again(site: FinanceSite) -> None:
    """After a transfer was undone, its bank reference can be used again.

    The source of the new fact has the next number: C1#1 after C1#0.
    """
    gift = site.gift()
    for reference in ("C1", "C12", "C"):
        assert mark(site, gift, transfer(reference, 1_000)) == Outcome.RECORDED
    for number in range(2):
        assert undo(site, gift, f"C1#{number}") == Outcome.RECORDED
        assert mark(site, gift, transfer("c-1", 1_000)) == Outcome.RECORDED
    for reference in ("C12", "C"):
        assert mark(site, gift, transfer(reference, 1_000)) == Outcome.KNOWN
    received = [fact.source_id for fact in facts(site, gift, FactKind.TRANSFER_RECEIVED)]
    assert sorted(received) == ["C#0", "C1#0", "C1#1", "C1#2", "C12#0"]
    with site.database.reading() as session:
        in_force = transfers_in_force(facts_of(session, gift.id))
    assert sorted(fact.source_id for fact in in_force) == ["C#0", "C1#2", "C12#0"]
    (undone, _) = sorted(facts(site, gift, FactKind.TRANSFER_UNDONE), key=lambda f: f.source_id)
    assert (undone.amount_minor, undone.currency, undone.actor) == (1_000, "CAD", ANN)
    assert (undone.happened_at, undone.evidence) == (NOW, {"reason": "wrong gift"})


def test_another_day_or_amount_is_a_conflict(site: FinanceSite) -> None:
    """Marking the same bank reference again with another day or amount is a conflict."""
    gift = site.gift()
    mark(site, gift, transfer("C1"))
    for other in (transfer("C1", 5_001), transfer("C1", day=8)):
        with pytest.raises(Conflict, match=r"this gift: \$50.00, received on 2026-03-09"):
            mark(site, gift, other)
    (fact,) = facts(site, gift, FactKind.TRANSFER_RECEIVED)
    assert fact.happened_at == datetime(2026, 3, 9, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen", "reference", "is_refused"),
    [
        (None, "new", False),
        (0, "new", True),
        (1, "new", True),
        (2, "new", False),
        (3, "new", False),
        (0, "c-1", False),
        (0, "C", True),
    ],
)
def test_a_form_older_than_another_transfer_is_refused(
    site: FinanceSite, seen: int | None, reference: str, is_refused: bool
) -> None:
    """A form is refused if a different transfer was marked after the form was loaded."""
    gift = site.gift()
    for number in ("C1", "C2", "C3"):
        mark(site, gift, transfer(number, 1_000))
    undo(site, gift, "C3#0")
    meanwhile = pytest.raises(Conflict, match="Someone has just marked a transfer")
    with meanwhile if is_refused else nullcontext(), site.database.reading() as session:
        refuse_unseen(session, gift, transfer(reference), seen=seen)


def test_only_the_gifts_own_transfer_is_undone(site: FinanceSite) -> None:
    """Only a transfer that was marked for the same gift can be undone, and only with a reason."""
    gift, other = site.gift("a"), site.gift("b")
    mark(site, other, transfer("C1"))
    with pytest.raises(Conflict, match="no such transfer"):
        undo(site, gift, "C1#0")
    with pytest.raises(Conflict, match="no such transfer"):
        undo(site, gift, str(gift.id))
    with pytest.raises(BadInput, match="give a reason"):
        undo(site, other, "C1#0", " ")
    assert undo(site, other, "C1#0") == Outcome.RECORDED
    assert undo(site, other, "C1#0") == Outcome.KNOWN


def test_thanks_wait_from_the_last_change(site: FinanceSite) -> None:
    """The thank-you waits ten minutes after the last time that staff marked or undid a transfer."""
    gift, wait, minute = site.gift(), timedelta(minutes=10), timedelta(minutes=1)

    def leaves_at(now: datetime) -> datetime | None:
        with site.database.reading() as session:
            return thanks_leave_at(facts_of(session, gift.id), now, wait)

    assert leaves_at(NOW) is None
    mark(site, gift, transfer("C1", 1_000))
    mark(site, gift, transfer("C2", 1_000), NOW + minute)
    assert leaves_at(NOW + 11 * minute - timedelta(microseconds=1)) == NOW + 11 * minute
    assert leaves_at(NOW + 11 * minute) is None
    undo(site, gift, "C2#0", now=NOW + 2 * minute)
    announced = Fact(FactKind.TRANSFER_ANNOUNCED, str(gift.id), NOW, "donor")
    with site.database.writing() as session:
        record_facts(session, [(gift.id, announced)], now=NOW + 5 * minute)
    assert leaves_at(NOW + 6 * minute) == NOW + 12 * minute
    undo(site, gift, "C1#0", now=NOW + 6 * minute)
    assert leaves_at(NOW + 6 * minute) is None
