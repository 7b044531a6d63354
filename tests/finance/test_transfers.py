"""Staff mark a transfer as received on the page of a gift, and undo that."""

from datetime import UTC, date, datetime

import pytest

from donate.bank.received_transfers import bank_reference_key
from donate.finance.roles import Role
from donate.gifts.facts import FactKind
from donate.gifts.queries import facts_of
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.transfers import GOOD, mark, sources, undo


@pytest.mark.parametrize("mode", ["interac", "giving_code"])
def test_a_transfer_confirms_its_gift(site_on_each: FinanceSite, mode: str) -> None:
    """A transfer that staff mark as received confirms the gift, and records all that they typed."""
    site = site_on_each
    gift = site.gift(mode=mode)
    browser = site.signed_in(Role.FINANCE, "ann@example.org")
    answer = mark(browser, gift, note="statement 12,\r\nline 3")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/finance/gifts/{gift.id}?done=marked"
    confirmed = site.reread(gift)
    assert (confirmed.status, confirmed.received_minor) == ("confirmed", 5_000)
    assert confirmed.received_on == date(2026, 3, 9)
    with site.database.reading() as session:
        fact = facts_of(session, gift.id)[0]
    assert fact.source_id == "CA1234X#0"
    # The typed date is recorded as its midnight in Toronto, the region's time zone.
    assert fact.happened_at == datetime(2026, 3, 9, 4, tzinfo=UTC)
    assert fact.actor == f"staff:{site.staff('ann@example.org').id}"
    assert fact.evidence == {
        "date": "2026-03-09",
        "bank_reference": "CA-1234 x",
        "note": "statement 12,\nline 3",
    }
    page = browser.get(answer.headers["location"]).text
    assert "Transfer recorded." in page
    assert "$50.00 received on March 9, 2026 (Ann Lee)." in page
    act = site.acts()[-1]
    assert (act.act, act.about) == ("transfer_marked", gift.reference)


def test_another_amount_is_recorded_as_it_is(site: FinanceSite) -> None:
    """A transfer of another amount than the gift's is recorded with its amount and flagged."""
    gift = site.gift()
    browser = site.signed_in()
    assert mark(browser, gift, amount="1,049.5").status_code == 303
    assert site.reread(gift).received_minor == 104_950
    assert site.reread(gift).flags == "amount_differs"
    assert "Amount differs" in browser.get("/finance/gifts").text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"received_on": ""}, "Please enter the date of the transfer"),
        ({"received_on": "9 March"}, "Please enter the date of the transfer"),
        ({"received_on": "2026-02-29"}, "Please enter the date of the transfer"),
        ({"received_on": "2026-03-11"}, "This date is in the future."),
        ({"received_on": "2025-02-02"}, "Please check the year."),
        ({"received_on": "1901-01-01"}, "Please check the year."),
        ({"amount": ""}, "Please enter an amount."),
        ({"amount": "0"}, "The amount must be more than zero."),
        ({"amount": "-5"}, "The amount must be more than zero."),
        ({"amount": "NaN"}, "Please enter the amount in digits"),
        ({"amount": "50.001"}, "no more than 2 decimal places"),
        ({"amount": "9" * 40}, "more than we can accept"),
        ({"bank_reference": ""}, "Please enter the reference from the bank"),
        ({"bank_reference": "---"}, "Please enter the reference from the bank"),
        ({"bank_reference": "x" * 101}, "Please shorten this to 100 characters."),
        ({"bank_reference": "\ufdfa" * 60}, "Please enter the reference from the bank"),
        ({"bank_reference": "a\nb"}, "on one line"),
        ({"bank_reference": "a\x00b"}, "a character we can’t use"),
        ({"bank_reference": "4242 4242 4242 4242"}, "That looks like a card number."),
        ({"note": "card 4242-4242-4242-4242"}, "That looks like a card number."),
        ({"note": "x" * 501}, "Please shorten this to 500 characters."),
        ({"note": "a\u202eb"}, "a character we can’t use"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_bad_value_gets_a_message_at_its_field(
    site: FinanceSite, typed: dict[str, str], sentence: str
) -> None:
    """A bad value in the form gets a message at its field, and no transfer is recorded."""
    gift = site.gift()
    answer = mark(site.signed_in(), gift, **({"note": "keep me"} | typed))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "keep me" in answer.text or "note" in typed
    assert sources(site, gift) == []


def test_every_problem_is_named_at_once(site: FinanceSite) -> None:
    """If several fields of the form are wrong, each gets its message."""
    answer = mark(site.signed_in(), site.gift(), received_on="x", amount="x", bank_reference="")
    assert answer.text.count('class="error"') == 3


@pytest.mark.parametrize(
    ("now", "date_typed", "status"),
    [
        # 23:59 on December 31 in Toronto is already January 1 in UTC.
        (datetime(2027, 1, 1, 4, 59, tzinfo=UTC), "2026-12-31", 303),
        (datetime(2027, 1, 1, 4, 59, tzinfo=UTC), "2027-01-01", 422),
        (datetime(2027, 1, 1, 5, 0, tzinfo=UTC), "2027-01-01", 303),
    ],
)
def test_today_is_the_regions_today(
    site: FinanceSite, now: datetime, date_typed: str, status: int
) -> None:
    """A transfer's date may not be later than today in the gift's region."""
    site.clock.instant = now
    gift = site.gift()
    assert mark(site.signed_in(), gift, received_on=date_typed).status_code == status
    if status == 303:
        assert site.reread(gift).received_on == date.fromisoformat(date_typed)


def test_a_double_click_marks_once(site_on_each: FinanceSite) -> None:
    """A form that is sent twice marks one transfer, even if the reference is typed differently."""
    site = site_on_each
    gift = site.gift()
    browser = site.signed_in()
    for spelling in ("CA-1234 x", "CA-1234 x", "ca1234X"):
        assert mark(browser, gift, bank_reference=spelling).status_code == 303
    assert sources(site, gift) == ["CA1234X#0"]
    assert [a.act for a in site.acts()].count("transfer_marked") == 1


def test_a_bank_reference_confirms_one_gift(site_on_each: FinanceSite) -> None:
    """A bank reference that confirmed one gift is refused for another, and the message says so."""
    site = site_on_each
    first, second = site.gift("a"), site.gift("b")
    browser = site.signed_in()
    mark(browser, first)
    answer = mark(browser, second, note="keep me")
    assert answer.status_code == 409
    assert f"This bank reference is already used for {first.reference}." in answer.text
    assert "add something that tells them apart" in answer.text
    assert "keep me" in answer.text
    assert site.reread(second).status == "awaited"
    assert mark(browser, second, bank_reference="CA-1234 x second").status_code == 303


@pytest.mark.parametrize("changes", [{"amount": "49.00"}, {"received_on": "2026-03-08"}], ids=str)
def test_a_correction_is_refused(site: FinanceSite, changes: dict[str, str]) -> None:
    """A transfer cannot be corrected by marking it again with another amount or date."""
    gift = site.gift()
    browser = site.signed_in()
    mark(browser, gift)
    answer = mark(browser, gift, **changes)
    assert answer.status_code == 409
    assert "already recorded for this gift: $50.00, received on 2026-03-09." in answer.text
    assert site.reread(gift).received_minor == 5_000


def test_undoing_frees_the_bank_reference(site_on_each: FinanceSite) -> None:
    """Undoing a transfer needs a reason, and then its bank reference can confirm another gift."""
    site = site_on_each
    gift, other = site.gift("a"), site.gift("b")
    browser = site.signed_in()
    mark(browser, gift)
    answer = undo(browser, gift, "CA1234X#0", "")
    assert answer.status_code == 422
    assert "Please give a reason." in answer.text
    # A double click sends the form twice.
    for _ in range(2):
        answer = undo(browser, gift, "CA1234X#0", "<b>other</b> donor")
        assert answer.status_code == 303
    assert site.reread(gift).status == "awaited"
    assert site.reread(gift).received_on is None
    page = browser.get(answer.headers["location"]).text
    assert "Undone" in page
    assert "&lt;b&gt;other&lt;/b&gt; donor" in page
    assert mark(browser, other).status_code == 303
    assert sources(site, other) == ["CA1234X#1"]
    assert mark(browser, gift).status_code == 409
    undo(browser, other, "CA1234X#1")
    assert mark(browser, gift).status_code == 303
    assert sources(site, gift) == ["CA1234X#0", "CA1234X#2"]
    assert [a.act for a in site.acts()].count("transfer_undone") == 2


@pytest.mark.parametrize("transfer", ["", "CA1234X#1", "OTHER#0", "\x00"])
def test_a_transfer_of_another_gift_is_not_undone(site_on_each: FinanceSite, transfer: str) -> None:
    """A transfer cannot be undone on the page of another gift."""
    site = site_on_each
    gift = site.gift("a")
    browser = site.signed_in()
    mark(browser, gift)
    mark(browser, site.gift("b"), bank_reference="other")
    assert undo(browser, gift, transfer).status_code == 409
    assert sources(site, gift, FactKind.TRANSFER_UNDONE) == []


def test_one_gift_may_come_in_two_transfers(site: FinanceSite) -> None:
    """A gift may arrive in several transfers, and is flagged if they exceed the chosen amount."""
    gift = site.gift(amount_minor=500_000)
    browser = site.signed_in()
    mark(browser, gift, amount="3,000.00", bank_reference="one")
    assert site.reread(gift).flags == "amount_differs"
    mark(browser, gift, amount="2,000.00", bank_reference="two")
    assert site.reread(gift).received_minor == 500_000
    assert site.reread(gift).flags == ""
    mark(browser, gift, amount="0.01", bank_reference="three")
    assert site.reread(gift).flags == "amount_differs,paid_more_than_once"


def test_a_card_gift_is_never_marked_by_hand(site: FinanceSite) -> None:
    """A card gift cannot be marked as received, because Stripe confirms it."""
    gift = site.gift(mode="card")
    browser = site.signed_in()
    answer = mark(browser, gift)
    assert answer.status_code == 409
    assert "Stripe confirms this gift, so it can’t be marked here." in answer.text
    assert "/received" not in browser.get(f"/finance/gifts/{gift.id}").text


def test_a_viewer_sees_no_form(site: FinanceSite) -> None:
    """A viewer sees no form to mark a transfer."""
    gift = site.gift()
    page = site.signed_in(Role.VIEWER).get(f"/finance/gifts/{gift.id}")
    assert page.status_code == 200
    assert "/received" not in page.text


@pytest.mark.parametrize(
    "gift_id", ["018f0000-0000-7000-8000-000000000000", "1", "%00", "{018f}", "x" * 500]
)
def test_an_unknown_gift_gets_404(site_on_each: FinanceSite, gift_id: str) -> None:
    """The page of a gift with an unknown or malformed id gets 404."""
    browser = site_on_each.signed_in()
    token = csrf(browser)
    assert browser.get(f"/finance/gifts/{gift_id}").status_code == 404
    for act in ("received", "undone"):
        path = f"/finance/gifts/{gift_id}/{act}"
        assert browser.post(path, data=GOOD | {"csrf": token}).status_code == 404


def test_a_gifts_id_has_one_spelling(site: FinanceSite) -> None:
    """A gift's id in the URL has to be in lower case and with dashes."""
    gift = site.gift()
    browser = site.signed_in()
    assert browser.get(f"/finance/gifts/{str(gift.id).upper()}").status_code == 404
    assert browser.get(f"/finance/gifts/{gift.id.hex}").status_code == 404


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("CA-1234 x", "CA1234X"),
        ("ca 1234#X", "CA1234X"),
        ("１２３", "123"),
        ("%_a", "A"),
        ("straße", "STRASSE"),
        ("--", ""),
    ],
)
def test_one_reference_has_one_key(typed: str, key: str) -> None:
    """Two bank references are equal if they differ only in case, spaces or punctuation."""
    assert bank_reference_key(typed) == key
