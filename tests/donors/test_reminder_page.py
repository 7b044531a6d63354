"""The page on which donors stop reminders, or want them again."""

import re

import pytest
from sqlmodel import col, select

from donate.gifts.models import Gift
from donate.letters.reminders.models import ReminderChannel, ReminderChoice
from tests.donors.visitor import Visitor, words_of
from tests.links import stop_token_of, token_of

STOPPED = "We won’t remind you about unfinished payments any more."
FORM = re.compile(r'<form class="actions" method="post" action="([^"]+)"')


def choices(visitor: Visitor, gift: Gift) -> list[tuple[bool, ReminderChannel]]:
    with visitor.database.reading() as session:
        statement = select(ReminderChoice).where(ReminderChoice.gift_id == gift.id)
        rows = session.exec(statement.order_by(col(ReminderChoice.id)))
        return [(row.wants_reminders, row.channel) for row in rows]


def test_opening_the_page_changes_nothing(visitor: Visitor) -> None:
    """Mail programs open links to check them, so only the button stops reminders."""
    gift = visitor.open_gift(email="opens@example.org")
    page = visitor.get(f"/unsubscribe/{stop_token_of(gift)}")
    assert page.status_code == 200
    assert "Stop reminders" in words_of(page.text)
    assert visitor.client.head(f"/unsubscribe/{stop_token_of(gift)}").status_code in (200, 405)
    assert choices(visitor, gift) == []
    assert token_of(gift) not in page.text
    assert "opens@example.org" not in page.text


def test_the_button_stops_reminders_and_brings_them_back(first_visitor: Visitor) -> None:
    """The button stops reminders for the address, and another one undoes that."""
    visitor = first_visitor
    gift, other = visitor.open_gift(), visitor.open_gift(email="ANNE@example.org")
    path = f"/unsubscribe/{stop_token_of(gift)}"
    form = FORM.search(visitor.get(path).text)
    assert form
    stopped = visitor.post(form[1].replace("&amp;", "&"))
    assert STOPPED in words_of(stopped.text)
    assert STOPPED in words_of(visitor.get(f"/unsubscribe/{stop_token_of(other)}").text)
    undo = FORM.search(stopped.text)
    assert undo
    again = visitor.post(undo[1])
    assert "Stop reminders" in words_of(again.text)
    page = ReminderChannel.PAGE
    assert choices(visitor, gift) == [(False, page), (True, page)]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=a", b"--a\r\nnonsense"),
        ("text/plain; charset=utf-7", b"\xff\x00"),
        ("", b""),
    ],
)
def test_a_mail_provider_stops_them_with_one_request(
    visitor: Visitor, content_type: str, body: bytes
) -> None:
    """One POST without cookies stops reminders, whatever its body, and gets 200 (RFC 8058)."""
    gift = visitor.open_gift(email=f"one.{len(body)}@example.org")
    for _ in range(2):
        answer = visitor.client.post(
            f"/unsubscribe/{stop_token_of(gift)}",
            content=body,
            headers={"content-type": content_type, "origin": "https://mail.example"},
            follow_redirects=False,
        )
        assert answer.status_code == 200
    assert choices(visitor, gift) == [(False, ReminderChannel.ONE_CLICK)]


def test_the_page_speaks_french(visitor: Visitor) -> None:
    """A French donor reads the page in French, also after pressing the button."""
    gift = visitor.open_gift(lang="fr-CA", email="fr@example.org")
    path = f"/unsubscribe/{stop_token_of(gift)}"
    assert "Ne plus recevoir de rappels" in words_of(visitor.get(path).text)
    assert "Vous ne recevrez plus de rappels" in words_of(visitor.post(path).text)


def test_a_wrong_token_opens_nothing(visitor: Visitor) -> None:
    """A wrong, cut or foreign token gets 404 for each request, and no other page opens by it."""
    gift, other = visitor.open_gift(), visitor.open_gift()
    right = stop_token_of(gift)
    wrong = (
        *(right[:-1], right.upper() + "A", right[:32] + stop_token_of(other)[32:]),
        *(token_of(gift), gift.id.hex, "%00", "0" * 64, "9" * 64),
    )
    for token in wrong:
        assert visitor.get(f"/unsubscribe/{token}").status_code == 404
        assert visitor.post(f"/unsubscribe/{token}").status_code == 404
        assert visitor.post(f"/unsubscribe/{token}/undo").status_code == 404
    assert visitor.get(f"/gifts/{right}").status_code == 404
    assert choices(visitor, gift) == []
