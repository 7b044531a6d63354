"""One form with one content is one gift, however often it is sent; changed, it is another."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.donors.visiting import ANNE, Visitor, value_of


def test_a_form_sent_again(first_visitor: Visitor) -> None:
    """Double click, back and refresh lead to the same gift."""
    nonce = first_visitor.nonce()
    places = {first_visitor.give(nonce=nonce).headers["location"] for _ in range(3)}
    assert len(places) == len(first_visitor.gifts()) == 1


def test_a_form_sent_at_the_same_time(first_visitor: Visitor) -> None:
    """Eight taps at once on one form are one gift."""
    nonce = first_visitor.nonce()
    with ThreadPoolExecutor(8) as taps:
        answers = list(taps.map(lambda _: first_visitor.give(nonce=nonce), range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(first_visitor.gifts()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": "60"},
        {"mode": "giving_code"},
        {"name": "Anne M. Ouellet"},
        {"email": "a@example.org"},
        {"country": "FR", "mode": "giving_code"},
        {"lang": "fr-CA", "amount": "50,00"},
    ],
)
def test_a_changed_form(first_visitor: Visitor, changed: dict[str, str]) -> None:
    """Back, something changed, sent again: another gift, and the first stays as it was."""
    nonce = first_visitor.nonce()
    first_visitor.give(nonce=nonce)
    first_visitor.give(nonce=nonce, **changed)
    assert len(first_visitor.gifts()) == 2


@pytest.mark.parametrize(
    "same", [{"amount": "50"}, {"name": " Anne  Ouellet "}, {"preset": "5000"}]
)
def test_the_same_said_otherwise(first_visitor: Visitor, same: dict[str, str]) -> None:
    """Spaces, zeros, or a preset for the same amount change nothing of what was chosen."""
    nonce = first_visitor.nonce()
    first_visitor.give(nonce=nonce)
    first_visitor.give(nonce=nonce, **same)
    assert len(first_visitor.gifts()) == 1


def test_two_tabs_are_two_gifts(first_visitor: Visitor) -> None:
    """Each page handed out is a form of its own, so who wants to give twice can."""
    first, second = first_visitor.nonce(), first_visitor.nonce()
    assert first != second
    first_visitor.give(nonce=first)
    first_visitor.give(nonce=second)
    assert len(first_visitor.gifts()) == 2


def test_another_site_cannot_send_the_form(visitor: Visitor) -> None:
    """A form sent by another site comes back to be sent by the donor; nothing is recorded."""
    form = ANNE | {"lang": "en-CA", "nonce": visitor.nonce()}
    headers = {"sec-fetch-site": "cross-site"}
    answer = visitor.client.post("/give/LWCAN", data=form, headers=headers)
    assert answer.status_code == 422
    assert value_of(answer.text, "name") == ANNE["name"]
    assert form["nonce"] not in answer.text
    assert visitor.gifts() == []
