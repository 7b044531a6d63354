"""Staff find donors, see all their gifts, change what is known of them, and write notes."""

import re
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from donate.finance.roles import Role
from donate.gifts.donor_profiles.models import DonorEdit, DonorNote
from donate.gifts.models import Gift
from tests.finance.donor_desk import FORM, change, donor_pages, profile
from tests.finance.finance_site import FinanceSite, csrf, fields, put_gift
from tests.gifts.samples import open_one


def test_a_gift_leads_to_its_donor_and_back(site_on_each: FinanceSite) -> None:
    """The page of a gift links to its donor, whose page lists all gifts as they were typed."""
    site = site_on_each
    with site.database.writing() as session:
        first = put_gift(session, "a", now=site.clock.now(), received_minor=5_000)
        other = open_one(session, "b", email="MAYA@example.com", name="M. Côté")
        stranger = open_one(session, "c", email="bob@example.com", name="Bob")
    browser = site.signed_in(Role.VIEWER)
    (link,) = re.findall(
        r'href="(/finance/donors/\d+)"', browser.get(f"/finance/gifts/{first.id}").text
    )
    page = browser.get(link)
    assert page.status_code == 200
    for gift in (first, other):
        assert f"/finance/gifts/{gift.id}" in page.text
    assert str(stranger.id) not in page.text
    for text in ("M. Côté", "Gifts received: 1", "$50.00", "March 10, 2026"):
        assert text in page.text
    assert "<textarea" not in page.text


def test_donors_are_listed_and_searched(site_on_each: FinanceSite) -> None:
    """The list shows the newest donors first, and a search shows those that match."""
    site = site_on_each
    paths = donor_pages(site, *(f"d{number:02}@example.com" for number in range(52)))
    browser = site.signed_in(Role.VIEWER)
    page = browser.get("/finance/donors").text
    assert re.findall(r"/finance/donors/\d+", page) == paths[:1:-1]
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
    assert re.findall(r"/finance/donors/\d+", browser.get(older).text) == paths[1::-1]
    found = browser.get("/finance/donors?q=D07@").text
    assert re.findall(r"/finance/donors/\d+", found) == [paths[7]]
    assert "More than 50 donors match" in browser.get("/finance/donors?q=tremb").text
    assert "No donor found for “&lt;b&gt;”" in browser.get("/finance/donors?q=<b>").text
    wrong = browser.get("/finance/donors?before=x")
    assert wrong.status_code == 422
    assert "incomplete" in wrong.text


@pytest.mark.parametrize("number", ["0", "-1", "x", "999", "9" * 30, "１"])
def test_a_donor_that_does_not_exist_is_not_found(site: FinanceSite, number: str) -> None:
    """An unknown or malformed id of a donor gives 404."""
    browser = site.signed_in()
    assert browser.get(f"/finance/donors/{number}").status_code == 404
    assert browser.get(f"/finance/donors/{number}/merge").status_code == 404


def test_staff_change_a_donor(site_on_each: FinanceSite) -> None:
    """A change is saved in normalized form and kept as history; the trail names only the fields."""
    site = site_on_each
    (path,) = donor_pages(site)
    browser = site.signed_in()
    answer = change(browser, path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=changed")
    row = profile(site, path)
    assert (row.province, row.postal_code, row.kind) == ("ON", "K1A 0B1", "person")
    page = browser.get(answer.headers["location"]).text
    for text in (
        "Changes saved",
        "1 Main Street",
        "K1A 0B1",
        "Not decided yet → Person",
        "Ann Lee",
    ):
        assert text in page
    (act,) = [act for act in site.acts() if act.act == "donor_changed"]
    assert act.about == f"donor {row.id}"
    assert set(act.detail["fields"]) == set(FORM) - {"name", "country"}
    assert "K1A" not in str(act.detail)
    # The browser sends the same form again.
    again = browser.post(
        f"{path}/changed", data=fields(browser.get(path)) | FORM | {"version": "1"}
    )
    assert again.status_code == 303
    assert profile(site, path).version == 2


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", " ", "Please enter a name."),
        ("name", "x" * 201, "Please shorten this to 200 characters."),
        ("name", "4242 4242 4242 4242", "card number"),
        ("street", "a\x00b", "character we can’t use"),
        ("street", "a\u202eb", "character we can’t use"),
        ("name", "\u200b", "Please enter a name."),
        ("kind", "king", "Please choose a kind"),
        ("language", "xx", "Please choose a language"),
        ("country", "ZZ", "Please choose a country"),
        ("province", "Quebec", "one of AB, BC"),
        ("postal_code", "K1O 0B1", "looks like K1A 0B1"),
        ("postal_code", "90210", "looks like K1A 0B1"),
        ("postal_code", "Z1A 0B1", "looks like K1A 0B1"),
    ],
)
def test_a_wrong_value_is_explained_beside_its_field(
    site: FinanceSite, field: str, typed: str, words: str
) -> None:
    """A wrong value changes nothing; the page says why and keeps what was typed."""
    (path,) = donor_pages(site)
    answer = change(site.signed_in(), path, **{field: typed, "city": "Gatineau"})
    assert answer.status_code == 422
    assert words in answer.text
    assert f'id="{field}-error"' in answer.text
    assert 'value="Gatineau"' in answer.text
    assert profile(site, path).version == 1


def test_another_country_has_its_own_postal_codes(site: FinanceSite) -> None:
    """Provinces and postal codes are checked for Canada only."""
    (path,) = donor_pages(site)
    more = {"country": "US", "province": "California", "postal_code": "90210"}
    assert change(site.signed_in(), path, **more).status_code == 303
    assert profile(site, path).postal_code == "90210"


def test_only_a_person_has_a_first_name(site: FinanceSite) -> None:
    """A first name is refused for an organization, and an anonymous donor needs no name."""
    (path,) = donor_pages(site)
    browser = site.signed_in()
    assert change(browser, path, kind="charity").status_code == 422
    nameless = {"kind": "anonymous", "name": "", "first_name": "", "initial": ""}
    assert change(browser, path, **nameless).status_code == 303
    assert "No name" in browser.get(path).text


def test_the_second_of_two_clerks_is_told_what_changed(site_on_each: FinanceSite) -> None:
    """A form that was opened before another change gets 409, and shows saved and typed values."""
    site = site_on_each
    (path,) = donor_pages(site)
    browser = site.signed_in()
    old = fields(browser.get(path))
    assert change(browser, path, city="Laval").status_code == 303
    late = browser.post(f"{path}/changed", data=old | FORM | {"city": "Gaspé"})
    assert late.status_code == 409
    assert "Someone has just changed this donor" in late.text
    assert "Now saved: Laval" in late.text
    assert 'value="Gaspé"' in late.text
    assert profile(site, path).city == "Laval"
    # The form now has the donor's new version, so it is accepted when the clerk sends it again.
    again = browser.post(f"{path}/changed", data=fields(late) | FORM | {"city": "Gaspé"})
    assert again.status_code == 303


def test_staff_write_and_correct_notes(site_on_each: FinanceSite) -> None:
    """A note is added once, and corrected by a second note; neither text is in the trail."""
    site = site_on_each
    (path,) = donor_pages(site)
    browser = site.signed_in()
    form = {"csrf": csrf(browser), "form_key": "k" * 22, "note": "Met at <b>lunch</b>"}
    for _ in range(2):
        assert browser.post(f"{path}/noted", data=form).status_code == 303
    with site.database.reading() as session:
        first = session.exec(select(DonorNote)).one()
    correction = form | {"form_key": "c" * 22, "note": "Met at dinner", "corrects": str(first.id)}
    assert browser.post(f"{path}/noted", data=correction).status_code == 303
    page = browser.get(path).text
    assert "Met at &lt;b&gt;lunch&lt;/b&gt;" in page
    assert "Corrected" in page
    more = {"form_key": "d" * 22, "note": "Met at breakfast"}
    late = browser.post(f"{path}/noted", data=correction | more)
    assert late.status_code == 409
    assert "Met at breakfast</textarea>" in late.text
    acts = [act for act in site.acts() if act.act == "donor_noted"]
    assert [act.detail for act in acts] == [{"fields": ["note"]}] * 2


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"note": " "}, 422),
        ({"note": "x" * 2_001}, 422),
        ({"form_key": "short"}, 422),
        ({"corrects": "x"}, 404),
        ({"corrects": "77"}, 404),
    ],
)
def test_a_note_that_cannot_be_stored_is_refused(
    site: FinanceSite, more: dict[str, str], status: int
) -> None:
    """An empty or long note, an incomplete form and an unknown note to correct are refused."""
    (path,) = donor_pages(site)
    browser = site.signed_in()
    form = {"csrf": csrf(browser), "form_key": "k" * 22, "note": "Hello"} | more
    assert browser.post(f"{path}/noted", data=form).status_code == status
    with site.database.reading() as session:
        assert session.exec(select(DonorNote)).all() == []


def test_pages_of_gifts_are_linked(site_on_each: FinanceSite) -> None:
    """The pages of a donor's gifts show each gift once, newest first."""
    site = site_on_each

    def opened(session: Session, number: int) -> Gift:
        now = site.clock.now() + timedelta(minutes=number)
        return open_one(session, f"form-{number}", now=now)

    with site.database.writing() as session:
        gifts = [opened(session, number) for number in range(30)]
    browser = site.signed_in()
    link, seen = f"/finance/donors/{gifts[0].profile_id}", list[str]()
    while link:
        page = browser.get(link).text
        seen += re.findall(r'class="reference"><a href="/finance/gifts/([^"]+)"', page)
        link = next(iter(re.findall(r'rel="next" href="([^"#]+)', page)), "")
    assert seen == [str(gift.id) for gift in reversed(gifts)]
    odd = browser.get(f"/finance/donors/{gifts[0].profile_id}?after=x")
    assert odd.status_code == 303


def test_the_history_of_edits_is_complete(site: FinanceSite) -> None:
    """Every changed field of every change has a row of its own."""
    (path,) = donor_pages(site)
    browser = site.signed_in()
    for city in ("Laval", "Gaspé"):
        change(browser, path, city=city)
    with site.database.reading() as session:
        edits = session.exec(select(DonorEdit).where(col(DonorEdit.field) == "city")).all()
    assert [(edit.old, edit.new, edit.version) for edit in edits] == [
        ("", "Laval", 2),
        ("Laval", "Gaspé", 3),
    ]
