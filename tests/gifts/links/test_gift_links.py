"""A link opens the page of one gift, and only with a key that is not in the database."""

import pytest

from donate.gifts.links.gift_links import HIDDEN_LINKS, GiftLinks, old_link_name
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.gifts.samples import open_one
from tests.links import LINK_KEY, LINKS, token_of

OTHER_KEY = "d850f04cdb48312a9be171e214c0b4ee0000"


@pytest.fixture
def gifts(database: Database) -> tuple[Gift, Gift]:
    with database.writing() as session:
        return open_one(session), open_one(session, "form-2", name="Bob")


def found(database: Database, token: str, links: GiftLinks = LINKS) -> Gift | None:
    with database.reading() as session:
        return links.find_gift(session, token)


def test_a_link_opens_its_gift_and_no_other(database: Database, gifts: tuple[Gift, Gift]) -> None:
    """The token of a link opens its gift; a token that differs in one place opens nothing."""
    for gift in gifts:
        token = token_of(gift)
        match = found(database, token)
        assert match is not None
        assert match.id == gift.id
        for place in range(len(token)):
            other = "A" if token[place] != "A" else "B"
            assert found(database, token[:place] + other + token[place + 1 :]) is None
    for token in (token_of(gifts[0])[:22] + token_of(gifts[1])[22:], token_of(gifts[0]) + " "):
        assert found(database, token) is None
    for token in ("", " ", "\0", "é" * 44, token_of(gifts[0])[:-1], token_of(gifts[0]) + "A"):
        assert found(database, token) is None


def test_what_the_database_has_opens_nothing(database: Database, gifts: tuple[Gift, Gift]) -> None:
    """No column of a gift opens its page, alone or signed with a guessed key."""
    for gift in gifts:
        for value in gift.model_dump().values():
            assert found(database, str(value)) is None
        for key in ("", " ", "guess", OTHER_KEY, LINK_KEY.upper()):
            assert found(database, GiftLinks("", (key,)).token(gift)) is None


def test_a_link_for_one_purpose_opens_nothing_else(
    database: Database, gifts: tuple[Gift, Gift]
) -> None:
    """The link in a reminder does not open the gift, and the gift's link not the reminder."""
    gift, _ = gifts
    with database.reading() as session:
        assert LINKS.find_gift(session, token_of(gift), "reminders") is None
        assert LINKS.find_gift(session, LINKS.token(gift, "reminders")) is None
        assert LINKS.find_gift(session, LINKS.token(gift, "reminders"), "reminders") is not None


def test_a_key_is_replaced_without_losing_links(
    database: Database, gifts: tuple[Gift, Gift]
) -> None:
    """With two keys, links of both open; once the old key is removed, its links are dead."""
    gift, _ = gifts
    both, only_new = GiftLinks("", (OTHER_KEY, LINK_KEY)), GiftLinks("", (OTHER_KEY,))
    assert both.token(gift) == only_new.token(gift) != token_of(gift)
    for token in (token_of(gift), both.token(gift)):
        assert found(database, token, both) is not None
    assert found(database, token_of(gift), only_new) is None
    assert found(database, both.token(gift), only_new) is not None


def test_no_key_opens_nothing(database: Database, gifts: tuple[Gift, Gift]) -> None:
    """Links without a key have no token, and no token opens a gift."""
    gift, _ = gifts
    assert HIDDEN_LINKS.path(gift) == "/gifts/…"
    for token in ("…", token_of(gift), gift.link_name):
        assert found(database, token, HIDDEN_LINKS) is None


def test_a_program_opens_only_its_gift(gifts: tuple[Gift, Gift]) -> None:
    """A token fits one gift, and never a gift that does not exist."""
    gift, other = gifts
    assert LINKS.opens(token_of(gift), gift)
    for token in (
        "",
        " ",
        token_of(other),
        gift.link_name,
        f" {token_of(gift)}",
        token_of(gift)[:22],
    ):
        assert not LINKS.opens(token, gift)
        assert not LINKS.opens(token, None)


def test_an_old_random_link_goes_on_working(database: Database, gifts: tuple[Gift, Gift]) -> None:
    """A gift whose link was random opens by that link, and also by a new one."""
    gift, _ = gifts
    token = "mEJDuFYX5yE1bOlz0Rxd_w"
    with database.writing() as session:
        session.get_one(Gift, gift.id).link_name = old_link_name(token)
    renamed = found(database, token)
    assert renamed is not None
    assert renamed.id == gift.id
    assert found(database, token_of(renamed)) is not None
    assert found(database, renamed.link_name) is None
    assert found(database, token_of(gift)) is None
