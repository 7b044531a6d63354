"""The reasons of a suggestion write amounts as the pages do, in the reader's language."""

import html
from datetime import date

import pytest

from donate.bank.matching.suggestions import Reason, Suggestion, TiePayout
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.money import Money
from tests.bank.reconciliation.bank_lines import bank_line
from tests.finance.bank_desk import LINES
from tests.finance.finance_site import NOW, FinanceSite, csrf


@pytest.mark.parametrize(
    ("language", "sentence", "day"),
    [
        ("en-CA", "The line has $60.00, but the gift still needs $50.00.", "on March 10, 2026,"),
        (
            "fr-CA",
            "La ligne est de 60,00\u00a0$, mais il manque 50,00\u00a0$ au don.",
            "le 10 mars 2026,",
        ),
    ],
)
def test_amounts_in_reasons_are_in_the_readers_language(
    site: FinanceSite, language: str, sentence: str, day: str
) -> None:
    """A reason says `$50.00` in English and `50,00 $` in French, never `50.00 CAD`."""
    gift, browser = site.gift(), site.signed_in()
    line = bank_line(site.database, 6_000, f"E-TRANSFER {gift.reference}")
    suggest_for_open_lines(site.database, ["LWCAN"], now=NOW)
    browser.post("/finance/language", data={"csrf": csrf(browser), "language": language})
    page = html.unescape(browser.get(f"{LINES}/{line.id}").text)
    assert sentence in page
    assert day in page
    assert "CAD" not in page.partition('id="may-be-heading"')[2].partition("<form")[0]


def test_reasons_are_stored_with_their_amounts() -> None:
    """A suggestion that was stored as JSON has the same amounts and texts as before."""
    reason = Reason("%(open)s on %(day)s", {"open": Money(6_000, "CAD"), "day": date(2026, 3, 1)})
    suggestion = Suggestion((TiePayout(1, Money(6_000, "CAD")),), (reason,))
    assert Suggestion.from_json(suggestion.to_json()) == suggestion
