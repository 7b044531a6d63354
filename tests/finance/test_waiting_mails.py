"""Interac's e-mails that explain no bank line yet: a list with what each waits for."""

import html

import pytest
from sqlmodel import update

from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.bank.transfer_mails import queries
from donate.bank.transfer_mails.intake import TransferMailIntake
from donate.bank.transfer_mails.models import InteracTransfer, TransferState
from donate.bank.transfer_mails.uncounted_mails import WAITS_FOR
from donate.finance.roles import Role
from tests.bank.reconciliation.bank_lines import NOW, bank_line
from tests.bank.reconciliation.interac_mails import deposited_mail
from tests.bank.transfer_mails.mail_writer import WrittenMail
from tests.finance.finance_site import REGIONS, FinanceSite, csrf

PAGE = "/finance/transfer-mails"
WAITING = f"{PAGE}?show=waiting"


def waiting_page(site: FinanceSite, email: str = "") -> str:
    return html.unescape(site.signed_in(Role.VIEWER, email).get(WAITING).text)


def test_more_than_twenty_megabytes_are_refused_with_a_sentence(site: FinanceSite) -> None:
    """Files that are too large together add nothing, and the page says how much may be added."""
    browser = site.signed_in()
    files = [("files", (f"{n}.eml", b"x" * 1_000_000, "message/rfc822")) for n in range(21)]
    page = browser.post(f"{PAGE}/added", data={"csrf": csrf(browser)}, files=files)
    assert page.status_code == 422
    assert "Together, the files can be at most 20 MB. Nothing was added." in page.text
    shown = browser.get(PAGE).text
    assert "At most 500 files at a time, of 1 MB each and 20 MB together." in shown


def test_a_thousand_files_get_a_sentence(site: FinanceSite) -> None:
    """Far too many small files are refused on the page, and not with an error page."""
    browser = site.signed_in()
    files = [("files", (f"{n}.eml", b"x", "message/rfc822")) for n in range(1_001)]
    page = browser.post(f"{PAGE}/added", data={"csrf": csrf(browser)}, files=files)
    assert page.status_code == 422
    assert "at most 500 files" in page.text


def test_nothing_waits(site: FinanceSite) -> None:
    """Without e-mails the list says that none waits."""
    assert "No transfer waits" in waiting_page(site)


def test_a_transfer_that_is_not_deposited_waits_for_that(site: FinanceSite) -> None:
    """An e-mail about a transfer that nobody has deposited can have no bank line."""
    deposited_mail(site.database, "hello")
    with site.database.writing() as session:
        session.execute(update(InteracTransfer).values(state=TransferState.OFFERED))
    assert "The transfer isn’t deposited yet." in waiting_page(site)


def test_a_transfer_waits_for_the_next_statement(site: FinanceSite) -> None:
    """Before its day is imported, a transfer waits for a statement."""
    deposited_mail(site.database, "hello")
    assert "No bank statement has been imported yet." in waiting_page(site)
    bank_line(site.database, 700, "OTHER")
    with site.database.writing() as session:
        session.execute(update(InteracTransfer).values(day=NOW.replace(month=4).date()))
    page = waiting_page(site, "bob@example.org")
    assert "The bank statements end on 2026-03-31. Import the next one." in page


def test_a_transfer_without_a_fitting_line_says_so(site: FinanceSite) -> None:
    """If the statement has no fitting line, the list says what may be the reason."""
    deposited_mail(site.database, "hello")
    bank_line(site.database, 700, "OTHER")
    assert "No open bank line fits." in waiting_page(site)


def test_a_transfer_waits_for_a_decision_about_its_line(site_on_each: FinanceSite) -> None:
    """If a line fits, the list links to it; once it is tied, the transfer waits no more."""
    site = site_on_each
    gift = site.gift()
    mail_id = deposited_mail(site.database, f"For {gift.reference}")
    line = bank_line(site.database, 5_000, "E-TRANSFER ***uJP", day=NOW.day)
    suggest_for_open_lines(site.database, ["LWCAN"], now=NOW)
    browser = site.signed_in()
    page = browser.get(WAITING).text
    assert "A bank line fits and needs your decision." in page
    assert f'href="/finance/statements/lines/{line.id}"' in page
    certain = browser.get("/finance/statements/certain").text
    shown = certain.split('name="lines" value="')[1].split('"')[0]
    browser.post("/finance/statements/certain", data={"csrf": csrf(browser), "lines": shown})
    assert "No transfer waits" in browser.get(WAITING).text
    transfer = browser.get(f"{PAGE}/transfers/{mail_id}").text
    assert f'href="/finance/statements/lines/{line.id}"' in transfer


@pytest.mark.parametrize("state", [TransferState.CANCELLED, TransferState.EXPIRED])
def test_a_transfer_that_ended_waits_for_nothing(site: FinanceSite, state: TransferState) -> None:
    """A cancelled or expired transfer is in the list of all, and does not wait."""
    deposited_mail(site.database, "hello")
    with site.database.writing() as session:
        session.execute(update(InteracTransfer).values(state=state))
    assert "No transfer waits" in waiting_page(site)
    assert "CA1abcuJP" in site.signed_in().get(PAGE).text


def test_the_list_of_waiting_transfers_is_searched_and_paged(site: FinanceSite) -> None:
    """A search and the pager stay in the list of waiting transfers."""
    for number in range(51):
        deposited_mail(site.database, "hello", f"CA{number:07}")
    page = waiting_page(site)
    assert "&before=" in page
    assert page.count("&show=waiting") == 1
    found = site.signed_in().get(f"{WAITING}&q=CA0000007").text
    assert "CA0000007" in found
    assert "CA0000008" not in found


def test_mails_that_were_kept_say_why_they_do_not_count(site: FinanceSite) -> None:
    """Staff read of each kept e-mail why it does not count, in their language."""
    browser = site.signed_in()
    files = [("files", ("a.eml", WrittenMail().signed(), "message/rfc822"))]
    browser.post(f"{PAGE}/added", data={"csrf": csrf(browser)}, files=files)
    waiting = browser.get(PAGE).text
    assert "After 30 days it is kept, and doesn’t count." in waiting
    assert "No further e-mail can wait" not in waiting
    site.clock.instant += WAITS_FOR
    TransferMailIntake(site.database, REGIONS, site.clock).check_due()
    browser = site.signed_in(Role.FINANCE, "bob@example.org")
    page = browser.get(PAGE).text
    assert "1 e-mail was kept and doesn’t count" in page
    assert "could not be fetched for 30 days" in page
    browser.post(
        "/finance/language", data={"csrf": csrf(browser), "language": "fr-CA", "next": PAGE}
    )
    assert "n’a pas pu être obtenue pendant 30\u00a0jours" in browser.get(PAGE).text


def test_a_full_waiting_room_is_said(site: FinanceSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says that no further e-mail can wait."""
    monkeypatch.setattr(queries, "MOST_WAITING", 1)
    browser = site.signed_in()
    files = [
        ("files", (f"{n}.eml", WrittenMail(reference=f"CAu3wqe{n}").signed(), "message/rfc822"))
        for n in range(2)
    ]
    page = browser.post(f"{PAGE}/added", data={"csrf": csrf(browser)}, files=files).text
    assert "too many e-mails wait for it already" in page
    assert "No further e-mail can wait" in page
