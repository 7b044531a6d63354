"""The page with all gifts of an address: monthly gifts, years, totals, and nobody else's gifts."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from donate.donors.own_page.pages import PER_PAGE
from donate.donors.own_page.words import STAGES
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.gifts.queries import replacement_key
from donate.money import Money
from donate.regions.modes import Mode
from tests.donors.own_page.site import ANN, OwnPageSite, own_page_site
from tests.donors.visitor import words_of
from tests.gifts.donors import merge
from tests.gifts.samples import NOW, fact, paid, record
from tests.links import token_of
from tests.real_parts import Sqlite

LAST_YEAR = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def pay(site: OwnPageSite, gift: Gift, at: datetime = NOW, amount_minor: int = 5_000) -> None:
    record(site.database, gift, paid(f"pi_{gift.reference}", amount_minor, happened_at=at))


def year_on(page: str, year: int) -> str:
    """Return the words of a year's section."""
    match = re.search(rf'<h2 id="year-{year}">.*?</section>', page, re.DOTALL)
    assert match, page
    return words_of(match[0])


def test_gifts_stand_by_year_with_totals(site: OwnPageSite) -> None:
    """Each year has its gifts, newest first, and what was received less refunds."""
    old, new, waiting, sent_back = (
        site.give(now=LAST_YEAR),
        site.give(),
        site.give(mode="interac"),
        site.give(),
    )
    pay(site, old, LAST_YEAR)
    pay(site, new)
    pay(site, sent_back)
    record(site.database, sent_back, fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000))
    page = site.open_gifts()
    assert page.index("year-2026") < page.index("year-2025")
    this_year = year_on(page, 2026)
    assert "Total received: $80.00" in this_year
    assert [word in this_year for word in ("Received", "Not yet received", "Partially refunded")]
    assert "Total received: $50.00" in year_on(page, 2025)
    for gift in (old, new, waiting, sent_back):
        assert f'href="/gifts/{token_of(gift)}?lang=en-CA"' in page


def test_a_year_without_money_says_so(sqlite_site: OwnPageSite) -> None:
    """A year in which nothing was received shows no total."""
    sqlite_site.give(mode="interac")
    assert "Nothing received." in year_on(sqlite_site.open_gifts(), 2026)


def test_a_gift_counts_in_the_year_when_it_arrived(site: OwnPageSite) -> None:
    """A gift of December that arrived in January stands in January's year, with its total."""
    gift = site.give(mode="interac", now=datetime(2025, 12, 30, 12, 0, tzinfo=UTC))
    january = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
    transfer = fact(FactKind.TRANSFER_RECEIVED, "C1", 5_000, happened_at=january)
    record(site.database, gift, transfer)
    page = site.open_gifts()
    assert "January 5, 2026 $50.00 Received" in year_on(page, 2026)
    assert "year-2025" not in page


def test_a_gift_given_another_way_says_so(sqlite_site: OwnPageSite) -> None:
    """A gift that another one replaced is not shown as missing."""
    site = sqlite_site
    gift = site.give(mode="interac")
    other = site.give()
    with site.database.writing() as session:
        session.get_one(Gift, other.id).form_key = replacement_key(gift, Mode.CARD)
    pay(site, other)
    words = year_on(site.open_gifts(), 2026)
    assert "Given another way" in words
    assert "Not yet received" not in words


def test_monthly_gifts_come_first(site: OwnPageSite) -> None:
    """Monthly gifts stand above the years, with amount, state and a link to their page."""
    first = site.begin_pledge()
    page = site.open_gifts()
    match = re.search(r'<h2 id="monthly">.*?</section>', page, re.DOTALL)
    assert match
    assert match.start() < page.index("year-2026")
    assert f'href="/pledges/{token_of(first)}?lang=en-CA"' in match[0]
    words = words_of(match[0])
    assert "$50.00 every month" in words
    assert re.search(r"Next on (March 31|April 1), 2026", words)
    assert "Active" in words


def test_a_date_that_has_passed_is_not_shown(sqlite_site: OwnPageSite) -> None:
    """If Stripe has not reported the last month yet, the page names no date in the past."""
    sqlite_site.begin_pledge()
    sqlite_site.wait(days=60)
    assert "Next on" not in sqlite_site.open_gifts()


def test_an_ended_pledge_says_when(sqlite_site: OwnPageSite) -> None:
    """An ended monthly gift is shown below those that run, with the day when it ended."""
    site = sqlite_site
    ended = site.begin_pledge()
    runs = site.begin_pledge()
    record(site.database, ended, fact(FactKind.PLEDGE_ENDED, f"sub_{ended.reference}"))
    page = site.open_gifts()
    assert page.index(token_of(runs)) < page.index(token_of(ended))
    assert "Ended on March 1, 2026" in words_of(page)


def test_a_pledge_that_was_never_paid_is_no_monthly_gift(sqlite_site: OwnPageSite) -> None:
    """A monthly gift that the donor did not finish is not listed among the monthly gifts."""
    sqlite_site.give(frequency="monthly")
    assert "Monthly gifts" not in sqlite_site.open_gifts()


def test_every_stage_has_its_words() -> None:
    """Each stage of a monthly gift that has begun has a label and a colour."""
    assert set(STAGES) == set(PledgeStage) - {PledgeStage.NOT_BEGUN}


def test_gifts_of_other_addresses_are_not_shown(site: OwnPageSite) -> None:
    """Another donor's gifts and monthly gifts are not on the page."""
    site.give()
    others = [site.give("bo@example.com"), site.begin_pledge(email="ann@example.org")]
    page = site.open_gifts()
    assert [gift.reference for gift in others if token_of(gift) in page] == []


def profile_ids(site: OwnPageSite) -> dict[str, int]:
    return {row["email_key"]: row["id"] for row in site.rows(DonorProfile)}


@pytest.mark.parametrize("from_ann", [True, False])
def test_a_merge_by_staff_shows_no_gifts_of_another_address(
    site: OwnPageSite, from_ann: bool
) -> None:
    """Gifts of an address that staff merged with this one are not shown, in either direction."""
    own = site.give()
    other = site.begin_pledge(email="ann@work.example")
    ids = profile_ids(site)
    pair = (ids[ANN], ids["ann@work.example"])
    merge(site.database, *(pair if from_ann else pair[::-1]))
    page = site.open_gifts()
    assert token_of(own) in page
    assert token_of(other) not in page
    assert "$50.00 every month" not in page
    pay(site, own)
    assert "Total received: $50.00" in words_of(site.get("/my-gifts").text)


def test_a_gift_without_an_address_is_not_shown(site: OwnPageSite) -> None:
    """A cheque without an address that staff entered for this donor is not shown or counted."""
    own, cheque = site.give(), site.give("cheque@example.com")
    with site.database.writing() as session:
        session.get_one(Donor, cheque.donor_id).email = ""
        session.get_one(Gift, cheque.id).profile_id = session.get_one(Gift, own.id).profile_id
    pay(site, own)
    pay(site, cheque)
    page = site.open_gifts()
    assert token_of(cheque) not in page
    assert "Total received: $50.00" in words_of(page)


def test_many_gifts_have_pages(sqlite_site: OwnPageSite) -> None:
    """A page has at most a hundred gifts, and leads to the older and the newer ones."""
    site = sqlite_site
    gifts = [site.give(now=NOW + timedelta(minutes=n)) for n in range(PER_PAGE + 1)]
    first = site.open_gifts()
    assert token_of(gifts[0]) not in first
    assert all(token_of(gift) in first for gift in gifts[1:])
    assert "page=2" in first
    second = site.get("/my-gifts?page=2").text
    assert [gift for gift in gifts if token_of(gift) in second] == gifts[:1]
    assert "page=1" in second
    assert site.get("/my-gifts?page=3").status_code == 303


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e3", "٣", "99999", "9" * 50, "%00"])
def test_an_odd_page_number_is_no_error(sqlite_site: OwnPageSite, page: str) -> None:
    """A page number that no link has shows the first page."""
    sqlite_site.give()
    sqlite_site.open_gifts()
    assert "year-2026" in sqlite_site.get(f"/my-gifts?page={page}").text


def test_the_page_is_in_french(sqlite_site: OwnPageSite) -> None:
    """The French page has French words, dates and amounts."""
    sqlite_site.give()
    pay(sqlite_site, sqlite_site.give())
    sqlite_site.open_gifts()
    words = words_of(sqlite_site.get("/my-gifts?lang=fr-CA").text)
    for part in ("Vos dons", "Total reçu", "50,00", "Reçus et relevés annuels", "J’ai terminé"):
        assert part in words


def test_the_page_promises_no_receipt(sqlite_site: OwnPageSite) -> None:
    """The page says that it is no official receipt, and to whom to write for one."""
    sqlite_site.give()
    words = words_of(sqlite_site.open_gifts())
    assert "not an official receipt for income tax purposes" in words
    assert "please write to partnership@loveworldcan.ca" in words


def test_pages_are_private(sqlite_site: OwnPageSite) -> None:
    """Browsers store none of the pages, send no referrer, and search engines list none."""
    site = sqlite_site
    site.give()
    link = site.link_for()
    pages = [site.get("/my-gifts"), site.get(link), site.post(link), site.get("/my-gifts")]
    for page in pages:
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.status_code == 303 or "noindex" in page.text


@pytest.mark.parametrize(
    ("public_url", "name", "is_secure"),
    [
        ("https://testserver", "__Host-donate_my_gifts", True),
        ("http://127.0.0.1:8000", "donate_my_gifts", False),
    ],
)
def test_the_cookie_is_guarded(
    sqlite: Sqlite, tmp_path: Path, public_url: str, name: str, is_secure: bool
) -> None:
    """Scripts and other sites cannot use the cookie, and it ends with the browser session."""
    with own_page_site(sqlite.fresh_url(), tmp_path, public_url=public_url) as site:
        site.give()
        cookie = site.post(site.link_for()).headers["set-cookie"]
    assert cookie.startswith(f"{name}=")
    assert "; HttpOnly; Path=/; SameSite=lax" in cookie
    assert ("; Secure" in cookie) is is_secure


def test_another_site_cannot_use_a_link(sqlite_site: OwnPageSite) -> None:
    """A form on another site begins no session; the link then still works."""
    site = sqlite_site
    site.give()
    link = site.link_for()
    answer = site.post(link, headers={"sec-fetch-site": "cross-site"})
    assert "set-cookie" not in answer.headers
    assert answer.headers["location"].partition("?")[0] == link.partition("?")[0]
    assert site.post(link).headers["set-cookie"]


def test_without_email_there_is_no_such_page(sqlite: Sqlite, tmp_path: Path) -> None:
    """A service that cannot send e-mails has neither the pages nor links to them."""
    settings = {"letters_folder": None, "mail_from": ""}
    with own_page_site(sqlite.fresh_url(), tmp_path, **settings) as site:
        gift = site.give()
        for path in ("/my-gifts", f"/gifts/{token_of(gift)}/my-gifts"):
            assert site.get(path).status_code == 404
        for path in ("/give/LWCAN", f"/gifts/{token_of(gift)}"):
            assert "my-gifts" not in site.get(path).text


def test_amounts_are_what_was_received(sqlite_site: OwnPageSite) -> None:
    """A gift shows what was received of it, which may be less than the donor chose."""
    gift = sqlite_site.give(mode="interac", amount=Money(8_000, "CAD"))
    record(sqlite_site.database, gift, fact(FactKind.TRANSFER_RECEIVED, "C2", 3_000))
    assert "$30.00 Received" in year_on(sqlite_site.open_gifts(), 2026)
