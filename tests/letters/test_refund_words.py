"""What e-mails say about refunds and about the money that is left."""

import pytest

from donate.gifts.facts import FactKind
from donate.letters.context import is_true, load_context
from donate.letters.kinds import LetterKind
from donate.letters.words.by_kind import draft
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.letters.every_kind import a_letter
from tests.letters.facts import tell
from tests.letters.mailer import SITE
from tests.links import links_at
from tests.real_parts import Sqlite


@pytest.fixture
def empty(sqlite: Sqlite) -> Database:
    """Return an empty SQLite database."""
    return Database(sqlite.fresh_url())


def test_a_refund_letter_names_what_went_back(empty: Database) -> None:
    """The refund e-mail names the amount of that refund, not of the gift."""
    _, context = a_letter(empty, LetterKind.REFUND, "en-CA")
    assert "$25.00" in draft(LetterKind.REFUND, context).subject


def test_a_failed_refund_is_named_by_amount(empty: Database) -> None:
    """The subject of the e-mail about a failed refund names the amount of that refund."""
    _, context = a_letter(empty, LetterKind.REFUND_FAILED, "en-CA")
    content = draft(LetterKind.REFUND_FAILED, context)
    assert content.subject == "Your refund of $25.00 didn’t go through"


def test_thanks_name_the_amount_that_is_left(empty: Database) -> None:
    """The thank-you for a gift paid twice and refunded once names the amount that is left."""
    letter, context = a_letter(empty, LetterKind.THANK_YOU, "en-CA")
    tell(empty, context.gift, FactKind.PAYMENT_SUCCEEDED, "pi_2")
    tell(empty, context.gift, FactKind.REFUND_SUCCEEDED, "re_2")
    with empty.reading() as session:
        context = load_context(session, letter, load_regions(), links_at(SITE))
    assert is_true(letter, context)
    content = draft(LetterKind.THANK_YOU, context)
    assert content.subject == "Thank you for your gift of $50.00"
    assert ("Amount", "$50.00") in content.rows
