"""A form opens one gift, however often it is sent; a changed form opens another gift."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.donors.visitor import ANNE, Visitor, value_of


def test_a_form_sent_again(first_visitor: Visitor) -> None:
    """A form that is sent again, by a double click or a reload, leads to the same gift."""
    nonce = first_visitor.nonce()
    urls = {first_visitor.give(nonce=nonce).headers["location"] for _ in range(3)}
    assert len(urls) == len(first_visitor.gifts()) == 1


def test_a_form_sent_at_the_same_time(first_visitor: Visitor) -> None:
    """A form that is sent eight times concurrently opens one gift."""
    nonce = first_visitor.nonce()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: first_visitor.give(nonce=nonce), range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(first_visitor.gifts()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "60"},
        {"mode": "giving_code"},
        {"name": "Anne M. Ouellet"},
        {"email": "a@example.org"},
        {"country": "FR", "mode": "giving_code"},
        {"lang": "fr-CA", "amount": "50,00"},
    ],
    ids=str,
)
def test_a_changed_form(first_visitor: Visitor, changes: dict[str, str]) -> None:
    """A form that was changed and sent again opens another gift."""
    nonce = first_visitor.nonce()
    first_visitor.give(nonce=nonce)
    first_visitor.give(nonce=nonce, **changes)
    assert len(first_visitor.gifts()) == 2


@pytest.mark.parametrize(
    "changes", [{"amount": "50"}, {"name": " Anne  Ouellet "}, {"preset": "5000"}], ids=str
)
def test_a_resent_form_with_other_notation(first_visitor: Visitor, changes: dict[str, str]) -> None:
    """A resent form opens no second gift if only spaces or the amount's notation changed."""
    nonce = first_visitor.nonce()
    first_visitor.give(nonce=nonce)
    first_visitor.give(nonce=nonce, **changes)
    assert len(first_visitor.gifts()) == 1


def test_two_tabs_are_two_gifts(first_visitor: Visitor) -> None:
    """A form that was loaded twice opens two gifts, so a donor can give twice."""
    first, second = first_visitor.nonce(), first_visitor.nonce()
    assert first != second
    first_visitor.give(nonce=first)
    first_visitor.give(nonce=second)
    assert len(first_visitor.gifts()) == 2


def test_another_site_cannot_send_the_form(visitor: Visitor) -> None:
    """A form that another site's page sends is only shown again, and records nothing."""
    form = ANNE | {"lang": "en-CA", "nonce": visitor.nonce()}
    headers = {"sec-fetch-site": "cross-site"}
    answer = visitor.client.post("/give/LWCAN", data=form, headers=headers)
    assert answer.status_code == 422
    assert value_of(answer.text, "name") == ANNE["name"]
    assert form["nonce"] not in answer.text
    assert visitor.gifts() == []
