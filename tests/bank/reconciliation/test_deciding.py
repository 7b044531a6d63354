"""What a bank line is: parts that never exceed it, each transfer once, all of it undoable."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from donate.bank.received_transfers import undo_transfer
from donate.bank.reconciliation import deciding
from donate.bank.reconciliation.deciding import (
    DecidedPart,
    GiftPart,
    NoGiftPart,
    PayoutPart,
    undo_part,
)
from donate.bank.reconciliation.models import LinePart, NoGiftReason
from donate.bank.statements.models import RecordedLine
from donate.errors import BadInput, Conflict
from donate.gifts.movements.models import GiftMovement
from donate.gifts.status import StatusName
from donate.money import Money
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import (
    NOW,
    bank_line,
    decide,
    findings,
    gift,
    mark_by_hand,
    payout,
    reread,
)


def test_a_line_pays_a_gift(database: Database) -> None:
    """A line that is tied to a gift confirms it with the day and the amount of the line."""
    line, one = bank_line(database, 5_000), gift(database)
    (part,) = decide(database, line, GiftPart(one.id, 5_000))
    paid = reread(database, one)
    assert (paid.status, paid.received_minor) == (StatusName.CONFIRMED, 5_000)
    assert paid.received_on == line.day
    assert reread(database, line).explained_minor == 5_000
    assert part.made_transfer
    assert findings(database) == []


def test_one_line_pays_several_gifts_with_a_remainder(database: Database) -> None:
    """A line can be split between gifts, and what is left of it stays open."""
    line = bank_line(database, 12_000)
    gifts = [gift(database, "one"), gift(database, "two")]
    decide(database, line, *(GiftPart(each.id, 5_000) for each in gifts))
    assert [reread(database, each).received_minor for each in gifts] == [5_000, 5_000]
    assert reread(database, line).open_amount == Money(2_000, "CAD")
    decide(database, line, NoGiftPart(NoGiftReason.OTHER_INCOME, 2_000, "a book"))
    assert reread(database, line).open_amount.amount_minor == 0
    assert findings(database) == []


def test_several_lines_pay_one_gift(database: Database) -> None:
    """The parts of two lines add up to one gift."""
    one = gift(database)
    for text, amount in (("FIRST", 3_000), ("SECOND", 2_000)):
        decide(database, bank_line(database, amount, text), GiftPart(one.id, amount))
    assert reread(database, one).received_minor == 5_000
    assert findings(database) == []


def test_a_marked_transfer_is_tied_and_not_recorded_again(database: Database) -> None:
    """If staff marked the transfer before, its line is tied to it, and the gift gets no more."""
    line, one = bank_line(database, 5_000), gift(database)
    source = mark_by_hand(database, one)
    (part,) = decide(database, line, GiftPart(one.id, 5_000, source))
    assert not part.made_transfer
    assert reread(database, one).received_minor == 5_000
    assert findings(database) == []


def test_a_marked_transfer_of_another_currency_is_refused(database: Database) -> None:
    """A line in US dollars is not tied to a marked transfer of as many Canadian dollars."""
    line, one = bank_line(database, 5_000, currency="USD"), gift(database)
    source = mark_by_hand(database, one)
    with pytest.raises(BadInput, match="another currency"):
        decide(database, line, GiftPart(one.id, 5_000, source))
    assert reread(database, line).explained_minor == 0


def test_the_audit_names_a_part_in_another_currency(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit reports a line whose part is a transfer in another currency."""
    monkeypatch.setattr(deciding, "_check_marked", lambda *_: None)
    line, one = bank_line(database, 5_000, currency="USD"), gift(database)
    decide(database, line, GiftPart(one.id, 5_000, mark_by_hand(database, one)))
    assert any("has no such transfer in force" in each for each in findings(database))


def test_a_transfer_is_tied_to_one_line(database: Database) -> None:
    """A second line is not tied to a transfer that a line explains already."""
    one = gift(database)
    source = mark_by_hand(database, one)
    decide(database, bank_line(database, 5_000, "A"), GiftPart(one.id, 5_000, source))
    second = bank_line(database, 5_000, "B")
    with pytest.raises(Conflict, match="already tied"):
        decide(database, second, GiftPart(one.id, 5_000, source))
    assert reread(database, second).explained_minor == 0


def test_a_payout_is_tied_to_one_line(database: Database) -> None:
    """A payout arrives on one line only."""
    number = payout(database, 900)
    decide(database, bank_line(database, 900, "STRIPE A"), PayoutPart(number, 900))
    with pytest.raises(Conflict, match="already tied"):
        decide(database, bank_line(database, 900, "STRIPE B"), PayoutPart(number, 900))


@pytest.mark.parametrize(
    ("amount", "parts", "sentence"),
    [
        (5_000, [], "choose what this line is"),
        (5_000, [NoGiftPart(NoGiftReason.OTHER, 5_001)], "more than is left"),
        (5_000, [NoGiftPart(NoGiftReason.OTHER, -1)], "same direction"),
        (5_000, [NoGiftPart(NoGiftReason.OTHER, 0)], "same direction"),
        (-300, [NoGiftPart(NoGiftReason.BANK_FEE, -301)], "more than is left"),
        (-300, [NoGiftPart(NoGiftReason.BANK_FEE, 300)], "same direction"),
        (5_000, [NoGiftPart(NoGiftReason.OTHER, 1, "4242 4242 4242 4242")], "card number"),
    ],
)
def test_parts_have_to_fit(
    database: Database, amount: int, parts: list[DecidedPart], sentence: str
) -> None:
    """Parts that do not fit the line are refused, and nothing is recorded."""
    line = bank_line(database, amount)
    with pytest.raises(BadInput, match=sentence):
        decide(database, line, *parts)
    assert reread(database, line).version == line.version


def test_money_that_left_pays_no_gift(database: Database) -> None:
    """A debit is never tied to a gift."""
    line, one = bank_line(database, -5_000), gift(database)
    with pytest.raises(BadInput, match="can’t pay a gift"):
        decide(database, line, GiftPart(one.id, -5_000))


def test_a_transfer_that_was_undone_is_not_tied(database: Database) -> None:
    """A transfer that is no longer in force, or has another amount, is not tied."""
    line, one = bank_line(database, 5_000), gift(database)
    source = mark_by_hand(database, one, amount=4_000)
    with pytest.raises(Conflict, match="another amount"):
        decide(database, line, GiftPart(one.id, 5_000, source))
    with database.writing() as session:
        undo_transfer(session, one, source, "wrong", actor="staff:1", now=NOW)
    with pytest.raises(Conflict, match="undone meanwhile"):
        decide(database, line, GiftPart(one.id, 4_000, source))


def test_an_older_page_is_refused(database: Database) -> None:
    """If somebody decided about the line since the page was shown, nothing is recorded."""
    line, one = bank_line(database, 5_000), gift(database)
    decide(database, line, NoGiftPart(NoGiftReason.OTHER, 1_000))
    with pytest.raises(Conflict, match="look again"):
        decide(database, line, GiftPart(one.id, 4_000), version=line.version)
    assert reread(database, one).received_minor == 0


def test_undo_opens_the_line_and_the_gift(database: Database) -> None:
    """Undoing a part takes the money from the gift again, and the line can be decided anew."""
    line, one, other = bank_line(database, 5_000), gift(database), gift(database, "other")
    (part,) = decide(database, line, GiftPart(one.id, 5_000))
    with database.writing() as session:
        assert part.id is not None
        undo_part(session, part.id, "wrong person", actor="staff:2", now=NOW + timedelta(hours=1))
    assert reread(database, one).received_minor - reread(database, one).returned_minor == 0
    assert reread(database, line).explained_minor == 0
    with database.reading() as session:
        moved = session.exec(select(GiftMovement).where(GiftMovement.gift_id == one.id)).all()
    assert {movement.day for movement in moved} == {line.day}
    assert sum(movement.amount_minor for movement in moved) == 0
    decide(database, line, GiftPart(other.id, 5_000))
    assert reread(database, other).received_minor == 5_000
    assert findings(database) == []


def test_a_part_that_was_undone_is_decided_again(database: Database) -> None:
    """If one of two parts is undone, its money can pay a third gift."""
    line = bank_line(database, 10_000)
    one, two, three = (gift(database, key) for key in ("one", "two", "three"))
    first, _ = decide(database, line, GiftPart(one.id, 5_000), GiftPart(two.id, 5_000))
    with database.writing() as session:
        assert first.id is not None
        undo_part(session, first.id, "wrong person", actor="staff:1", now=NOW)
    decide(database, line, GiftPart(three.id, 5_000))
    assert [reread(database, each).net_minor for each in (one, two, three)] == [0, 5_000, 5_000]
    assert findings(database) == []


def test_undo_leaves_a_transfer_that_was_marked_before(database: Database) -> None:
    """Undoing the tie to a transfer that staff had marked leaves the gift confirmed."""
    line, one = bank_line(database, 5_000), gift(database)
    (part,) = decide(database, line, GiftPart(one.id, 5_000, mark_by_hand(database, one)))
    with database.writing() as session:
        assert part.id is not None
        undo_part(session, part.id, "another line", actor="staff:1", now=NOW)
    assert reread(database, one).received_minor == 5_000
    assert reread(database, line).explained_minor == 0
    assert findings(database) == []


def test_undoing_the_transfer_on_its_gift_opens_the_line(database: Database) -> None:
    """If staff undo a transfer on the page of its gift, its bank line is open again."""
    line, one = bank_line(database, 5_000), gift(database)
    (part,) = decide(database, line, GiftPart(one.id, 5_000))
    with database.writing() as session:
        undo_transfer(session, one, part.source_id, "wrong gift", actor="staff:1", now=NOW)
    assert reread(database, line).explained_minor == 0
    assert reread(database, part).undo_reason == "wrong gift"
    assert findings(database) == []


def test_undo_twice_is_refused(database: Database) -> None:
    """A part is undone once, and only with a reason."""
    (part,) = decide(database, bank_line(database, 5_000), NoGiftPart(NoGiftReason.OTHER, 5_000))
    assert part.id is not None
    with pytest.raises(BadInput, match="reason"), database.writing() as session:
        undo_part(session, part.id, " ", actor="staff:1", now=NOW)
    with database.writing() as session:
        undo_part(session, part.id, "wrong", actor="staff:1", now=NOW)
    with pytest.raises(Conflict, match="already undone"), database.writing() as session:
        undo_part(session, part.id, "wrong", actor="staff:1", now=NOW)


def test_the_audit_finds_a_wrong_line_and_a_missing_transfer(database: Database) -> None:
    """The audit names a line whose parts do not add up, and a part whose transfer is gone."""
    line, one = bank_line(database, 5_000), gift(database)
    (part,) = decide(database, line, GiftPart(one.id, 5_000))
    with database.writing() as session:
        session.execute(update(RecordedLine).values(explained_minor=4_000))
        session.execute(
            update(LinePart).where(col(LinePart.id) == part.id).values(source_id="OTHER#0")
        )
    found = findings(database)
    assert [f"bank line {line.id}" in each for each in found] == [True, True]
    assert "parts give 5000" in found[0]
    assert "no such transfer" in found[1]
