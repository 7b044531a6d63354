"""A transfer is sent back to its donor: a refund on the day on which the money left the bank."""

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select, text

from donate.bank.reconciliation.deciding import GiftPart, ReturnPart
from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.books.recorded.books_audit import books_differences
from donate.books.recorded.sheets.open_gifts import open_money
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.errors import BadInput, Conflict
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.status import StatusName
from tests.bank.reconciliation.bank_lines import (
    bank_line,
    decide,
    findings,
    gift,
    mark_by_hand,
    reread,
)
from tests.books.recorded.charity_year import ZONE
from tests.finance.bank_desk import LINES, parts_of, send_about
from tests.finance.finance_site import FinanceSite, csrf

IN, OUT = 9, 11


def paid(site: FinanceSite, amount: int = 5_000, key: str = "one") -> tuple[Gift, str]:
    """Let a bank line pay a gift; return the gift and the source of its transfer."""
    one, line = gift(site.database, key), bank_line(site.database, amount, f"E-TRANSFER {key}", IN)
    (part,) = decide(site.database, line, GiftPart(one.id, amount))
    return one, part.source_id


def moved(site: FinanceSite, one: Gift) -> list[tuple[str, int, date]]:
    with site.database.reading() as session:
        found = select(GiftMovement).where(GiftMovement.gift_id == one.id)
        rows = session.exec(found.order_by(col(GiftMovement.id))).all()
    return [(row.kind, row.amount_minor, row.day) for row in rows]


def check_books(site: FinanceSite) -> None:
    """The audits find nothing, and no difference of the daily sheet is left of the gift."""
    assert findings(site.database) == []
    for day in (date(2026, 3, IN), date(2026, 3, OUT)):
        with site.database.reading_snapshot() as session:
            assert list(books_differences(session, day, time_zone=ZONE)) == []
            found = open_money(session, SheetScope("CAD", day, ZONE), most=9)
            # The gift was opened after its money came.
            assert day.day == IN or found.gifts == frozenset()


def form_of(one: Gift, transfer: str, amount: str = "50.00") -> dict[str, str]:
    return {"gift": str(one.id), "transfer": transfer, "amount": amount, "q": one.reference}


def test_money_that_was_sent_back_is_a_refund(site_on_each: FinanceSite) -> None:
    """The gift is refunded on the day of the line; the line of the money that came stays tied."""
    site, browser = site_on_each, site_on_each.signed_in()
    one, transfer = paid(site)
    line = bank_line(site.database, -5_000, "E-TFR SENT JANE", OUT)
    page = browser.get(f"{LINES}/{line.id}?q={one.reference}").text
    assert f'name="transfer" value="{transfer}"' in page
    answer = send_about(browser, line, "sent-back", **form_of(one, transfer))
    assert answer.headers["location"] == "/finance/statements?done=all"
    assert reread(site.database, one).status is StatusName.REFUNDED
    assert moved(site, one) == [
        ("transfer", 5_000, date(2026, 3, IN)),
        ("refund", -5_000, date(2026, 3, OUT)),
    ]
    (part,) = parts_of(site, line)
    assert (part.is_return, part.gift_id) == (True, one.id)
    assert "Sent back:" in browser.get(f"{LINES}/{line.id}").text
    assert site.acts()[-1].act == "bank_line_sent_back"
    check_books(site)
    nothing = browser.get(f"{LINES}/{bank_line(site.database, -1, 'X').id}?q={one.reference}").text
    assert "Nothing of this gift is left to send back." in nothing


def test_a_transfer_that_was_marked_by_hand_is_sent_back(site: FinanceSite) -> None:
    """It need not be tied to a line."""
    one = gift(site.database)
    transfer = mark_by_hand(site.database, one)
    line = bank_line(site.database, -5_000, "E-TFR SENT", OUT)
    assert (
        send_about(site.signed_in(), line, "sent-back", **form_of(one, transfer)).status_code == 303
    )
    assert reread(site.database, one).status is StatusName.REFUNDED


def test_a_part_is_sent_back(site: FinanceSite) -> None:
    """Part of a transfer goes back, then at most the rest."""
    browser = site.signed_in()
    one, transfer = paid(site)
    line = bank_line(site.database, -6_000, "E-TFR SENT", OUT)
    send_about(browser, line, "sent-back", **form_of(one, transfer, "20.00"))
    assert reread(site.database, one).status is StatusName.PARTLY_REFUNDED
    line = reread(site.database, line)
    page = send_about(browser, line, "sent-back", **form_of(one, transfer, "30.01"))
    assert page.status_code == 422
    assert "This is more than is left of the transfer to send back." in page.text
    assert 'value="30.01"' in page.text
    send_about(browser, line, "sent-back", **form_of(one, transfer, "30.00"))
    assert reread(site.database, one).status is StatusName.REFUNDED
    assert reread(site.database, line).open_amount.amount_minor == -1_000
    check_books(site)


def test_undoing_it_confirms_the_gift_again(site_on_each: FinanceSite) -> None:
    """Staff undo the line: on its day nothing went out, nobody follows it up, and it can return."""
    site, browser = site_on_each, site_on_each.signed_in()
    one, transfer = paid(site)
    line = bank_line(site.database, -5_000, "E-TFR SENT", OUT)
    for _ in range(2):
        line = reread(site.database, line)
        send_about(browser, line, "sent-back", **form_of(one, transfer))
        part = next(part for part in parts_of(site, line) if part.undone_at is None)
        undo = {"csrf": csrf(browser), "line": str(line.id), "reason": "another gift"}
        browser.post(f"/finance/statements/parts/{part.id}/undone", data=undo)
        assert reread(site.database, one).status is StatusName.CONFIRMED
        assert sum(amount for _, amount, day in moved(site, one) if day.day == OUT) == 0
        assert reread(site.database, line).open_amount.amount_minor == -5_000
        check_books(site)
    page = browser.get(f"/finance/gifts/{one.id}").text
    assert "marked as sent back on March 11, 2026, undone by" in page
    assert "after a failed refund" not in page
    assert "refund failed" not in browser.get("/finance").text


def test_a_transfer_that_was_sent_back_is_not_undone(site: FinanceSite) -> None:
    """Else more would have gone back than came in: the line of the money that left comes first."""
    browser = site.signed_in()
    one, transfer = paid(site)
    send_about(
        browser,
        bank_line(site.database, -100, "SENT", OUT),
        "sent-back",
        **form_of(one, transfer, "1"),
    )
    data = {"csrf": csrf(browser), "transfer": transfer, "reason": "wrong"}
    page = browser.post(f"/finance/gifts/{one.id}/undone", data=data)
    assert page.status_code == 409
    assert "Money of this transfer was sent back to the donor." in page.text
    check_books(site)


@pytest.mark.parametrize(
    ("day", "amount", "sentence"),
    [(8, -5_000, "older than the transfer"), (OUT, 5_000, "was not sent back")],
)
def test_a_line_that_cannot_be_the_way_back(
    site: FinanceSite, day: int, amount: int, sentence: str
) -> None:
    """Money leaves after it came, and it leaves."""
    one, transfer = paid(site)
    line = bank_line(site.database, amount, "SENT", day)
    with pytest.raises(BadInput, match=sentence):
        decide(site.database, line, ReturnPart(one.id, amount, transfer))
    assert parts_of(site, line) == []


def test_the_transfer_has_to_be_in_force(site: FinanceSite) -> None:
    """An unknown or undone transfer, and one of another gift, is not sent back."""
    one, _ = paid(site)
    _other, transfer = paid(site, key="two")
    line = bank_line(site.database, -5_000, "SENT", OUT)
    for source in ("", "CA1#0", transfer):
        with pytest.raises(Conflict):
            decide(site.database, line, ReturnPart(one.id, -5_000, source))
    assert "Please choose a gift." in send_about(site.signed_in(), line, "sent-back").text


def test_the_audit_compares_the_line_with_the_refund(site: FinanceSite) -> None:
    """A part with another amount than its fact is a finding."""
    one, transfer = paid(site)
    line = bank_line(site.database, -5_000, "SENT", OUT)
    decide(site.database, line, ReturnPart(one.id, -5_000, transfer))
    with site.database.writing() as session:
        session.execute(text("UPDATE bank_line_part SET source_id = 'x' WHERE amount_minor < 0"))
    assert any("has no such transfer" in found for found in findings(site.database))


def test_the_database_knows_which_way_money_goes(site_on_each: FinanceSite) -> None:
    """Money out for a gift that is no return is refused by the database itself."""
    site = site_on_each
    one, transfer = paid(site)
    line = bank_line(site.database, -5_000, "SENT", OUT)
    (part,) = decide(site.database, line, ReturnPart(one.id, -5_000, transfer))
    wrong = part.model_dump(exclude={"id"}) | {"is_return": False, "source_id": "x"}
    with pytest.raises(IntegrityError), site.database.writing() as session:
        session.add(LinePart(**wrong))
    assert isinstance(reread(site.database, line), RecordedLine)
