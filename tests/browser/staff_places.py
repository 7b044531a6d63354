"""The staff pages that the browser tests look at, and how to get to each."""

from collections.abc import Callable

from playwright.sync_api import FilePayload, Page


def the_overview(page: Page) -> None:
    page.goto("/finance")


def the_list(page: Page) -> None:
    page.goto("/finance/gifts")


def the_list_with_filters(page: Page) -> None:
    page.goto("/finance/gifts?status=confirmed&mode=card&by=moved&from=2020-01-01&sort=amount")
    for details in page.locator("main details").all():
        if details.get_attribute("open") is None:
            details.locator("summary").click()


def the_list_with_mistakes(page: Page) -> None:
    page.goto("/finance/gifts?status=zz&from=yesterday&amount_from=x&after=1")


def the_saved_views(page: Page) -> None:
    page.goto("/finance/gifts?mode=interac")
    page.locator("details.save-view > summary").click()
    page.locator("#view-name").fill("Interac e-Transfers")
    page.locator("details.save-view button").click()
    page.wait_for_load_state()
    page.goto("/finance/views")


def first_gift(page: Page, filters: str) -> None:
    page.goto(f"/finance/gifts?{filters}")
    page.locator("td.reference a").first.click()
    page.wait_for_url("**/finance/gifts/*-*")


def a_confirmed_gift(page: Page) -> None:
    first_gift(page, "status=confirmed")


def an_awaited_interac_gift(page: Page) -> None:
    first_gift(page, "status=awaited&mode=interac")


def the_proof_of_a_disputed_gift(page: Page) -> None:
    first_gift(page, "status=disputed")
    for summary in page.locator(".proof summary").all():
        summary.click()


def the_donors(page: Page) -> None:
    page.goto("/finance/donors")


def a_donor(page: Page) -> None:
    page.goto("/finance/donors")
    page.locator("td.donor a").first.click()
    page.wait_for_url("**/finance/donors/*")


def a_donor_with_mistakes(page: Page) -> None:
    a_donor(page)
    form = page.locator("form[action$='/changed']")
    page.locator("details", has=form).locator("summary").click()
    page.fill("#postal_code", "X0O")
    page.fill("#name", " ")
    form.locator("button").click()
    page.wait_for_url("**/changed")


def merging_donors(page: Page) -> None:
    a_donor(page)
    page.locator("main a[href$='/merge']").click()
    page.fill("#q", "a")
    page.locator("main form[role=search] button").click()
    page.wait_for_url("**/merge?q=a")


def the_movements(page: Page) -> None:
    page.goto("/finance/movements")


def movements_with_mistakes(page: Page) -> None:
    page.goto("/finance/movements?kind=zz&from=yesterday")


def interacs_e_mails(page: Page) -> None:
    page.goto("/finance/transfer-mails")
    content = b"From: a@example.org\n\nHi"
    mail = FilePayload(name="a.eml", mimeType="message/rfc822", buffer=content)
    page.locator("#files").set_input_files([mail])
    page.locator("form[enctype] button").click()
    page.wait_for_selector("#results")


def cheques_and_cash(page: Page) -> None:
    page.goto("/finance/offline")


def the_form_for_a_cheque(page: Page) -> None:
    page.goto("/finance/offline/new")
    page.locator("#mode-cheque").check()
    page.locator("#donor-new").check()
    page.locator("#find").press_sequentially("lee")
    page.wait_for_selector("#found-donors input")


def a_cheque_with_mistakes(page: Page) -> None:
    page.goto("/finance/offline/new")
    page.locator("#mode-cheque").check()
    page.locator("#amount").press("Enter")
    page.wait_for_selector("#amount-error")


def a_batch_that_is_typed(page: Page) -> None:
    page.goto("/finance/offline")
    if not page.locator("#batch_name").is_visible():
        page.locator("summary").first.click()
    page.locator("#batch_name").fill("Sunday offering")
    page.locator("#count_CAD").fill("2")
    page.locator("#sum_CAD").fill("70")
    page.locator("#sum_CAD").press("Enter")
    page.wait_for_url("**/batches/*")
    page.locator("#mode-cash").check()
    page.locator("#donor-anonymous").check()
    for amount in ("20", "50"):
        page.locator("#amount").fill(amount)
        page.locator("#amount").press("Enter")
        page.wait_for_url("**done=saved**")
        page.wait_for_selector("#amount:focus")
        page.wait_for_function("document.getElementById('amount').value === ''")


def a_closed_batch(page: Page) -> None:
    a_batch_that_is_typed(page)
    page.locator("form.close-batch button").click()
    page.wait_for_url("**done=closed")


def an_entry_to_correct(page: Page) -> None:
    a_closed_batch(page)
    page.locator("td.reference a").first.click()
    page.wait_for_url("**/entries/*")
    page.locator("summary").click()


def what_a_search_found(page: Page) -> None:
    page.goto("/finance")
    page.keyboard.press("/")
    page.keyboard.type("50")
    page.keyboard.press("Enter")
    page.wait_for_url("**/finance/search?q=50")
    page.locator("mark").first.wait_for()


def a_search_that_found_nothing(page: Page) -> None:
    page.goto("/finance/search?q=nobody+at+all")


def the_monthly_gifts(page: Page) -> None:
    page.goto("/finance/monthly")


def monthly_gifts_with_mistakes(page: Page) -> None:
    page.goto("/finance/monthly?state=zz&after=1")


def a_monthly_gift_of_staff(page: Page) -> None:
    page.goto("/finance/monthly?state=active")
    page.locator("td.reference a").first.click()
    page.wait_for_url("**/finance/monthly/*-*")
    for summary in page.locator("details.act > summary").all():
        summary.click()


def a_pause_with_mistakes(page: Page) -> None:
    a_monthly_gift_of_staff(page)
    page.fill("#pause-until", "2020-01-01")
    page.locator("form[action$='/paused'] button").click()
    page.wait_for_selector("#pause-until-error")


def what_was_set_aside(page: Page) -> None:
    page.goto("/finance/set-aside")


def the_letters_that_were_not_sent(page: Page) -> None:
    page.goto("/finance/letters")


def the_activity(page: Page) -> None:
    page.goto("/finance/activity")


def activity_with_filters(page: Page) -> None:
    page.goto("/finance/activity?who=0&kind=signed_in&kind=nothing&from=yesterday")


def the_people(page: Page) -> None:
    page.goto("/finance/people")


def a_person(page: Page) -> None:
    the_people(page)
    page.locator("td.donor a").first.click()
    page.wait_for_url("**/finance/people/*")


def the_form_for_a_person(page: Page) -> None:
    page.goto("/finance/people/new")


def the_programs(page: Page) -> None:
    page.goto("/finance/webhooks")


def a_program_with_mistakes(page: Page) -> None:
    page.goto("/finance/webhooks/new")
    page.fill("#description", "The CRM")
    page.fill("#url", "https://10.0.0.1/")
    page.locator("main form button").click()
    page.wait_for_selector("#url-error")


def the_secret_of_a_program(page: Page) -> None:
    page.goto("/finance/webhooks/new")
    page.fill("#description", "The CRM")
    page.fill("#url", "https://crm.example.org/hooks")
    page.locator("main fieldset input").first.check()
    page.locator("main form button").click()
    page.wait_for_selector("pre.breaking")


def a_program(page: Page) -> None:
    page.goto("/finance/webhooks")
    page.locator("td.donor a").first.click()
    page.wait_for_url("**/finance/webhooks/*")
    page.locator("form[action$='/tested'] button").click()
    page.locator("td .status").first.wait_for()
    for summary in page.locator("details.act > summary").all():
        summary.click()


def the_own_account(page: Page) -> None:
    page.goto("/finance/me")


def the_second_step(page: Page) -> None:
    page.goto("/finance/me/second-factor")


STAFF_PAGES: list[Callable[[Page], None]] = [
    the_overview,
    the_list,
    the_list_with_filters,
    the_list_with_mistakes,
    the_saved_views,
    a_confirmed_gift,
    an_awaited_interac_gift,
    the_proof_of_a_disputed_gift,
    the_donors,
    a_donor,
    a_donor_with_mistakes,
    merging_donors,
    the_monthly_gifts,
    monthly_gifts_with_mistakes,
    a_monthly_gift_of_staff,
    a_pause_with_mistakes,
    the_movements,
    movements_with_mistakes,
    interacs_e_mails,
    cheques_and_cash,
    the_form_for_a_cheque,
    a_cheque_with_mistakes,
    a_batch_that_is_typed,
    a_closed_batch,
    an_entry_to_correct,
    what_a_search_found,
    a_search_that_found_nothing,
    what_was_set_aside,
    the_letters_that_were_not_sent,
    the_activity,
    activity_with_filters,
    the_people,
    a_person,
    the_form_for_a_person,
    the_programs,
    a_program_with_mistakes,
    the_secret_of_a_program,
    a_program,
    the_own_account,
    the_second_step,
]
