"""The amount that the Give button shows while the donor types."""

import re
from random import Random

import pytest
from playwright.sync_api import expect

from donate.errors import BadInput
from donate.money import format_briefly, read_amount
from donate.regions.regions import load_regions
from tests.browser import steps
from tests.browser.conftest import OpenPage

MODES = load_regions()["LWCAN"].modes
TYPE_EACH = """
(all) => all.map((typed) => {
  const field = document.getElementById("amount");
  field.value = typed;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return [field.value, document.getElementById("give-button").textContent];
})
"""
EXAMPLES = (
    "50", "50.00", "50,5", "1,000", "1 000", "1\u00a0000,50", "1\u202f000", "1.000", "1,000.50",
    "1.000,50", "$50", "50 $", "CAD 50", "ca$50", "CA$ 1,000.00 CAD", "$", "", "0", "0.00", "-5",
    "\u22125", "1e2", "0x10", "+5", "1_000", "5 0", "1 0000", "1,00,000", "1,000,00", "0,500",
    "000,500", "0050", ".50", "50.", "50..00", "\uff15\uff10", "£50", "NaN", "1,99", "2", "1.99",
    "25000", "25000.01", "25 000,01", "99999999999", "1000000000000", "1\u2019000", "1'000.00",
)  # fmt: skip


def some_amounts(how_many: int) -> list[str]:
    rng, characters = Random(7), "00112359  ,,..$'\u00a0\u2019-CAD"
    return ["".join(rng.choices(characters, k=rng.randint(1, 9))) for _ in range(how_many)]


def accepted_digits(typed: str, locale: str, mode: str) -> str:
    """Return the digits of the amount that the server reads, or "" if it refuses the text."""
    try:
        amount = read_amount(typed, "CAD", locale)
    except BadInput:
        return ""
    is_accepted = MODES[mode].min_minor <= amount.amount_minor <= MODES[mode].max_minor  # type: ignore[index]
    return re.sub(r"\D", "", format_briefly(amount, locale)) if is_accepted else ""


@pytest.mark.parametrize("mode", ["card", "interac"])
@pytest.mark.parametrize(("language", "empty_label"), [("en", "Give"), ("fr", "Donner")])
def test_the_button_shows_what_the_server_reads(
    open_page: OpenPage, language: str, empty_label: str, mode: str
) -> None:
    """The Give button shows the amount that the server would accept, and no other amount."""
    page = open_page()
    steps.fill_in(page, mode, language=language)
    page.locator("label[for=preset-other]").click()
    labels = page.evaluate(TYPE_EACH, [*EXAMPLES, *some_amounts(1_000)])
    for typed, label in labels:
        digits = accepted_digits(typed, f"{language}-CA", mode)
        assert re.sub(r"\D", "", label) == digits, typed
        assert (label == empty_label) == (digits == ""), typed
    assert sum(label != empty_label for _, label in labels) > 50


def test_an_amount_too_large_with_the_fee_is_not_shown(open_page: OpenPage) -> None:
    """The Give button shows no amount that exceeds the mode's maximum with the fee added."""
    page = open_page()
    steps.fill_in(page, "card")
    page.locator("#cover_fee").check()
    page.locator("label[for=preset-other]").click()
    button = page.locator("#give-button")
    for typed, text in (("24,000", "Give $24,717.10"), ("25000", "Give"), ("9999999999", "Give")):
        page.locator("#amount").fill(typed)
        expect(button).to_have_text(text)


def test_the_french_reason_has_a_no_break_space(open_page: OpenPage) -> None:
    """In the French reason why a mode is unavailable, a no-break space precedes the colon."""
    page = open_page()
    steps.fill_in(page, "card", language="fr")
    steps.live_in(page, "FR")
    expect(page.locator("#mode-news")).to_contain_text("Prélèvement bancaire")
    news = page.locator("#mode-news").evaluate("one => one.textContent")
    assert "Prélèvement bancaire\u00a0: " in news
    assert "bancaire:" not in news
