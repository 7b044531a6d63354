"""Takes screenshots of a demo for README and docs, and draws the architecture picture."""

import tempfile
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from donate.clock import SystemClock, local_date
from scripts import architecture
from tests.browser import clerk, month_steps, steps
from tests.browser.conftest import CHROMIUM_FLAGS, FOUND_BROWSER, Demo, running_demo
from tests.browser.month_steps import PretendBank

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs/pictures"


def take_all(demo: Demo) -> None:
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=FOUND_BROWSER.read_text().strip(), args=list(CHROMIUM_FLAGS)
        )
        phone = page_of(browser, demo.service, 390, 844)
        steps.fill_in(phone, "card")
        take(phone, "give")
        steps.give(phone, "card")
        steps.pay(phone)
        phone.wait_for_url("**/gifts/**")
        steps.expect_status(phone, "confirmed")
        take(phone, "received")
        steps.give(phone, "interac", language="fr")
        phone.wait_for_url("**/gifts/**")
        take(phone, "interac-fr")
        steps.open_letter(phone, steps.reference_on(phone))
        phone.goto(f"{phone.url}/html")
        take(phone, "letter-fr")
        steps.give_monthly(phone)
        take(phone, "pledge")
        host = page_of(browser, demo.example, 390, 844)
        host.goto("/")
        host.locator("a[data-donate]").click()
        host.locator("dialog").wait_for()
        take(host, "dialog", whole=False)
        desk = page_of(browser, demo.service, 1180, 760)
        take_the_desk(desk, phone, demo)
        take_the_month(desk, PretendBank(demo))
        browser.close()


def take_the_desk(desk: Page, donor: Page, demo: Demo) -> None:
    """Take screenshots of the staff pages, in the order in which docs/finance.md shows them."""
    once = clerk.give_as(donor, "Zoë Lachance", "zoe@example.org")
    clerk.give_as(donor, "Zoe Lachance", "zoe.lachance@example.org", monthly=True)
    steps.sign_in(desk, demo)
    desk.goto("/finance")
    take(desk, "desk-overview", whole=False)
    clerk.search(desk, "lachan")
    clerk.open_donor_of(desk, once)
    clerk.merge_with(desk, "zoe.lachance@", "She told us on the phone.")
    take(desk, "desk-donor", whole=False)
    clerk.start_batch(desk, "Sunday offering", 5, "500")
    for number, amount in enumerate(("100", "50", "150"), start=101):
        clerk.enter_cheque(desk, amount, str(number))
    take(desk, "desk-batch", whole=False)
    desk.goto("/finance/gifts")
    take(desk, "finance", whole=False)
    desk.goto("/finance/movements")
    take(desk, "desk-movements", whole=False)
    desk.goto("/finance/letters/texts/LWCAN/en-CA/thank_you")
    take(desk, "desk-letter-text", whole=False)
    desk.goto("/finance/gifts?status=confirmed&mode=card")
    desk.locator("td.reference a").first.click()
    desk.wait_for_url("**/finance/gifts/*-*")
    take(desk, "desk-gift", whole=False)


def take_the_month(desk: Page, bank: PretendBank) -> None:
    """Take screenshots of a month end, in the order in which docs/finance.md shows them."""
    last = month_steps.end_of_month_before(local_date(SystemClock().now(), "UTC"))
    begin = last - timedelta(days=400)
    month_steps.begin_upload(desk, bank.statement("rbc", begin, last))
    desk.locator("[name=new_account_0]").fill("Chequing")
    desk.locator("main form button").first.click()
    desk.wait_for_selector("[name=compared]", state="attached")
    take(desk, "month-statement", whole=False)
    desk.locator("main form button").first.click()
    desk.wait_for_url("**done=imported**")
    desk.goto("/finance/statements/certain")
    take(desk, "month-certain", whole=False)
    month_steps.accept_certain_lines(desk)
    desk.goto("/finance/statements")
    desk.locator(".bank-lines a", has_text="ODILE MARCHAND").click()
    desk.wait_for_url("**/lines/*")
    take(desk, "month-line", whole=False)
    month_steps.solve_odd_lines(desk)
    desk.goto(f"/finance/books?day={last}")
    desk.locator("main h2").first.evaluate("heading => heading.scrollIntoView()")
    take(desk, "month-sheet", whole=False)
    desk.goto("/finance/months")
    desk.locator("tr", has_text="Open").locator("a").first.click()
    desk.locator("#open").wait_for()
    take(desk, "month-close", whole=False)


def page_of(browser: Browser, service: str, width: int, height: int) -> Page:
    size = ViewportSize(width=width, height=height)
    return browser.new_context(base_url=service, viewport=size).new_page()


def take(page: Page, name: str, *, whole: bool = True) -> None:
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


if __name__ == "__main__":
    architecture.main()
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder)) as demo:
        take_all(demo)
