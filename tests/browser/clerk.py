"""Actions of a clerk in the browser; they work in any language, because they use ids and links."""

import re
import time
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pyotp
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Demo
from tests.finance.spreadsheets import read_csv

CODE_SECONDS = 30
PASSWORD = "four quiet green lamps"


def invite_clerk(admin: Page, clerk: Page, demo: Demo, email: str) -> None:
    """As an admin, add a person with the role `finance`; as that person, choose a password."""
    steps.sign_in(admin, demo)
    admin.goto("/finance/people/new")
    admin.locator("#name").fill("Clara Clerk")
    admin.locator("#email").fill(email)
    admin.locator("#role").select_option("finance")
    admin.locator("main form button").click()
    clerk.goto(admin.locator("pre.breaking").inner_text().strip())
    clerk.locator("#password").fill(PASSWORD)
    clerk.locator("main form button").click()
    clerk.wait_for_url("**/finance/sign-in?done=password-set")


def enter_password(page: Page, email: str, *, language: str = "en-CA") -> None:
    """Enter the e-mail address and the password on the sign-in page."""
    page.goto(f"/finance/sign-in?lang={language}")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.locator("main form button").click()


def begin_second_factor(page: Page) -> pyotp.TOTP:
    """Open the page with the QR code; return a TOTP generator with the secret of that page."""
    page.goto("/finance/me")
    page.locator("main a[href='/finance/me/second-factor']").click()
    page.locator("form[action$='/begun'] button").click()
    return pyotp.TOTP(page.locator("main .mono.about").inner_text().replace(" ", ""))


def confirm_second_factor(page: Page, codes: pyotp.TOTP) -> str:
    """Enter the first code; return the next one, since a code is good only once."""
    now = int(time.time())
    page.locator("#code").fill(codes.at(now))
    page.locator("form[action$='/confirmed'] button").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    return codes.at(now + CODE_SECONDS)


def prove_wrongly(page: Page) -> None:
    """Open the page that asks who is signed in, with a mistake on it."""
    page.goto("/finance/me")
    page.locator("#own_password").fill("not the password")
    page.locator("#own_code").fill("000000")
    page.locator("#new_password").fill("three loud geese")
    form = page.locator("form[action$='/me/password']")
    form.evaluate("form => { form.action = '/finance/me/confirmed'; form.submit() }")
    page.locator("#own_password-error").wait_for()


def sign_in_with_code(page: Page, email: str, code: str, *, language: str = "en-CA") -> None:
    """Sign out, and sign in with the password and a code."""
    page.locator(".sign-out button").click()
    page.wait_for_url("**/finance/sign-in**")
    enter_password(page, email, language=language)
    page.wait_for_url("**/sign-in/code")
    page.locator("#code").fill(code)
    page.locator("main form button").first.click()
    page.wait_for_url("**/finance")


def give_as(page: Page, name: str, email: str, *, monthly: bool = False) -> str:
    """Give 50 dollars by card as this donor, once or each month; return the gift's reference."""
    steps.fill_in(page, "card")
    page.locator("#name").fill(name)
    page.locator("#email").fill(email)
    if monthly:
        page.locator("label[for=frequency-monthly]").click()
    page.locator("#give-button").click()
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")
    return steps.reference_on(page)


def search(page: Page, typed: str) -> None:
    """Type into the search box, which the key `/` reaches, and press Enter."""
    page.keyboard.press("/")
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_url("**/finance/search?**")


def open_donor_of(page: Page, reference: str) -> None:
    """From a list of gifts, open this gift, and then the page of its donor."""
    page.locator("main a", has_text=reference).first.click()
    page.locator("main a[href^='/finance/donors/']").first.click()
    page.wait_for_url("**/finance/donors/*")


def merge_with(page: Page, email: str, why: str) -> None:
    """On the page of a donor, merge the other donor, who has this e-mail address, into this one."""
    page.locator("main a[href$='/merge']").click()
    page.locator("#q").fill(email)
    page.locator("main form[role=search] button").click()
    page.locator("[name=other]").check()
    page.locator("#why").fill(why)
    page.locator("form[action$='/merged'] button").click()
    page.wait_for_url("**/finance/donors/*done=*")


def references_of(page: Page) -> set[str]:
    """Return the references in the table on this page."""
    return set(page.locator("td.reference a").all_inner_texts())


def start_batch(page: Page, name: str, count: int, total: str) -> None:
    """Start a batch of cheques with the expected count and sum."""
    page.goto("/finance/offline")
    if not page.locator("#batch_name").is_visible():
        page.locator("summary").first.click()
    page.locator("#batch_name").fill(name)
    page.locator("#count_CAD").fill(str(count))
    page.locator("#sum_CAD").fill(total)
    page.locator("#sum_CAD").press("Enter")
    page.wait_for_url("**/batches/*")


def enter_cheque(page: Page, amount: str, number: str, *, donor: str = "") -> None:
    """Enter a cheque into the batch on this page, anonymously or from a donor found by e-mail."""
    page.locator("#mode-cheque").check()
    page.locator("#cheque_number").fill(number)
    if donor:
        page.locator("#find").fill(donor)
        page.locator("#found-donors input").check()
    else:
        page.locator("#donor-anonymous").check()
    save_entry(page, amount)


def save_entry(page: Page, amount: str) -> None:
    """Enter the amount, press Enter, and wait until the form is empty again."""
    page.locator("#amount").fill(amount)
    page.locator("#amount").press("Enter")
    page.wait_for_url("**done=saved**")
    expect(page.locator("#amount")).to_have_value("")


def end_monthly_gift(page: Page, reference: str, why: str) -> None:
    """End a monthly gift at once, from the list of monthly gifts."""
    page.goto("/finance/monthly?state=active")
    page.locator("td.reference a", has_text=reference).click()
    form = page.locator("form[action$='/ended']")
    page.locator("details.act", has=form).locator("summary").click()
    form.locator("[name=when][value=now]").check()
    form.locator("[name=reason]").fill(why)
    form.locator("[name=confirmed]").check()
    form.locator("button").click()
    ended = page.locator(".gift-head .status-lapsed")
    steps.reload_until(page, ended.is_visible)


def read_exports(page: Page) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Download the CSV and the control totals that the page links to."""
    sheet = page.locator(".exports a[href*='.csv']").get_attribute("href")
    control = page.locator(".exports a[href*='.control.json']").get_attribute("href")
    assert sheet
    assert control
    return read_csv(page.request.get(sheet).body()), page.request.get(control).json()


def added_up(rows: list[dict[str, str]]) -> dict[str, Decimal]:
    """Add up the amounts of a CSV by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["currency"]] += Decimal(row["amount"])
    return dict(sums)


def numbers_in(page: Page, selector: str) -> list[Decimal]:
    """Return the number in each of these elements, written in English or French."""
    return [as_decimal(text) for text in page.locator(selector).all_inner_texts()]


def as_decimal(text: str) -> Decimal:
    """Return the number in a text such as `-$1,234.50` or `1 234,50 $`."""
    digits = re.sub(r"[^0-9,.]", "", text)
    digits = re.sub(r"[,.](?=[0-9]{3}(?![0-9]))", "", digits).replace(",", ".")
    return Decimal(digits) * (-1 if re.search("[-\u2212]", text) else 1)
