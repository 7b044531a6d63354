"""What a clerk does at month end in the browser, from the statements to the closed month."""

import io
import json
import re
import time
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.bank_places import compare_and_import
from tests.browser.conftest import Demo
from tests.waiting import PATIENCE_S

LINES = "/finance/statements"


@dataclass(frozen=True)
class PretendBank:
    """The pretend bank of a demo, through its control API."""

    demo: Demo

    def _get(self, path: str, **query: str) -> httpx.Response:
        url = f"{self.demo.sandbox}/_sandbox/bank/{path}"
        return httpx.get(url, params=query, trust_env=False, timeout=30).raise_for_status()

    def book(self, kind: str, amount_minor: int, day: date) -> None:
        """Book a line that is no e-Transfer."""
        body = {"kind": kind, "amount": amount_minor, "day": day.isoformat()}
        url = f"{self.demo.sandbox}/_sandbox/bank/lines"
        httpx.post(url, json=body, trust_env=False, timeout=30).raise_for_status()

    def lines(self, until: date) -> list[dict[str, Any]]:
        """Return the lines up to a day, and with it."""
        return [line for line in self._get("lines").json() if line["day"] <= until.isoformat()]

    def statement(self, shape: str, first: date, last: date) -> FilePayload:
        """Return the statement of these days as a file to upload."""
        answer = self._get("statement", shape=shape, **{"from": f"{first}", "to": f"{last}"})
        name = re.search(r'filename="([^"]+)"', answer.headers["content-disposition"])
        assert name
        return FilePayload(name=name[1], mimeType="text/csv", buffer=answer.content)

    def mails(self, first: date) -> list[FilePayload]:
        """Return Interac's e-mails about the transfers since a day."""
        return [
            FilePayload(
                name=f"{line['number']}.eml",
                mimeType="message/rfc822",
                buffer=self._get(
                    f"transfers/{line['number']}/mail", to="partnership@loveworldcan.ca"
                ).content,
            )
            for line in self.lines(date.max)
            if line["kind"] == "transfer" and line["day"] >= first.isoformat()
        ]


def begin_upload(page: Page, file: FilePayload) -> None:
    """Upload a statement, without importing it."""
    page.goto(LINES)
    page.locator("#file").set_input_files([file])
    page.locator("form.upload button").click()
    page.wait_for_url("**/uploads/*")


def upload_statement(page: Page, file: FilePayload) -> None:
    """Upload a statement, and import it into the account “Chequing”."""
    begin_upload(page, file)
    account = page.locator("select[name=account_0]")
    if account.count() and account.locator("option", has_text="Chequing").count():
        account.select_option(label="Chequing")
    elif page.locator("[name=new_account_0]").count():
        page.locator("[name=new_account_0]").fill("Chequing")
    if page.locator("[name=compared]").count():  # the file itself names a known account
        page.locator("main form button").first.click()
        page.wait_for_url("**done=imported**")
    else:
        compare_and_import(page)


def drop_mails(page: Page, files: list[FilePayload]) -> None:
    """Add Interac's e-mails as files."""
    page.goto("/finance/transfer-mails")
    page.locator("input[type=file]").set_input_files(files)
    page.locator("form[enctype] button").click()
    page.wait_for_load_state()
    expect(page.locator("main")).to_contain_text(files[0]["name"])


def accept_first_suggestion(page: Page, text: str) -> None:
    """Open the newest line with this text or amount, and accept its first suggestion.

    The worker may still be reading payouts from Stripe, so open the line until there is one.
    """
    button = page.locator("form[action$='/accepted'] button").first
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        page.goto(LINES)
        page.locator(".bank-lines tr", has_text=text).locator("a").first.click()
        page.wait_for_url("**/lines/*")
        if button.count():
            break
        page.wait_for_timeout(1_000)
    button.click()
    page.wait_for_url("**done=**")


def accept_certain_lines(page: Page) -> int:
    """Accept all certain lines after their summary; return how many they were."""
    page.goto(f"{LINES}/certain")
    page.locator("main form button").first.click()
    page.wait_for_url("**accepted=**")
    found = re.search(r"accepted=(\d+)&of=(\d+)", page.url)
    assert found
    assert found[1] == found[2]
    return int(found[1])


def accept_likely_lines(page: Page) -> None:
    """Accept the first suggestion of each likely line, one by one, as a clerk does after a look."""
    while True:
        page.goto(f"{LINES}?show=likely")
        line = page.locator(".bank-lines a").first
        if not line.count():
            return
        line.click()
        page.wait_for_url("**/lines/*")
        page.locator("form[action$='/accepted'] button").first.click()
        page.wait_for_url("**done=**")


def accept_equal_payouts(page: Page) -> None:
    """Accept the nearest payout for lines to which two payouts of the same amount fit."""
    page.goto(LINES)
    for _ in range(page.locator(".bank-lines a", has_text="STRIPE").count()):
        accept_first_suggestion(page, "STRIPE")


def say_it_is_no_gift(page: Page, text: str, reason: str) -> bool:
    """Say of the newest open line with this text why it is no gift; return False without any."""
    page.goto(LINES)
    line = page.locator(".bank-lines a", has_text=text)
    if not line.count():
        return False
    line.first.click()
    page.wait_for_url("**/lines/*")
    form = page.locator("form[action$='/no-gift']")
    if not form.is_visible():
        page.locator("details", has=form).locator("summary").click()
    form.locator("[name=reason]").select_option(reason)
    form.locator("button").click()
    page.wait_for_url("**done=no_gift**")
    return True


def open_gift_of(page: Page, text: str, name: str, email: str) -> None:
    """Open a gift for a line that nobody announced."""
    page.goto(LINES)
    page.locator(".bank-lines a", has_text=text).first.click()
    page.wait_for_url("**/lines/*")
    page.locator("main a[href$='/new-gift']").click()
    page.locator("#name").fill(name)
    page.locator("#email").fill(email)
    page.locator("form.entry-form button").last.click()
    page.wait_for_url("**done=**")


def close_months(page: Page, last: date) -> list[str]:
    """Close all months up to that of `last`, with a reason for whatever asks for one."""
    closed: list[str] = []
    while True:
        page.goto("/finance/months")
        row = page.locator("tr", has=page.locator(".status-awaited"), has_text="Open")
        if not row.count():  # the next month has not ended
            return closed
        month = (row.locator("a").first.get_attribute("href") or "").rpartition("/")[2]
        assert month <= f"{last:%Y-%m}"
        row.locator("a").first.click()
        page.wait_for_url(f"**/months/{month}")
        for field in page.locator("input[name^=reason_]").all():
            field.fill("Looked at; it is settled in the next month.")
        page.locator("#close-month button").click()
        page.wait_for_url("**done=**")
        closed.append(month)


def download_pack(page: Page, last: date) -> zipfile.ZipFile:
    """Download the pack of a closed month."""
    page.goto(f"/finance/months/{last:%Y-%m}")
    with page.expect_download() as download:
        page.locator("a[href$='/pack']").click()
    return zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))


def control_totals(pack: zipfile.ZipFile) -> dict[str, Any]:
    totals: dict[str, Any] = json.loads(pack.read("control-totals.json"))
    return totals


def sheet_amounts(page: Page, day: date) -> dict[str, int]:
    """Return the stated amount of each row of the daily sheet, in cents."""
    page.goto(f"/finance/books?day={day}")
    found = {}
    for row in page.locator("table").first.locator("tbody tr").all():
        texts = [cell.strip() for cell in row.inner_text().split("\t")]
        found[texts[0].splitlines()[0]] = int(re.sub(r"[^\d-]", "", texts[1].replace("−", "-")))
    return found


def end_of_month_before(day: date) -> date:
    return day.replace(day=1) - timedelta(days=1)


def import_three_shapes(desk: Page, bank: PretendBank, last: date) -> None:
    """Import the account's year: as RBC writes it, then as OFX, and the last month as TD does."""
    before = end_of_month_before(last)
    earlier = end_of_month_before(before)
    begin = earlier - timedelta(days=366)
    periods: list[tuple[str, date, date]] = [
        ("rbc", begin, earlier),
        ("ofx", earlier + timedelta(days=1), before),
        ("td", before + timedelta(days=1), last),
    ]
    for shape, first, until in periods:
        upload_statement(desk, bank.statement(shape, first, until))


def solve_odd_lines(desk: Page) -> None:
    """Explain what no suggestion fits: fees, an own transfer, other income, an unannounced gift."""
    while say_it_is_no_gift(desk, "FEE", "bank_fee"):
        pass
    assert say_it_is_no_gift(desk, "TO SAVINGS", "own_transfer")
    say_it_is_no_gift(desk, "MISC PAYMENT", "other_income")
    open_gift_of(desk, "E-TRANSFER", "Odile Marchand", "odile@example.org")
