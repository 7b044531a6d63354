"""The search box of the staff pages finds gifts by everything that staff may type."""

import pytest

from tests.finance.finance_site import FinanceSite
from tests.finance.search_results import found, marked


@pytest.mark.parametrize(
    ("name", "typed", "shown"),
    [
        ("Zoë Tremblay", "zo", "[Zo]ë Tremblay"),
        ("Zoë Tremblay", "TREM", "Zoë [Trem]blay"),
        ("Zoë Tremblay", "tremblay zoe", "[Zoë] [Tremblay]"),
        ("Siobhán O’Brien", "obri", "Siobhán O’Brien"),
        ("Siobhán O’Brien", "o'brien siobhan", "[Siobhán] [O]’[Brien]"),
        ("Jørgen Łukasz", "jorgen lu", "[Jørgen] [Łu]kasz"),
        ("Groß", "gross", "[Groß]"),
        ("王小明", "王", "[王]小明"),
        ("王小明", "小明", "王[小明]"),
        ("김민준", "민준", "김[민준]"),
        ("محمد علي", "علي", "محمد [علي]"),
        ("Пётр Чайковский", "петр чай", "[Пётр] [Чай]ковский"),
    ],
)
def test_a_name_is_found(site_on_each: FinanceSite, name: str, typed: str, shown: str) -> None:
    """A donor is found by beginnings of words of the name, typed without accents and capitals."""
    site = site_on_each
    gift = site.gift(name=name)
    site.gift("other", name="Ann Lee")
    page = site.signed_in().get("/finance/search", params={"q": typed})
    assert found(page) == {"name": [gift.reference]}
    assert marked(page) == [shown]


@pytest.mark.parametrize(
    "change",
    [str, str.lower, lambda reference: f"  {reference.replace('-', ' ')} "],
    ids=["unchanged", "lower case", "spaces"],
)
def test_a_reference_leads_to_its_gift(site_on_each: FinanceSite, change: object) -> None:
    """A reference in any case, with or without spaces or dash, opens its gift."""
    gift = site_on_each.gift()
    assert callable(change)
    answer = site_on_each.signed_in().get("/finance/search", params={"q": change(gift.reference)})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/finance/gifts/{gift.id}"


@pytest.mark.parametrize(
    "line",
    [
        "INTERAC E-TRF {} ANN LEE",
        "ETRF{}ANNLEE",
        "Deposit: {}, thank you",
        "ANN LEE {}",
        "Nov 26 {}",
    ],
)
def test_a_line_of_a_bank_statement_finds_its_gift(site_on_each: FinanceSite, line: str) -> None:
    """A pasted line of a bank statement opens the gift whose reference it contains."""
    gift = site_on_each.gift()
    pasted = line.format(gift.reference.replace("-", ""))
    answer = site_on_each.signed_in().get("/finance/search", params={"q": pasted})
    assert answer.headers["location"] == f"/finance/gifts/{gift.id}"


def test_a_reference_that_no_gift_has(site: FinanceSite) -> None:
    """If no gift has a valid reference that was typed, the page says so, and what can be found."""
    gift = site.gift()
    other = gift.reference.replace("LWCAN", "LWXYZ")
    page = site.signed_in().get("/finance/search", params={"q": other})
    assert found(page) == {}
    assert f"No gift has the reference {other}." in page.text
    assert "What you can search for" in page.text


def test_a_part_of_a_reference_is_enough(site_on_each: FinanceSite) -> None:
    """Any three consecutive characters of a reference, after its giving code, open its gift."""
    gift, other = site_on_each.gift(name="Ann"), site_on_each.gift("b", name="Ann")
    browser = site_on_each.signed_in()
    body = gift.reference.rpartition("-")[2]
    parts = [body[start:end] for start in range(5) for end in range(start + 3, 8)]
    mine = [part for part in parts if part not in other.reference]
    for part in (*mine, body.lower(), f"#{gift.reference}", gift.reference[:-1]):
        answer = browser.get("/finance/search", params={"q": part})
        assert answer.status_code == 303, (part, answer.text)
        assert answer.headers["location"] == f"/finance/gifts/{gift.id}"
    for typed in ("lwcan", body[:2], "LWCAN-", "0_0%0"):
        assert found(browser.get("/finance/search", params={"q": typed})) == {}, typed


def test_several_references_are_listed(site_on_each: FinanceSite) -> None:
    """If a pasted text has references of several gifts, these gifts are listed."""
    gifts = [site_on_each.gift(key, name="Ann") for key in "ab"]
    typed = " and ".join(gift.reference.lower() for gift in gifts)
    page = site_on_each.signed_in().get("/finance/search", params={"q": typed})
    assert sorted(found(page)["reference"]) == sorted(gift.reference for gift in gifts)
    assert sorted(marked(page)) == sorted(f"[{gift.reference}]" for gift in gifts)
