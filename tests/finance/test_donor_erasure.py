"""The page on which finance staff erase a donor."""

from donate.finance.roles import Role
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from tests.chain.chained import link_all
from tests.finance.finance_site import FinanceSite, csrf
from tests.gifts.samples import fact, open_gift_of, record


def page_of(gift: Gift) -> str:
    return f"/finance/donors/{gift.profile_id}"


def name_of(site: FinanceSite, gift: Gift) -> str:
    with site.database.reading() as session:
        return session.get_one(DonorProfile, gift.profile_id).name


def test_staff_read_a_summary_and_type_the_reference(site: FinanceSite) -> None:
    """Only the right reference erases; the page says what goes, what stays, and why."""
    gift = site.gift()
    browser = site.signed_in()
    assert f'href="{page_of(gift)}/erase"' in browser.get(page_of(gift)).text
    page = browser.get(f"{page_of(gift)}/erase").text
    assert "What is erased" in page
    assert "What is kept, and why" in page
    assert f"To confirm, type {gift.reference}" in page
    before = name_of(site, gift)
    wrong = browser.post(
        f"{page_of(gift)}/erased", data={"csrf": csrf(browser), "confirm": "LWCAN"}
    )
    assert wrong.status_code == 422
    assert f"Type {gift.reference} here. Nothing was erased." in wrong.text
    assert name_of(site, gift) == before
    done = browser.post(
        f"{page_of(gift)}/erased",
        data={"csrf": csrf(browser), "confirm": f" {gift.reference.lower()} "},
        follow_redirects=True,
    )
    assert "This donor’s data are erased." in done.text
    assert before not in done.text
    assert name_of(site, gift) == ""
    assert [act.about for act in site.acts() if act.act == "donor_anonymised"] == [
        f"donor {gift.profile_id}"
    ]
    again = browser.get(f"{page_of(gift)}/erase")
    assert "This donor’s data are erased." in again.text


def test_what_stands_in_the_way_is_named(site: FinanceSite) -> None:
    """There is no button then, and a form that is sent anyway is refused."""
    gift = open_gift_of(site.database, frequency="monthly")
    record(site.database, gift, fact(FactKind.PLEDGE_STARTED, "sub_1"))
    link_all(site.database)
    browser = site.signed_in()
    page = browser.get(f"{page_of(gift)}/erase").text
    sentence = f"The monthly gift {gift.reference} still runs. End it first."
    assert sentence in page
    assert "Erase for good" not in page
    sent = {"csrf": csrf(browser), "confirm": gift.reference}
    refused = browser.post(f"{page_of(gift)}/erased", data=sent)
    assert (refused.status_code, sentence in refused.text) == (409, True)
    assert name_of(site, gift)


def test_a_viewer_may_not_erase(site: FinanceSite) -> None:
    """A viewer sees no link, and the page is refused."""
    gift = site.gift()
    browser = site.signed_in(Role.VIEWER, "viewer@example.org")
    assert "/erase" not in browser.get(page_of(gift)).text
    assert browser.get(f"{page_of(gift)}/erase").status_code == 403


def test_the_page_speaks_french(site: FinanceSite) -> None:
    """In French, the button is French."""
    gift = site.gift()
    browser = site.signed_in()
    browser.post("/finance/language", data={"csrf": csrf(browser), "language": "fr-CA"})
    assert "Effacer définitivement" in browser.get(f"{page_of(gift)}/erase").text
