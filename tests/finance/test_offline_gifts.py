"""Staff enter one cheque or some cash."""

import re

import pytest

from donate.finance.roles import Role
from donate.gifts.facts import FactKind
from donate.gifts.queries import donor_of, facts_of
from tests.finance.finance_site import FinanceSite, csrf, rows
from tests.finance.offline_desk import (
    CASH,
    CHEQUE,
    HOME,
    audit,
    enter,
    entries,
    gifts,
    movements,
    new_key,
    problems,
)


def test_a_cheque_is_a_gift_with_its_money(site_on_each: FinanceSite) -> None:
    """A saved cheque opens a gift whose money came on the day received; the audit agrees."""
    site = site_on_each
    browser = site.signed_in()
    answer = enter(browser, CHEQUE, note="for the roof")
    assert answer.status_code == 303
    (gift,) = gifts(site.database)
    expected = ("cheque", "confirmed", 15_000, "")
    assert (gift.mode, gift.status, gift.received_minor, gift.flags) == expected
    assert str(gift.received_on) == "2026-03-08"
    assert movements(site.database) == [("transfer", 15_000, "2026-03-08")]
    with site.database.reading() as session:
        donor = donor_of(session, gift)
        facts = {fact.kind: fact for fact in facts_of(session, gift.id)}
    assert (donor.name, donor.email) == ("Maya Tremblay", "maya@example.com")
    evidence = facts[FactKind.TRANSFER_RECEIVED].evidence
    assert evidence["cheque_number"] == "0042"
    assert evidence["bank"] == "First Bank"
    assert evidence["note"] == "for the roof"
    assert [a.about for a in site.acts() if a.act == "offline_gift_recorded"] == [gift.reference]
    page = browser.get(answer.headers["location"])
    assert "Saved: $150.00." in page.text
    assert gift.reference in page.text
    assert audit(site.database) == []


def test_cash_of_nobody_is_anonymous(site_on_each: FinanceSite) -> None:
    """Cash without a donor is a gift of an anonymous donor without an address."""
    browser = site_on_each.signed_in()
    assert enter(browser, CASH).status_code == 303
    (gift,) = gifts(site_on_each.database)
    with site_on_each.database.reading() as session:
        donor = donor_of(session, gift)
    assert (gift.mode, donor.name, donor.email) == ("cash", "Anonymous", "")
    assert "Anonymous" in browser.get(f"/finance/gifts/{gift.id}").text
    assert audit(site_on_each.database) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param({"amount": ""}, "amount", id="no amount"),
        pytest.param({"amount": "-5"}, "amount", id="negative"),
        pytest.param({"amount": "0"}, "amount", id="zero"),
        pytest.param({"amount": "1e2"}, "amount", id="exponent"),
        pytest.param({"amount": "US$20"}, "amount", id="foreign currency"),
        pytest.param({"amount": "12.345"}, "amount", id="fraction of a cent"),
        pytest.param({"received_on": ""}, "received_on", id="no day"),
        pytest.param({"received_on": "2026-03-11"}, "received_on", id="future"),
        pytest.param({"received_on": "2025-02-02"}, "received_on", id="absurdly old"),
        pytest.param({"received_on": "2026-02-30"}, "received_on", id="no such day"),
        pytest.param({"mode": "card"}, "mode", id="a mode of donors"),
        pytest.param({"fund": "roof"}, "fund", id="no such fund"),
        pytest.param({"donor": ""}, "donor", id="no donor"),
        pytest.param({"donor": "987654321"}, "donor", id="no such donor"),
        pytest.param({"name": " "}, "name", id="no name"),
        pytest.param({"name": "x" * 201}, "name", id="long name"),
        pytest.param({"email": "maya@"}, "email", id="no address"),
        pytest.param({"email": "", "thanks": "yes"}, "thanks", id="thanks to nowhere"),
        pytest.param({"cheque_number": ""}, "cheque_number", id="no number"),
        pytest.param({"mode": "cash", "bank_name": ""}, "cheque_number", id="number of cash"),
        pytest.param({"cheque_day": "2026-03-11"}, "cheque_day", id="post-dated"),
        pytest.param({"cheque_day": "1926-03-01"}, "cheque_day", id="wrong century"),
        pytest.param({"cheque_day": "2025-08-01"}, "old_cheque", id="stale"),
        pytest.param({"note": "4242 4242 4242 4242"}, "note", id="card number"),
        pytest.param({"note": "a\x00b"}, "note", id="control character"),
        pytest.param({"note": "a\u202eb"}, "note", id="text turned around"),
    ],
)
def test_a_wrong_field_is_told_beside_it(
    site: FinanceSite, wrong: dict[str, str], field: str
) -> None:
    """A wrong field gets a sentence beside it, what was typed stays, and nothing is recorded."""
    page = enter(site.signed_in(), CHEQUE | {"note": "for the roof"} | wrong)
    assert page.status_code == 422
    assert field in problems(page)
    if "note" not in wrong:
        assert 'value="for the roof"' in page.text
    assert entries(site.database) == []
    assert gifts(site.database) == []


def test_an_unknown_code_is_refused(site: FinanceSite) -> None:
    """A giving code that no region has is refused, whatever the form showed."""
    page = enter(site.signed_in(), CASH, code="NOWHERE")
    assert page.status_code == 422
    assert gifts(site.database) == []


def test_a_stale_cheque_can_be_confirmed(site: FinanceSite) -> None:
    """A cheque older than six months is entered if the person confirms the warning."""
    assert enter(site.signed_in(), CHEQUE, cheque_day="2025-08-01", old_cheque="yes").is_redirect
    assert len(gifts(site.database)) == 1


def test_the_same_form_records_one_gift(site_on_each: FinanceSite) -> None:
    """A form that is sent twice records one gift; a changed form records another."""
    browser, key = site_on_each.signed_in(), new_key()
    first = enter(browser, CHEQUE, form_key=key)
    second = enter(browser, CHEQUE, form_key=key)
    assert (first.status_code, second.status_code) == (303, 303)
    assert "This form was already saved." in browser.get(second.headers["location"]).text
    assert len(gifts(site_on_each.database)) == 1
    assert enter(browser, CHEQUE, form_key=key, amount="160.00").status_code == 303
    assert len(gifts(site_on_each.database)) == 2


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"cheque_number": "43"}, id="number"),
        pytest.param({"bank_name": "Second Bank"}, id="bank"),
        pytest.param({"amount": "151.00"}, id="amount"),
        pytest.param({"name": "Luc Roy"}, id="donor"),
    ],
)
def test_the_same_cheque_needs_a_confirmation(site: FinanceSite, other: dict[str, str]) -> None:
    """A cheque like an earlier one in number, bank, amount and donor has to be confirmed."""
    browser = site.signed_in()
    assert enter(browser, CHEQUE).is_redirect
    page = enter(browser, CHEQUE, cheque_number="42", bank_name="first bank")
    assert page.status_code == 422
    assert gifts(site.database)[0].reference in problems(page)["another_cheque"]
    assert enter(browser, CHEQUE, **other).is_redirect
    assert enter(browser, CHEQUE, another_cheque="yes").is_redirect
    assert len(gifts(site.database)) == 3


def test_a_donor_is_found_and_chosen(site: FinanceSite) -> None:
    """A donor of an earlier gift is found by name or e-mail, and the new gift has that donor."""
    earlier = site.gift(name="Maya Tremblay")
    browser = site.signed_in()
    for typed in ("TREMB", "maya@example.com"):
        part = browser.get(f"{HOME}/donors", params={"find": typed}).text
        assert re.findall(r'value="(\d+)"', part) == [str(earlier.profile_id)]
    assert "No donor found" in browser.get(f"{HOME}/donors", params={"find": "zzz"}).text
    assert "value=" not in browser.get(f"{HOME}/donors", params={"find": "%%"}).text
    enter(browser, CASH)
    assert "value=" not in browser.get(f"{HOME}/donors", params={"find": "anonymous"}).text
    form = CASH | {"find": "tremblay", "step": "find", "donor": ""}
    page = enter(browser, form)
    assert page.status_code == 200
    assert f'value="{earlier.profile_id}"' in page.text
    assert len(gifts(site.database)) == 2
    assert enter(browser, CASH, donor=str(earlier.profile_id)).is_redirect
    assert [g.profile_id for g in gifts(site.database)].count(earlier.profile_id) == 2


def test_what_donors_type_is_harmless(site: FinanceSite) -> None:
    """A name with HTML or a formula is text on the pages and in the exports."""
    browser = site.signed_in()
    assert enter(browser, CHEQUE, name="=HYPERLINK(1)<script>").is_redirect
    assert "<script>" not in browser.get(HOME).text.replace("<script src", "")
    assert "'=HYPERLINK(1)" in browser.get("/finance/gifts.csv").text


def test_lists_filters_and_exports_have_offline_gifts(site: FinanceSite) -> None:
    """The lists, their filters, the exports and the overview show cheques and cash by name."""
    browser = site.signed_in()
    enter(browser, CHEQUE)
    enter(browser, CASH)
    cash, cheque = sorted(gifts(site.database), key=lambda gift: gift.mode)
    for mode, gift, name in (("cheque", cheque, "Cheque"), ("cash", cash, "Cash")):
        listed = browser.get("/finance/gifts", params={"mode": mode})
        assert rows(listed) == [gift.reference]
        assert f">{name}</" in listed.text
        moved = browser.get("/finance/movements", params={"mode": mode})
        assert rows(moved) == [gift.reference]
        exported = browser.get("/finance/gifts.csv", params={"mode": mode}).text
        assert exported.count("LWCAN-") == 1
        assert f",{mode}," in exported
        control = browser.get("/finance/movements.control.json", params={"mode": mode}).json()
        assert control["agrees_with_day_totals"] is True
    overview = browser.get("/finance").text
    assert "Cheque" in overview
    assert "Cash" in overview


def test_a_viewer_reads_and_does_not_enter(site: FinanceSite) -> None:
    """A viewer sees the entries, but no form and no donors."""
    enter(site.signed_in(), CASH)
    viewer = site.signed_in(Role.VIEWER)
    assert "$20.00" in viewer.get(HOME).text
    assert "Start a batch" not in viewer.get(HOME).text
    assert viewer.get(f"{HOME}/new").status_code == 403
    assert enter(viewer, CASH).status_code == 403
    assert len(gifts(site.database)) == 1


def test_a_page_of_entries_has_a_next_page(site: FinanceSite) -> None:
    """Entries are listed 50 to a page, newest first, and no entry is skipped or repeated."""
    browser = site.signed_in()
    token = csrf(browser)
    for number in range(52):
        data = CASH | {"form_key": new_key(), "amount": f"{number + 1}", "csrf": token}
        assert browser.post(f"{HOME}/new/saved", data=data).is_redirect
    first = browser.get(HOME).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = browser.get(older[1]).text
    amounts = re.findall(r'class="num">\$([\d.]+)<', first + second)
    assert amounts == [f"{number}.00" for number in range(52, 0, -1)]
