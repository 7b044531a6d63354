"""Helpers for tests of the pages on which staff write the texts of e-mails."""

import html
import re
from typing import Final

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from donate.letters.texts.models import LetterText
from tests.finance.finance_site import FinanceSite, csrf, fields

LIST: Final = "/finance/letters/texts"
PAGE: Final = f"{LIST}/LWCAN/en-CA/thank_you"
TYPED: Final = {
    "subject": "Your {amount} for the roof",
    "headline": "Thank you, {name}",
    "opening": "It <i>rains</i> no more.\r\n\r\nNot even a bit.",
    "closing": "Until Sunday!",
}


def send_text(browser: TestClient, act: str, page: str = PAGE, **changes: str) -> Response:
    """Send the form of a text as its page has it, with these changes."""
    hidden = fields(browser.get(page)) | {"csrf": csrf(browser)}
    return browser.post(f"{page}/{act}", data={**TYPED, "seen": hidden["seen"]} | hidden | changes)


def stored_texts(site: FinanceSite) -> list[tuple[int, bool, str]]:
    with site.database.reading() as session:
        rows = session.exec(select(LetterText).order_by(col(LetterText.id))).all()
        return [(row.number, row.is_standard, row.subject) for row in rows]


def acts_on_texts(site: FinanceSite) -> list[tuple[str, str]]:
    return [(act.act, act.about) for act in site.acts() if act.act.startswith("letter_t")]


def preview(page: Response) -> tuple[str, str]:
    """Return the HTML and the plain text that a page shows as a preview."""
    frame = re.search(r'srcdoc="([^"]*)"', page.text)
    text = re.search(r'<pre class="letter-text"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    assert frame
    assert text
    return html.unescape(frame[1]), html.unescape(text[1])
