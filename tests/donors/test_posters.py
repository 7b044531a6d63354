"""Short addresses and QR codes lead to the Give form with what they fill in."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.donors.visitor import Visitor


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/LWCAN", "/give/LWCAN"),
        ("/lwcan", "/give/LWCAN"),
        ("/LW-CAN?amount=50&frequency=monthly", "/give/LWCAN?amount=50&frequency=monthly"),
        ("/LWCAN?lang=fr&utm_source=x", "/give/LWCAN?lang=fr"),
        ("/LWCAN?amount=a%26b%0d%0a", "/give/LWCAN?amount=a%26b%0D%0A"),
        ("/LWCAM?lang=fr", "/give/LWCAM?lang=fr"),
    ],
)
def test_short_addresses(visitor: Visitor, path: str, to: str) -> None:
    """A short address leads to the form; a misspelled one to the page with its suggestion."""
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, to)


@pytest.mark.parametrize("path", ["/wp-login.php", "/favicon.ico", "/%00", "/" + "x" * 500])
def test_other_words_are_not_found(visitor: Visitor, path: str) -> None:
    """A path of one word that is unlike any giving code is not found."""
    assert visitor.get(path).status_code == 404


def test_the_poster(visitor: Visitor) -> None:
    """The poster shows a QR code and the short address, in both languages."""
    english, french = (visitor.get(f"/give/LWCAN/poster?lang={tag}").text for tag in ("en", "fr"))
    assert "Scan to give" in english
    assert "Scannez pour donner" in french
    assert '<p class="address">127.0.0.1:8000/<wbr>LWCAN</p>' in english
    assert "<svg" in english
    assert visitor.get("/give/NOTHING-LIKE-IT/poster").status_code == 404


def test_the_code_differs_by_what_it_fills_in(visitor: Visitor) -> None:
    """The QR code is an SVG image, another one for an address with an amount."""
    plain, filled = (
        visitor.get(f"/give/LWCAN/qr.svg{query}") for query in ("", "?amount=50&token=x")
    )
    assert plain.headers["content-type"].startswith("image/svg+xml")
    assert ET.fromstring(plain.content).tag.endswith("svg")
    assert plain.content != filled.content
    assert filled.content == visitor.get("/give/LWCAN/qr.svg?amount=50").content


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ("amount=50", r'id="preset-5000"[^>]* checked'),
        ("amount=12.34", r'id="amount"[^>]* value="12.34"'),
        ("amount=50&frequency=monthly", r'id="preset_monthly-5000"[^>]* checked'),
        ("frequency=monthly", r'id="frequency-monthly"[^>]* checked'),
        ("fund=meals", r'<option value="meals" selected>'),
        ("mode=interac", r'id="mode-interac"[^>]* checked'),
        ("lang=fr", r'<html lang="fr-CA">'),
    ],
)
def test_what_an_address_fills_in(kitchen: Visitor, query: str, filled: str) -> None:
    """Each documented field of an address fills in the form."""
    assert re.search(filled, kitchen.get(f"/give/LWCAN?{query}").text)


@pytest.mark.parametrize(
    "query", ["amount=abc", "amount=-5", "frequency=daily", "mode=gold", "fund=castle", "lang=xx"]
)
def test_what_makes_no_sense_fills_in_nothing(visitor: Visitor, query: str) -> None:
    """A value that makes no sense leaves the form as it is without it."""

    def shown(path: str) -> str:
        return re.sub(r'name="nonce" value="[^"]+"', "", visitor.get(path).text)

    assert shown(f"/give/LWCAN?{query}") == shown("/give/LWCAN")
