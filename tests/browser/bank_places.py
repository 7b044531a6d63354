"""The staff pages about the bank that the browser tests look at, and how to get to each."""

from playwright.sync_api import FilePayload, Page

STATEMENT = (
    b"03/04/2026,SERVICE CHARGE,4.95,,1195.05\r\n"
    b"03/05/2026,E-TRANSFER ***uJP,,50.00,1245.05\r\n"
    b"03/16/2026,INTERAC E-TRANSFER SOMEBODY,,20.00,1265.05\r\n"
)


def the_bank_before_any_statement(page: Page) -> None:
    page.goto("/finance/statements")


def an_uploaded_statement(page: Page) -> None:
    page.goto("/finance/statements")
    file = FilePayload(name="accountactivity.csv", mimeType="text/csv", buffer=STATEMENT)
    page.locator("#file").set_input_files([file])
    page.locator("form.upload button").click()
    page.wait_for_url("**/uploads/*")


def a_statement_that_cannot_be_read(page: Page) -> None:
    page.goto("/finance/statements")
    content = STATEMENT + b"03/17/2026,BROKEN,12,13,1506.45\r\n"
    file = FilePayload(name="broken.csv", mimeType="text/csv", buffer=content)
    page.locator("#file").set_input_files([file])
    page.locator("form.upload button").click()
    page.wait_for_url("**/uploads/*")


def compare_and_import(page: Page) -> None:
    """Compare an uploaded file with the account that was chosen, and import it."""
    page.locator("main form button").first.click()
    page.wait_for_selector("[name=compared]", state="attached")
    page.locator("main form button").first.click()
    page.wait_for_url("**done=imported**")


def the_bank_lines(page: Page) -> None:
    an_uploaded_statement(page)
    choice = page.locator("select[name=account_0]")
    if choice.count() and choice.locator("option").count() > 1:
        choice.select_option(index=1)
    else:
        page.locator("[name=new_account_0]").fill("Chequing")
    compare_and_import(page)


def a_bank_line(page: Page) -> None:
    the_bank_lines(page)
    page.locator(".bank-lines a").first.click()
    page.wait_for_url("**/lines/*")


def a_search_for_a_bank_lines_gift(page: Page) -> None:
    a_bank_line(page)
    page.locator("#gift-search").fill("a")
    page.locator("#gift-search").press("Enter")
    page.wait_for_url("**q=a")


def a_bank_line_with_mistakes(page: Page) -> None:
    a_bank_line(page)
    form = page.locator("form[action$='/no-gift']")
    page.locator("details", has=form).locator("summary").click()
    form.locator("[name=reason]").select_option("other")
    form.locator("[name=amount]").fill("x")
    form.locator("button").click()
    page.wait_for_url("**/no-gift")


def a_gift_nobody_announced(page: Page) -> None:
    a_bank_line(page)
    page.locator("main a[href$='/new-gift']").click()
    page.locator("#name").press("Enter")
    page.wait_for_selector("#name-error")


def the_certain_lines(page: Page) -> None:
    the_bank_lines(page)
    page.goto("/finance/statements/certain")


def the_payouts(page: Page) -> None:
    page.goto("/finance/payouts")


BANK_PAGES = [
    the_bank_before_any_statement,
    an_uploaded_statement,
    a_statement_that_cannot_be_read,
    the_bank_lines,
    a_bank_line,
    a_search_for_a_bank_lines_gift,
    a_bank_line_with_mistakes,
    a_gift_nobody_announced,
    the_certain_lines,
    the_payouts,
]
