"""No staff page leaves a text in English when it is shown in French."""

import re
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select, update

from donate.finance.models import Staff
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState, new_letter
from donate.storage.bulk_writes import insert_new
from donate.web.templating import translations
from tests.finance.finance_site import NOW, FinanceSite
from tests.finance.overview_site import add_fact, dispute, open_pledge
from tests.finance.set_aside_events import decide, paid, set_aside
from tests.reading_pages import texts
from tests.stripe_gateway import gifts_and_events

K = FactKind
LANGUAGES = ("en-CA", "fr-CA")
# Texts that are the same in both languages: names, codes, and what Stripe and the bank say.
DATA = {
    "Ann Lee",
    "Maya Tremblay",
    "maya@example.com",
    "LWCAN",
    "CAD",
    "Canada",
    "Stripe",
    "English",
    "Français",
    "Too big.",
    "CSV",
    "Excel",
    "zz",
    "ann@example.com",
    "checkout.session.completed",
}


def show(site: FinanceSite, browser: TestClient, address: str, language: str) -> str:
    with site.database.writing() as session:
        session.execute(update(Staff).values(language=language))
    answer = browser.get(address)
    assert answer.status_code in (200, 403, 405, 422), address
    return answer.text


def on_gift(gift: Gift) -> str:
    return f"/finance/gifts/{gift.id}"


def a_refund_story(site: FinanceSite, _: TestClient) -> str:
    gift = site.gift("story", mode="card", received_minor=5_000)
    request: dict[str, Any] = {"payment": "pi_story", "reason": "duplicate", "note": ""}
    for number, outcome in enumerate((None, K.REFUND_SUCCEEDED, K.REFUND_REFUSED), start=1):
        key = f"{gift.id}:refund:{number}"
        add_fact(site, gift, K.REFUND_REQUESTED, key, 500, **request)
        if outcome == K.REFUND_REFUSED:
            add_fact(site, gift, outcome, key, refusal_message="Too big.")
        elif outcome:
            add_fact(site, gift, outcome, f"re_{number}", 500, payment="pi_story")
    add_fact(site, gift, K.REFUND_FAILED, "re_2")
    return on_gift(gift)


def a_transfer_story(site: FinanceSite, _: TestClient) -> str:
    gift = site.gift("transfer")
    add_fact(site, gift, K.TRANSFER_ANNOUNCED, "a")
    for source in ("ONE#0", "TWO#0"):
        evidence: dict[str, Any] = {"date": "2026-03-10", "bank_reference": "1"}
        add_fact(site, gift, K.TRANSFER_RECEIVED, source, 2_000, **evidence)
    with site.database.writing() as session:
        undone = Fact(K.TRANSFER_UNDONE, "ONE#0", NOW, "staff:1", 2_000, "CAD")
        record_facts(session, [(gift.id, undone)], now=NOW)
    return on_gift(gift)


def letters_of_all_kinds(site: FinanceSite) -> Gift:
    gift = site.gift("letters")
    states = [
        (LetterState.SET_ASIDE, "The mail server refused it: 550."),
        (LetterState.SENT, ""),
        (LetterState.UNTRUE, ""),
        (LetterState.UNTRUE, "The transfer was undone."),
        (LetterState.WAITING, "Not accepted yet: OSError."),
        (LetterState.DISMISSED, "Too many e-mails to this address in a day."),
    ]
    rows = [
        new_letter(gift.id, kind, str(number), now=NOW)
        | {"state": state, "reason": reason, "sent_at": NOW if state == "sent" else None}
        for number, (kind, (state, reason)) in enumerate(
            zip(list(LetterKind) * 2, cycle(states), strict=False)
        )
    ]
    with site.database.writing() as session:
        insert_new(session, Letter, rows)
    return gift


def an_event(site: FinanceSite, browser: TestClient) -> str:
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=1))
    decide(browser, event, "dismissed", reason="1 + 1")
    decide(browser, event, "tried")
    gifts_and_events.settle(site.database, clock=site.clock)
    return f"/finance/set-aside/{event.id}"


def everything(site: FinanceSite, browser: TestClient) -> str:
    """Add something of every kind, and return the address of the overview."""
    a_refund_story(site, browser)
    dispute(site, "d", NOW.replace(day=20))
    dispute(site, "past", NOW.replace(day=1))
    site.gift("awaited")
    open_pledge(site)
    letters_of_all_kinds(site)
    an_event(site, browser)
    return "/finance"


def refusals(site: FinanceSite, _: TestClient) -> str:
    gift = site.gift("refused", mode="card")
    add_fact(site, gift, K.CHECKOUT_REFUSED, f"{gift.id}:1", refusal_message="Too big.")
    return "/finance/refused"


def an_inquiry(site: FinanceSite, _: TestClient) -> str:
    gift = site.gift("asked", mode="card", received_minor=5_000)
    due_by = NOW.replace(day=20).isoformat()
    add_fact(site, gift, K.INQUIRY_OPENED, "dp_asked", due_by=due_by)
    return on_gift(gift)


def a_month(site: FinanceSite, _: TestClient) -> str:
    open_pledge(site)
    with site.database.reading() as session:
        return on_gift(session.exec(select(Gift).where(Gift.pledge_id == Gift.id)).one())


PAGES: dict[str, Callable[[FinanceSite, TestClient], str]] = {
    "an empty overview": lambda *_: "/finance",
    "the overview": everything,
    "empty movements": lambda *_: "/finance/movements",
    "movements": lambda s, b: (everything(s, b), "/finance/movements?currency=CAD")[1],
    "movements with mistakes": lambda *_: "/finance/movements?kind=zz&from=yesterday&after=x",
    "an awaited gift": lambda s, _: on_gift(s.gift()),
    "a card gift": lambda s, _: on_gift(s.gift(mode="card")),
    "a refund story": a_refund_story,
    "a transfer story": a_transfer_story,
    "a dispute": lambda s, _: on_gift(dispute(s, "d", NOW.replace(day=20))),
    "an inquiry": an_inquiry,
    "a month of a pledge": a_month,
    "a gift with e-mails": lambda s, _: on_gift(letters_of_all_kinds(s)),
    "e-mails": lambda s, _: (letters_of_all_kinds(s), "/finance/letters?done=again")[1],
    "no e-mails": lambda *_: "/finance/letters",
    "nothing to review": lambda *_: "/finance/set-aside?before=x",
    "events": lambda s, b: (an_event(s, b), "/finance/set-aside")[1],
    "dismissed events": lambda *_: "/finance/set-aside?show=dismissed",
    "an event": an_event,
    "refusals": refusals,
    "no refusals": lambda *_: "/finance/refused",
    "a wrong method": lambda s, _: f"{on_gift(s.gift())}/received",
}


@pytest.mark.parametrize("name", PAGES)
def test_no_staff_page_is_left_in_english(site: FinanceSite, name: str) -> None:
    """The English and the French page share only data, and words that both languages have."""
    browser = site.signed_in()
    address = PAGES[name](site, browser)
    english, french = (
        {text.strip("· ") for text in texts(show(site, browser, address, language))}
        for language in LANGUAGES
    )
    assert len(french) > 5
    catalogue = translations("fr-CA")._catalog  # type: ignore[attr-defined]
    left = {
        text
        for text in english & french - DATA
        if catalogue.get(text) != text and not re.fullmatch(r"[A-Z]{5}-\w{7}|\S+_\S+", text)
    }
    assert left == set()


def test_a_page_with_a_text_in_english_is_found(site: FinanceSite) -> None:
    """The comparison finds an English text on a French page, such as a reason that staff typed."""
    browser = site.signed_in()
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=1))
    decide(browser, event, "dismissed", reason="Only in English")
    address = f"/finance/set-aside/{event.id}"
    english, french = (texts(show(site, browser, address, language)) for language in LANGUAGES)
    assert any("Only in English" in text for text in english)
    assert any("Only in English" in text for text in french)
