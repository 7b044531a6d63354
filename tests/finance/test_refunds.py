"""Refunds that staff request on the page of a gift."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from donate.finance.roles import Role
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.storage.database import Database
from tests.finance.finance_site import csrf, fields, refunds_through
from tests.finance.refund_desk import GOOD, Desk, open_desk
from tests.real_parts import Sqlite
from tests.stripe_gateway.refund_desk import REFUNDS, SLOW_TO_REFUND, deliver_events, stripe_list


@pytest.fixture
def desk(sqlite: Sqlite) -> Iterator[Desk]:
    """Return the refund form on SQLite, for rules that do not depend on the kind of database."""
    database = Database(sqlite.fresh_url())
    with open_desk(database) as desk:
        yield desk
    database.close()


@pytest.fixture
def desk_on_each(database: Database) -> Iterator[Desk]:
    """Return the refund form; the test runs on SQLite and on PostgreSQL."""
    with open_desk(database) as desk:
        yield desk


def test_a_gift_is_refunded_in_full(desk_on_each: Desk) -> None:
    """The refund form proposes the whole amount, and the page and the trail show the refund."""
    desk = desk_on_each
    gift = desk.paid()
    before = desk.page(gift).text
    assert 'name="amount" inputmode="decimal" autocomplete="off" value="50.00"' in before
    assert "$50.00 received on" in before
    assert "$50.00 refundable" in before
    page = desk.refund(gift, note="asked <b>by phone</b>")
    assert "Refunded $50.00." in page
    assert "Requested by Ann Lee" in page
    assert "Requested by the donor." in page
    assert "asked &lt;b&gt;by phone&lt;/b&gt;" in page
    assert "Nothing is left to refund." in page
    assert 'name="confirmed"' not in page
    assert (desk.site.reread(gift).status, desk.made()) == ("refunded", [5_000])
    act = desk.site.acts()[-1]
    assert (act.act, act.about) == ("refund_requested", gift.reference)
    request = f"{gift.id}:refund:1"
    assert act.detail == {"amount_minor": 5_000, "currency": "CAD", "request": request}


def test_a_part_is_refunded(desk: Desk) -> None:
    """Staff can refund part of a payment, and the form then proposes the rest."""
    gift = desk.paid()
    page = desk.refund(gift, amount="12,50", reason="duplicate")
    assert "Refunded $12.50." in page
    assert "Paid twice." in page
    assert 'value="37.50"' in page
    assert desk.site.reread(gift).net_minor == 3_750


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": ""}, "Please enter an amount."),
        ({"amount": "0"}, "The amount must be more than zero."),
        ({"amount": "-5"}, "The amount must be more than zero."),
        ({"amount": "1e1"}, "Please enter the amount in digits"),
        ({"amount": "5.001"}, "no more than 2 decimal places"),
        ({"amount": "0" * 98 + "5099"}, "You can refund at most $50.00 of this payment."),
        ({"amount": "50.01"}, "You can refund at most $50.00 of this payment."),
        ({"reason": "because"}, "Please choose a reason from the list."),
        ({"reason": ""}, "Please choose a reason from the list."),
        ({"payment": "pi_of_another"}, "Please choose a payment to refund."),
        ({"confirmed": ""}, "Please tick this box"),
        ({"note": "4242 4242 4242 4242"}, "That looks like a card number."),
        ({"note": "x" * 501}, "Please shorten this to 500 characters."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_value_gets_a_message_at_its_field(
    desk: Desk, typed: dict[str, str], sentence: str
) -> None:
    """A bad value in the refund form gets a message at its field, and nothing is refunded."""
    gift = desk.paid()
    answer = desk.send(gift, desk.form(gift) | {"note": "keep me"} | typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    (field,) = typed
    assert f'id="{field}-error"' in answer.text
    assert "keep me" in answer.text or "note" in typed
    assert '<details class="card act" open>' in answer.text
    assert (desk.made(), desk.site.reread(gift).net_minor) == ([], 5_000)
    assert "refund_requested" not in [act.act for act in desk.site.acts()]


def test_all_bad_values_get_a_message_at_once(desk: Desk) -> None:
    """If several fields of the refund form are wrong, each gets its message."""
    gift = desk.paid()
    wrong = {"amount": "50.01", "reason": "", "note": "x" * 501, "confirmed": ""}
    answer = desk.send(gift, desk.form(gift) | wrong)
    assert answer.status_code == 422
    assert "You can refund at most $50.00 of this payment." in answer.text
    for field in wrong:
        assert f'id="{field}-error"' in answer.text
    assert f'action="/finance/gifts/{gift.id}/refund" novalidate' in answer.text


def test_a_double_click_sends_once(desk_on_each: Desk) -> None:
    """A refund form that is sent twice refunds once; with other values it is refused."""
    desk = desk_on_each
    gift = desk.paid()
    form = desk.form(gift) | {"amount": "10.00"}
    for _ in range(3):
        assert desk.send(gift, form).status_code == 303
    changed = desk.send(gift, form | {"amount": "20.00"})
    assert (changed.status_code, desk.made()) == (409, [1_000])
    assert "This form was already sent with other values." in changed.text
    assert [act.act for act in desk.site.acts()].count("refund_requested") == 1
    again = GOOD | fields(changed) | {"amount": "20.00"}
    assert desk.send(gift, again).status_code == 303
    assert desk.made() == [2_000, 1_000]


def test_an_old_form_is_told_how_much_is_left(desk_on_each: Desk) -> None:
    """A refund form is refused, with the amount left, if a refund was made after it was loaded."""
    desk = desk_on_each
    gift = desk.paid()
    old_form = desk.form(gift)
    desk.refund(gift, amount="30.00")
    answer = desk.send(gift, old_form)
    assert answer.status_code == 422
    assert "You can refund at most $20.00 of this payment." in answer.text
    assert desk.made() == [3_000]


def test_a_pending_refund_is_shown(desk: Desk) -> None:
    """A pending refund is shown as on its way, and if it fails, the form appears again."""
    gift = desk.paid(card=SLOW_TO_REFUND)
    assert "accepted by Stripe. The money is on its way." in desk.refund(gift)
    assert desk.site.reread(gift).status == "confirmed"
    refund = stripe_list(desk.sandbox, REFUNDS)[0]
    desk.sandbox.control("POST", f"/_sandbox/refund/{refund['id']}", status="failed")
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    page = desk.page(gift).text
    assert "the money came back to us." in page
    assert 'name="confirmed"' in page


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("400", "Stripe’s message: “"), ("401", "Our Stripe key doesn’t allow refunds")],
)
def test_a_refusal_shows_its_reason(desk: Desk, kind: str, sentence: str) -> None:
    """If Stripe refuses a refund, the page shows the reason, and staff can try again."""
    gift = desk.paid()
    desk.trouble(kind)
    page = desk.refund(gift)
    assert "notice-bad" in page
    assert "refused, and no money was sent." in page
    assert sentence in page
    assert "(mode)" not in page
    assert 'name="confirmed"' in page


def test_refunded_in_the_dashboard_meanwhile(desk: Desk) -> None:
    """If staff refund a payment that was refunded in Stripe's dashboard, the page says so."""
    gift = desk.paid()
    form = desk.form(gift)
    desk.sandbox.control("POST", "/_sandbox/refund", payment_intent=form["payment"])
    assert "This payment has already been refunded." in desk.refund(gift)


def test_a_refund_without_an_answer_stays_open(desk_on_each: Desk) -> None:
    """If Stripe does not answer, the refund stays open until the worker completes it, once."""
    desk = desk_on_each
    gift = desk.paid()
    desk.trouble("reset_after")
    page = desk.refund(gift)
    assert "Stripe hasn’t answered yet." in page
    assert 'name="confirmed"' not in page
    assert desk.site.reread(gift).status == "confirmed"
    desk.site.clock.instant += timedelta(minutes=1)
    refunds = refunds_through(desk.stripe, desk.site.database, desk.site.clock)
    assert refunds.ask_due() == 1
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    assert "Refunded $" in desk.page(gift).text
    assert (desk.site.reread(gift).status, desk.made()) == ("refunded", [5_000])


def test_a_disputed_gift_is_not_refunded(desk: Desk) -> None:
    """A disputed gift has no refund form, and a form that was loaded before is refused."""
    gift = desk.paid()
    form = desk.form(gift)
    desk.sandbox.control("POST", "/_sandbox/dispute", payment_intent=form["payment"])
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    assert 'name="confirmed"' not in desk.page(gift).text
    answer = desk.send(gift, form)
    assert answer.status_code == 409
    assert (desk.made(), desk.site.reread(gift).status) == ([], "disputed")


def test_of_two_payments_staff_choose(desk_on_each: Desk) -> None:
    """If a gift was paid twice, staff choose which payment to refund; the newest comes first."""
    desk = desk_on_each
    gift = desk.paid()
    first = fields(desk.page(gift))["payment"]
    with desk.site.database.writing() as session:
        later = desk.site.clock.now() + timedelta(hours=1)
        second = Fact(FactKind.PAYMENT_SUCCEEDED, "pi_second", later, "stripe", 5_000, "CAD")
        record_facts(session, [(gift.id, second)], now=desk.site.clock.now())
    page = desk.page(gift).text
    assert "paid_more_than_once" in desk.site.reread(gift).flags
    assert page.index('<option value="pi_second"') < page.index(f'<option value="{first}"')
    form = GOOD | fields(desk.page(gift)) | {"payment": first, "reason": "duplicate"}
    assert desk.send(gift, form).status_code == 303
    page = desk.page(gift).text
    assert "pi_second" in page
    assert desk.site.reread(gift).net_minor == 5_000
    (refund,) = stripe_list(desk.sandbox, REFUNDS)
    assert refund["payment_intent"] == first


@pytest.mark.parametrize("mode", ["interac", "giving_code"])
def test_a_transfer_is_returned_by_hand(desk: Desk, mode: str) -> None:
    """A gift by transfer has no refund form, because staff return the money from their bank."""
    gift = desk.site.gift(mode=mode, received_minor=5_000)
    page = desk.page(gift).text
    assert "are refunded from your bank, not here." in page
    assert "/refund" not in page
    form = GOOD | {"csrf": csrf(desk.browser), "form_key": "x", "payment": "pi_form-1"}
    answer = desk.send(gift, form)
    assert (answer.status_code, desk.made()) == (409, [])


def test_a_viewer_and_an_unpaid_gift_have_no_form(desk: Desk) -> None:
    """A viewer sees no refund form, and neither does anybody for an unpaid gift."""
    gift = desk.paid()
    viewer = desk.site.signed_in(Role.VIEWER)
    assert "/refund" not in viewer.get(f"/finance/gifts/{gift.id}").text
    form = desk.form(gift) | {"csrf": csrf(viewer)}
    answer = viewer.post(f"/finance/gifts/{gift.id}/refund", data=form)
    assert (answer.status_code, desk.made()) == (403, [])
    unpaid = desk.site.gift("form-2", mode="card")
    assert "/refund" not in desk.page(unpaid).text


@pytest.mark.parametrize("form_key", ["", "x" * 65])
def test_a_form_without_its_key_is_refused(desk: Desk, form_key: str) -> None:
    """A refund form without a valid form key is refused."""
    gift = desk.paid()
    answer = desk.send(gift, desk.form(gift) | {"form_key": form_key})
    assert (answer.status_code, desk.made()) == (409, [])
