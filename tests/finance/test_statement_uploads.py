"""Staff upload a statement, see what is in it, answer what it leaves open, and import it."""

import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlmodel import select

from donate.bank.statements.models import (
    BankAccount,
    StatementFile,
    StatementUpload,
)
from donate.finance.roles import Role
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.statement_desk import STATEMENTS, finish, lines, upload

SAMPLES = Path(__file__).parent.parent / "bank" / "shapes" / "samples"
TD = (
    b"03/04/2026,SERVICE CHARGE,4.95,,1195.05\r\n"
    b"03/05/2026,E-TRANSFER ***uJP,,50.00,1245.05\r\n"
    b"03/05/2026,E-TRANSFER ***uJP,,50.00,1295.05\r\n"
    b"03/08/2026,STRIPE MSP,,211.40,1506.45\r\n"
)
BMO = (
    b"Following data is valid as of 20260309114529 (Year/Month/Day/Hour/Minute/Second)\r\n\r\n\r\n"
    b"First Bank Card,Transaction Type,Date Posted, Transaction Amount,Description\r\n\r\n"
    b"'4242424242424242',CREDIT,20260307,50.0,[CW]INTERAC ETRNSFR AD RECVD JANE DOE  X\r\n"
)


def test_a_statement_is_uploaded_seen_and_imported(site_on_each: FinanceSite) -> None:
    """A clerk sees the lines and names the account; then lines and file are recorded."""
    browser = site_on_each.signed_in()
    uploaded = upload(browser, TD)
    page = browser.get(uploaded.headers["location"])
    assert page.status_code == 200
    assert "Which account is this?" in page.text
    assert "Compare with this account" in page.text
    assert lines(site_on_each) == []
    answer = finish(browser, uploaded, new_account_0="Chequing")
    assert answer.headers["location"] == f"{STATEMENTS}?done=imported"
    assert [line.amount_minor for line in lines(site_on_each)] == [-495, 5_000, 5_000, 21_140]
    with site_on_each.database.reading() as session:
        assert session.exec(select(StatementUpload)).all() == []
        assert session.exec(select(StatementFile)).one().content == TD
    assert site_on_each.acts()[-1].act == "statement_imported"


def test_the_same_file_again_adds_nothing(site_on_each: FinanceSite) -> None:
    """The page of a file that was imported says so, and importing it again adds no line."""
    browser = site_on_each.signed_in()
    finish(browser, upload(browser, TD), new_account_0="Chequing")
    again = upload(browser, TD)
    assert "This very file was imported before" in browser.get(again.headers["location"]).text
    with site_on_each.database.reading() as session:
        number = session.exec(select(BankAccount)).one().id
    assert finish(browser, again, account_0=str(number)).status_code == 303
    assert len(lines(site_on_each)) == 4


@pytest.mark.parametrize("file", sorted(path.name for path in SAMPLES.glob("[!.]*")))
def test_as_many_lines_are_recorded_as_the_page_counts(site: FinanceSite, file: str) -> None:
    """What the page counts before the import is recorded, also if the bank's ids repeat."""
    site.clock.instant += timedelta(days=365)  # the samples have days of summer
    browser, content = site.signed_in(), (SAMPLES / file).read_bytes()
    names = {f"new_account_{number}": f"Account {number}" for number in range(5)}
    address = upload(browser, content, file).headers["location"]
    form = {"csrf": csrf(browser), "dates": ""} | names
    page = browser.post(address, data=form).text
    counted = re.search(r"Import (\d+) new lines?<", page)
    assert counted
    finish(browser, upload(browser, content, file), **form)
    assert len(lines(site)) == int(counted[1]) > 0


def test_a_doubt_is_answered_on_the_page(site_on_each: FinanceSite) -> None:
    """A line of a day that two files share is asked about once its account is chosen."""
    browser = site_on_each.signed_in()
    finish(browser, upload(browser, TD), new_account_0="Chequing")
    with site_on_each.database.reading() as session:
        number = str(session.exec(select(BankAccount)).one().id)
    evening = b"2026-03-08,STRIPE MSP,,211.40\r\n2026-03-09,FEE,1.00,\r\n"
    uploaded = upload(browser, evening, "evening.csv")
    asked = browser.post(
        uploaded.headers["location"], data={"csrf": csrf(browser), "account_0": number}
    )
    assert asked.status_code == 200
    assert 'name="doubt_1"' in asked.text
    assert finish(browser, uploaded, account_0=number).status_code == 422
    assert finish(browser, uploaded, account_0=number, doubt_1="new").status_code == 303
    assert sum(line.amount_minor == 21_140 for line in lines(site_on_each)) == 2


def test_an_answer_is_not_used_twice(site_on_each: FinanceSite) -> None:
    """If somebody imports the same file meanwhile, an older answer to a doubt records nothing."""
    browser = site_on_each.signed_in()
    finish(browser, upload(browser, TD), new_account_0="Chequing")
    with site_on_each.database.reading() as session:
        number = str(session.exec(select(BankAccount)).one().id)
    evening = b"2026-03-08,STRIPE MSP,,211.40\r\n2026-03-09,FEE,1.00,\r\n"
    first, second = (upload(browser, evening, name) for name in ("a.csv", "b.csv"))
    data = {"csrf": csrf(browser), "account_0": number, "doubt_1": "new"}
    shown = browser.post(second.headers["location"], data=data)
    seen = re.search(r'name="seen" value="([^"]*)"', shown.text)
    assert seen
    assert finish(browser, first, account_0=number, doubt_1="new").status_code == 303
    late = browser.post(
        second.headers["location"], data=data | {"seen": seen[1], "compared": "yes"}
    )
    assert late.status_code == 409
    assert sum(line.amount_minor == 21_140 for line in lines(site_on_each)) == 2


def test_a_second_click_imports_nothing_more(site_on_each: FinanceSite) -> None:
    """If the import is sent again, it leads to the list, and no line is recorded twice."""
    browser = site_on_each.signed_in()
    uploaded = upload(browser, TD)
    assert finish(browser, uploaded, new_account_0="Chequing").status_code == 303
    again = {"csrf": csrf(browser), "file": sha256(TD).hexdigest(), "compared": "yes"}
    answer = browser.post(uploaded.headers["location"], data=again)
    assert answer.headers["location"] == f"{STATEMENTS}?done=imported"
    assert len(lines(site_on_each)) == 4


def test_the_account_has_to_be_chosen(site: FinanceSite) -> None:
    """Without an account, nothing is imported, and the page says what is missing."""
    browser = site.signed_in()
    answer = finish(browser, upload(browser, TD))
    assert answer.status_code == 422
    assert "Please choose the account" in answer.text
    assert lines(site) == []


def test_a_card_number_is_masked_before_it_is_stored(site: FinanceSite) -> None:
    """The number of a debit card is stored nowhere, neither in the upload nor in the file."""
    browser = site.signed_in()
    uploaded = upload(browser, BMO)
    with site.database.reading() as session:
        assert b"4242424242424242" not in session.exec(select(StatementUpload)).one().content
    assert "4242424242424242" not in browser.get(uploaded.headers["location"]).text
    assert finish(browser, uploaded, new_account_0="BMO").status_code == 303
    with site.database.reading() as session:
        assert b"4242424242424242" not in session.exec(select(StatementFile)).one().content
    assert len(lines(site)) == 1


def test_a_row_that_cannot_be_read_refuses_the_file(site: FinanceSite) -> None:
    """A file with an unreadable row shows the row with its reason, and cannot be imported."""
    browser = site.signed_in()
    uploaded = upload(browser, TD + b"03/09/2026,BROKEN,12,13,1506.45\r\n")
    page = browser.get(uploaded.headers["location"]).text
    assert "1 row cannot be read" in page
    assert "BROKEN" in page
    assert finish(browser, uploaded, new_account_0="Chequing").status_code == 422
    assert lines(site) == []


def test_rows_that_are_left_out_are_shown_with_their_reason(site: FinanceSite) -> None:
    """Before the import, the page shows each row that is no line, and why; then lines are added."""
    browser = site.signed_in()
    uploaded = upload(browser, TD + b"Total,,4.95,311.40,\r\nEnd of report,,,,\r\n")
    page = browser.get(uploaded.headers["location"]).text
    assert "2 rows are left out" in page
    assert "“Total” sums up other rows, so this is no transaction." in page
    assert "<code>End of report,,,,</code>" in page
    assert finish(browser, uploaded, new_account_0="Chequing").status_code == 303
    assert len(lines(site)) == 4


def test_unknown_columns_are_kept_and_named(site: FinanceSite) -> None:
    """A file with columns of no known bank is kept, and its page offers to choose the shape."""
    browser = site.signed_in()
    uploaded = upload(browser, b"When,What,How much\r\n03/04/2026,E-TRANSFER,50.00\r\n")
    page = browser.get(uploaded.headers["location"])
    assert page.status_code == 422
    assert "We don’t know the columns of this file yet." in page.text
    assert "Read the file in another way" in page.text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04abc", "save it as CSV"),
        (b"a,b\0c\r\n", "not a text file"),
        (b"%PDF-1.7", "This is a PDF"),
    ],
)
def test_files_that_are_no_statement_are_refused(
    site: FinanceSite, content: bytes, sentence: str
) -> None:
    """A file that is no text is refused at once, with a sentence, and is not kept."""
    answer = upload(site.signed_in(), content)
    assert answer.status_code == 422
    assert sentence in answer.text
    with site.database.reading() as session:
        assert session.exec(select(StatementUpload)).all() == []


def test_an_upload_is_discarded(site: FinanceSite) -> None:
    """A file that nobody wants to import is deleted, and may be uploaded and imported later."""
    browser = site.signed_in()
    uploaded = upload(browser, TD)
    path = f"{uploaded.headers['location']}/discarded"
    assert browser.post(path, data={"csrf": csrf(browser)}).status_code == 303
    assert browser.get(uploaded.headers["location"]).status_code == 404
    assert finish(browser, upload(browser, TD), new_account_0="Chequing").status_code == 303
    assert len(lines(site)) == 4


def test_only_finance_staff_upload(site: FinanceSite) -> None:
    """A viewer may not upload a file, and a stranger is sent to the sign-in page."""
    assert upload(site.signed_in(Role.VIEWER), TD).status_code == 403
    stranger = site.browser().post(f"{STATEMENTS}/uploaded", files={"file": ("a.csv", TD)})
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/finance/sign-in")
    with site.database.reading() as session:
        assert session.exec(select(StatementUpload)).all() == []
