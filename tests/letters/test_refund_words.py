"""What donors read about money that went back, and about what is left."""

import pytest

from donate.gifts.facts import FactKind
from donate.letters.context import is_true, load_context
from donate.letters.kinds import LetterKind
from donate.letters.words.by_kind import draft
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.letters.every_kind import a_letter
from tests.letters.facts import tell
from tests.letters.post import SITE
from tests.real_parts import Sqlite


@pytest.fixture
def empty(sqlite: Sqlite) -> Database:
    """A database for what is decided in Python alone."""
    return Database(sqlite.fresh_url())


def test_a_refund_letter_names_what_went_back(empty: Database) -> None:
    """The amount of the one refund stands in its letter, and not what was given."""
    _, about = a_letter(empty, LetterKind.REFUND, "en-CA")
    assert "$25.00" in draft(LetterKind.REFUND, about).subject


def test_a_correction_names_what_did_not_go_back(empty: Database) -> None:
    """The amount of the refund that failed stands in the subject of its letter."""
    _, about = a_letter(empty, LetterKind.REFUND_FAILED, "en-CA")
    said = draft(LetterKind.REFUND_FAILED, about)
    assert said.subject == "Your refund of $25.00 did not go through"


def test_who_paid_twice_and_got_one_back_is_thanked_for_the_other(empty: Database) -> None:
    """The letter of thanks says what is in hand, not all that ever came."""
    letter, about = a_letter(empty, LetterKind.THANK_YOU, "en-CA")
    tell(empty, about.gift, FactKind.PAYMENT_SUCCEEDED, "pi_2")
    tell(empty, about.gift, FactKind.REFUND_SUCCEEDED, "re_2")
    with empty.reading() as session:
        about = load_context(session, letter, load_regions(), SITE)
    assert is_true(letter, about)
    said = draft(LetterKind.THANK_YOU, about)
    assert said.subject == "Thank you for your gift of $50.00"
    assert ("Amount", "$50.00") in said.rows
