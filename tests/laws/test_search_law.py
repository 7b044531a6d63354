"""Any name that is stored is found by any beginning of any of its words, on both databases."""

import itertools
import unicodedata

import pytest
from hypothesis import example, given, settings, strategies as st

from donate.errors import BadInputs
from donate.gifts.search_index.folding import fold, mark_words, stored_words, typed_words
from donate.gifts.search_index.index_audit import search_differences
from donate.gifts.search_index.models import WordKind
from donate.gifts.search_index.queries import gifts_with_words, search_donors
from donate.storage.database import Database
from tests.finance.finance_site import NOW, put_gift

NUMBERS = itertools.count()
# These names have letters, digits, marks, punctuation, symbols and spaces of every script.
NAMES = st.text(
    st.one_of(
        st.characters(categories=["L", "N", "M", "P", "S", "Zs"]),
        st.sampled_from("éÅßİıŁø’'- ·ـ한글王が\u0301\u0327\u200d"),
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@given(name=NAMES, data=st.data())
@example(name="Zoë", data=None).via("an accent")
@settings(max_examples=150, deadline=None)
def test_a_beginning_finds_a_name(
    request: pytest.FixtureRequest, kind: str, name: str, data: st.DataObject | None
) -> None:
    """A name is found by beginnings of its words, in any case of letters and any Unicode form."""
    database: Database = request.getfixturevalue(f"on_{kind}")
    try:
        with database.writing() as session:
            gift = put_gift(session, f"law-{next(NUMBERS)}", now=NOW, name=name)
    except BadInputs:
        return  # no donor can have this name
    words = typed_words(name)
    if not words:
        return
    if data is None:
        typed = words[0][:2]
    else:
        chosen = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
        beginnings = [word[: data.draw(st.integers(1, len(word)))] for word in chosen]
        joined = " ".join(beginnings)
        typed = data.draw(st.sampled_from([joined, unicodedata.normalize("NFC", joined)]))
        typed = typed.upper() if data.draw(st.booleans()) else typed
    with database.reading() as session:
        assert gift.id in gifts_with_words(session, WordKind.NAME, typed_words(typed), limit=10_000)
        assert any(donor.name == gift_name(name) for donor in search_donors(session, typed, 2_000))


def gift_name(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()))


@given(name=NAMES, end=st.integers(0, 30))
def test_the_beginning_of_a_text_folds_to_its_beginning(name: str, end: int) -> None:
    """The folded beginning of a text begins the folded text; to fold twice changes nothing more.

    To fold a text is to remove its accents and capitals, so that a search ignores them.
    """
    assert fold(name).startswith(fold(name[:end]))
    assert fold(fold(name)) == fold(name)
    assert set(typed_words(name)) <= stored_words(name)


@given(name=NAMES, typed=NAMES)
def test_marking_loses_nothing(name: str, typed: str) -> None:
    """The pieces of a marked text join to the whole text; marked and plain pieces alternate."""
    pieces = mark_words(name, typed_words(typed))
    assert "".join(text for text, _ in pieces) == name
    assert all(one[1] != other[1] for one, other in itertools.pairwise(pieces))
    whole = mark_words(name, typed_words(name))
    assert not typed_words(name) or any(is_marked for _, is_marked in whole)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_index_is_that_of_the_gifts(request: pytest.FixtureRequest, kind: str) -> None:
    """The audit finds no difference between the gifts with all these names and the search index."""
    database: Database = request.getfixturevalue(f"on_{kind}")
    with database.reading_snapshot() as session:
        assert list(search_differences(session)) == []
