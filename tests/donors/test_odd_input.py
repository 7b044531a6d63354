"""Hostile or broken input to the Give form does no harm and never causes a 500."""

import contextlib
import html
import time

import pytest
from hypothesis import given, settings, strategies as st

from donate.donors.forms import form_key, read_choice, read_form, showable
from donate.errors import BadInputs
from donate.regions.regions import load_regions
from tests.donors.visitor import ANNE, REGIONS, Visitor, error_at, value_of

CARD_NUMBER = "4242 4242 4242 4242"
REGION = load_regions(REGIONS)["LWCAN"]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onfocus='x",
        "=HYPERLINK(1)",
        "{{ 7 * 7 }}",
        "%(name)s %s",
    ],
)
def test_names_are_only_names(visitor: Visitor, name: str) -> None:
    """Markup and formulas in a name are stored and shown as text."""
    page = visitor.give(name=name, email="nope").text
    assert value_of(page, "name") == name
    assert html.escape(name, quote=False) == name or name not in page
    visitor.open_gift(name=name)


@pytest.mark.parametrize("field", ["name", "email", "amount"])
def test_a_card_number_is_never_shown_again(visitor: Visitor, field: str) -> None:
    """A card number in any field is refused, and neither shown nor stored."""
    answer = visitor.give(**{field: CARD_NUMBER})
    assert answer.status_code == 422
    assert "4242" not in answer.text
    assert visitor.gifts() == []
    if field == "name":
        assert error_at(answer.text, "name").startswith("That looks like a card number.")


@pytest.mark.parametrize(
    "odd",
    ["a\x00b", "a\x1bb", "a" * 60_000, "\ue000", "\U0010ffff", "é" * 201],
    ids=["null byte", "escape", "60 kB", "private use", "noncharacter", "201 accents"],
)
@pytest.mark.parametrize("field", ["name", "email", "amount", "mode", "country", "preset"])
def test_odd_text_is_refused(visitor: Visitor, field: str, odd: str) -> None:
    """Control characters and very long texts get a page with the reason, and open no gift."""
    answer = visitor.give(**({field: odd} | ({"amount": ""} if field == "preset" else {})))
    assert answer.status_code == 422
    assert "\x00" not in answer.text
    assert len(answer.content) < 100_000
    assert visitor.gifts() == []


@pytest.mark.alone
@pytest.mark.parametrize(
    "flood", ["1 " * 30_000, "a" + "\u0315\u0300" * 15_000], ids=["digits", "accents"]
)
def test_hostile_text_is_prepared_quickly(flood: str) -> None:
    """Preparing 60 kB of hostile text for display is quick."""
    start = time.perf_counter()
    for _ in range(3):
        showable(flood)
    assert time.perf_counter() - start < 1


def test_a_card_number_is_found_before_the_text_is_cut() -> None:
    """A long text is checked for a card number before it is cut to 500 characters."""
    assert showable("a" * 499 + "   ".join(CARD_NUMBER.replace(" ", ""))) == ""
    assert showable("a" * 600 + CARD_NUMBER) == "a" * 500


def test_a_hundred_kilobytes_are_too_much(visitor: Visitor) -> None:
    """A request body of 100 kB gets 413."""
    assert visitor.give(name="a" * 100_000).status_code == 413


@pytest.mark.parametrize(
    "charset",
    ["unicode_escape", "utf-7", "idna", "undefined", "a%00b", "hex", "utf-8; charset=idna"],
)
def test_made_up_charsets(visitor: Visitor, charset: str) -> None:
    """A form sent in a charset other than UTF-8 is not decoded, and is shown again."""
    parts = ANNE | {"nonce": visitor.nonce(), "name": "\\ud800 \\udfff"}
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    )
    answer = visitor.client.post(
        "/give/LWCAN",
        content=f"{body}--b--\r\n".encode(),
        headers={"content-type": f"multipart/form-data; boundary=b; charset={charset}"},
        follow_redirects=False,
    )
    assert answer.status_code == 422
    assert visitor.gifts() == []


@pytest.mark.alone
def test_idna_is_never_decoded(visitor: Visitor) -> None:
    """A form in the charset IDNA is not decoded, which would take Python quadratic time."""
    name = "a" * 60_000
    body = f'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n{name}\r\n--b--\r\n'
    start = time.monotonic()
    for _ in range(5):
        visitor.client.post(
            "/give/LWCAN",
            content=body.encode(),
            headers={"content-type": "multipart/form-data; boundary=b; charset=idna"},
        )
    # If the service decoded the five requests as IDNA, that would take 1.6 seconds.
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"no boundary here"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--"),
        ("application/json", b'{"name": "Anne"}'),
        ("application/x-www-form-urlencoded", b"%ED%A0%80=%ED%A0%80&name=%ff&&&==;;"),
        ("application/x-www-form-urlencoded", b"x=1&" * 5_000),
        ("", b""),
    ],
)
def test_bodies_that_are_no_form(visitor: Visitor, content_type: str, body: bytes) -> None:
    """A request body that cannot be parsed counts as an empty form."""
    answer = visitor.client.post(
        "/give/LWCAN", content=body, headers={"content-type": content_type}
    )
    assert answer.status_code == 422
    assert 'name="nonce"' in answer.text


def test_a_file_is_no_text(visitor: Visitor) -> None:
    """A file in place of text counts as an empty field."""
    fields = ANNE | {"nonce": visitor.nonce()}
    del fields["name"]
    answer = visitor.client.post("/give/LWCAN", data=fields, files={"name": ("a.txt", b"Anne")})
    assert error_at(answer.text, "name") == "Please enter your name."


def test_a_field_twice_is_not_guessed(visitor: Visitor) -> None:
    """A field that is sent twice with different values counts as empty."""
    answer = visitor.give(amount=["50.00", "5000.00"])
    assert error_at(answer.text, "amount") == "Please enter an amount."
    assert visitor.open_gift(amount=["50.00", "50.00"]).amount_minor == 5_000


@pytest.mark.parametrize(
    "nonce",
    [None, "", "short", "x" * 41, "x" * 60_000, "ä" * 22, "x\x00" * 11],
    ids=["missing", "empty", "short", "long", "60 kB", "accents", "null bytes"],
)
def test_a_nonce_that_is_not_ours(visitor: Visitor, nonce: str | None) -> None:
    """A form without a valid nonce (its id) is shown again with a new one, and opens no gift."""
    answer = visitor.give(nonce=nonce)
    assert answer.status_code == 422
    assert "This page has expired." in answer.text
    assert value_of(answer.text, "name") == "Anne Ouellet"
    assert visitor.gifts() == []


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*ANNE, "nonce", "lang"]), st.text()))
def test_any_text_is_a_choice_or_refused(fields: dict[str, str]) -> None:
    """Any text in the form is either accepted or refused with messages, and can be shown."""
    form = read_form(fields.items())
    with contextlib.suppress(BadInputs):
        assert form_key(form.nonce, read_choice(form, REGION, "en-CA")).startswith("form:")
    shown_form = form.shown()
    "".join([shown_form.name, shown_form.email, shown_form.amount, shown_form.nonce]).encode()
