"""Which typing mistakes in references are corrected when a text is searched for references."""

import string
from itertools import product
from random import Random

import pytest

from donate.references import (
    ALPHABET,
    LENGTH,
    find_references,
    is_reference,
    new_reference,
    tidy_reference,
)

CODE = "LWCAN"
RANDOM = Random(20261128)
MANY = [new_reference(CODE, RANDOM) for _ in range(200)]
MIXED = [r for r in MANY if any(c.isdigit() for c in r) and any(c.isalpha() for c in r[-LENGTH:])]

# References use only part of the alphabet. Each key is a character that people type instead
# of the similar one in the reference.
FORGIVEN = {"0": "Q", "O": "Q", "D": "Q", "S": "5", "Z": "2", "G": "6", "B": "8", "N": "M"}
OTHERS = sorted(set(string.ascii_uppercase + string.digits) - set(ALPHABET) - set(FORGIVEN))


def replaced(reference: str, place: int, typed: str) -> str:
    return reference[:place] + typed + reference[place + 1 :]


def places_of(reference: str, character: str) -> list[int]:
    """Return a character's positions in the last seven of a reference, as negative indexes."""
    return [place for place in range(-LENGTH, 0) if reference[place] == character]


def body_of(characters: str) -> str:
    """Return a valid end of a reference, made of seven of the given characters."""
    for chosen in product(characters, repeat=LENGTH):
        if is_reference(f"{CODE}-{''.join(chosen)}"):
            return "".join(chosen)
    raise AssertionError("there is none")


@pytest.mark.parametrize("typed", sorted(FORGIVEN))
def test_a_look_alike_is_read_as_what_was_meant(typed: str) -> None:
    """In a reference's last seven characters, eight look-alikes such as O for Q are corrected."""
    count = 0
    for reference in MANY:
        for place in places_of(reference, FORGIVEN[typed]):
            from_end = len(reference) + place
            assert find_references(replaced(reference, from_end, typed), [CODE]) == [reference]
            count += 1
    assert count > LENGTH


@pytest.mark.parametrize("typed", OTHERS)
def test_other_characters_are_not_corrected(typed: str) -> None:
    """1, I, L, U and V resemble no character of references, so they are never corrected."""
    assert OTHERS == ["1", "I", "L", "U", "V"]
    for reference in MANY:
        for place in range(len(reference) - LENGTH, len(reference)):
            assert find_references(replaced(reference, place, typed), [CODE]) == []


@pytest.mark.parametrize("written", ["O", "0", "I", "1", "L", "S", "5", "Q", "A"])
def test_a_code_forgives_zeros_and_strokes(written: str) -> None:
    """In a reference's giving code, only O and 0, and I, 1 and L, may replace one another."""
    same = next((group for group in ("O0", "I1L") if written in group), written)
    code = f"LW{written}AN"
    reference = new_reference(code, Random(1))
    for typed in string.ascii_uppercase + string.digits:
        squeezed = replaced(reference, 2, typed).replace("-", "")
        assert find_references(squeezed, [code]) == ([reference] if typed in same else []), typed


def test_without_its_code_no_look_alike_is_forgiven() -> None:
    """A reference that lacks its giving code is found only if it has no typing mistake."""
    for reference in MIXED:
        body = reference[-LENGTH:]
        assert find_references(body, [CODE]) == [reference]
        for typed, character in FORGIVEN.items():
            if character in body:
                assert find_references(body.replace(character, typed), [CODE]) == []


@pytest.mark.parametrize("characters", ["23456789", "ACEFHJKMPQRTWXY"])
def test_a_number_or_a_word_alone_is_no_reference(characters: str) -> None:
    """Seven digits or seven letters are a reference only after a giving code."""
    body = body_of(characters)
    assert find_references(f"paid {body} ann", [CODE]) == []
    assert find_references(f"paid {CODE} {body} ann", [CODE]) == [f"{CODE}-{body}"]


@pytest.mark.parametrize(
    "sign",
    [" ", "\t", "\n", "\u00a0", "-", "\u2010", "\u2011", "\u2013", "\u2014", "\u2015", *"_.:/"],
    ids=ascii,
)
def test_a_gap_has_at_most_three_signs(sign: str) -> None:
    """A reference is found with up to three spaces, dashes or dots between its characters."""
    reference = MIXED[0]
    bare = reference.replace("-", "")
    assert find_references((sign * 3).join(bare), [CODE]) == [reference]
    for place in range(1, len(bare)):
        apart = f"{bare[:place]}{sign * 4}{bare[place:]}"
        alone = place == len(CODE)
        assert find_references(apart, [CODE]) == ([reference] if alone else []), place


@pytest.mark.parametrize("sign", [",", "*", "#", "+"])
def test_another_sign_is_no_gap(sign: str) -> None:
    """A reference is not found if a comma, *, # or + is between its characters."""
    bare = MIXED[0].replace("-", "")
    for place in range(1, len(bare)):
        references = find_references(f"{bare[:place]}{sign}{bare[place:]}", [CODE])
        assert references == ([MIXED[0]] if place == len(CODE) else []), place


def test_the_first_ten_thousand_characters_are_searched() -> None:
    """References are found only within the first ten thousand characters."""
    reference = MANY[0]
    before = 10_000 - len(reference)
    assert find_references("x" * before + reference, [CODE]) == [reference]
    assert find_references("x" * (before + 1) + reference, [CODE]) == []


@pytest.mark.parametrize(
    ("typed", "tidied"),
    [
        ("", ""),
        ("7kq", "7KQ"),
        ("7kq 4m2x", "7KQ4M2X"),
        ("w 7kq 4m2x", "W-7KQ4M2X"),
        ("lwcan7kq4m2x", "LWCAN-7KQ4M2X"),
    ],
)
def test_a_dash_is_inserted_after_the_code(typed: str, tidied: str) -> None:
    """Tidying inserts a dash before the last seven characters if anything precedes them."""
    assert tidy_reference(typed) == tidied


def test_new_references_use_the_whole_alphabet() -> None:
    """The random characters of new references are taken from the whole alphabet for references."""
    drawn = "".join(r[-LENGTH:-1] for r in MANY)
    assert set(drawn) == set(ALPHABET)
    assert all(is_reference(r) and len(r) == len(CODE) + 1 + LENGTH for r in MANY)
