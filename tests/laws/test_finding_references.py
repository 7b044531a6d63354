"""References are found however people and banks write them, and never in other text."""

import string
from collections.abc import Callable
from random import Random

import pytest

from donate.references import ALPHABET, LENGTH, find_references, new_reference

CODES = ["LWCAN", "LWUS0", "HALO1"]
RANDOM = Random(20261126)
MANY = [new_reference(code, RANDOM) for code in CODES for _ in range(100)]
WORDS = (
    "INTERAC E-TRF TRANSFER DEPOSIT FROM THANK YOU CHURCH GIFT TEACHER FAMILY PARTY REF INV NO "
    "TORONTO ON MARCH APRIL KEYCARD WATER TAX CHQ DIRECT MEMO AUTODEPOSIT VIREMENT DON MERCI"
).split()


def write(reference: str, style: str) -> str:
    code, _, body = reference.partition("-")
    styles: dict[str, Callable[[], str]] = {
        "as it is": lambda: reference,
        "lower case": reference.lower,
        "without a dash": lambda: code + body,
        "with spaces": lambda: f"{code} {body[:3]} {body[3:]}",
        "letter by letter": lambda: " ".join(code + body),
        "with other dashes": lambda: f"{code}\u2013{body[:4]}\u2010{body[4:]}",
        "in other text": lambda: f"INTERAC E-TRF from ANN LEE, {reference}, thank you",
        "squeezed": lambda: f"ETRF{code}{body}ANNLEE",
        "in full width": lambda: "".join(chr(ord(c) + 0xFEE0) for c in reference),
        "with O for Q": lambda: f"{code}-{body.replace('Q', 'O')}",
        "with look-alikes": lambda: f"{code}-{body.translate(str.maketrans('Q5268M', '0SZGBN'))}",
        "with zeros in the code": lambda: reference.replace("O", "0"),
    }
    return styles[style]()


@pytest.mark.parametrize(
    "style",
    [
        "as it is",
        "lower case",
        "without a dash",
        "with spaces",
        "letter by letter",
        "with other dashes",
        "in other text",
        "squeezed",
        "in full width",
        "with O for Q",
        "with look-alikes",
        "with zeros in the code",
    ],
)
def test_a_reference_is_found_in_every_style(style: str) -> None:
    """A reference is found in each style of writing it, and no other reference is found."""
    for reference in MANY:
        assert find_references(write(reference, style), CODES) == [reference], style


def test_a_reference_without_its_code_is_found_as_a_word() -> None:
    """A reference without its giving code is found, but not as a part of a longer word."""
    mixed = [r for r in MANY if set(r[-LENGTH:]) & set(string.digits)]
    mixed = [r for r in mixed if set(r[-LENGTH:]) & set(string.ascii_uppercase)]
    assert len(mixed) > len(MANY) / 2
    for reference in mixed:
        body = reference[-LENGTH:]
        references = find_references(f"payment {body.lower()} ann", CODES)
        assert references == [f"{code}-{body}" for code in CODES]
        assert find_references(f"X{body}", CODES) == []
        assert find_references(f"{body}9", CODES) == []


def test_two_references_in_one_text_are_found() -> None:
    """Two references in one text are both found."""
    for one, other in zip(MANY[:50], MANY[50:100], strict=True):
        if one != other:
            assert find_references(f"{one} {other}", CODES) == [one, other]


def test_a_reference_cut_short_is_not_found() -> None:
    """In a text where the end of a reference is cut off, no reference is found."""
    for reference in MANY:
        for length in range(len(reference)):
            assert find_references(reference[:length], CODES) == []


def test_a_typo_never_finds_another_gift() -> None:
    """A reference with one wrong character is never taken for another reference."""
    for reference in MANY[::3]:
        start = len(reference) - LENGTH
        for place in range(start, len(reference)):
            for wrong in string.ascii_uppercase + string.digits:
                typo = reference[:place] + wrong + reference[place + 1 :]
                assert set(find_references(typo, CODES)) <= {reference}, (reference, typo)


def test_a_swap_never_finds_another_gift() -> None:
    """A reference with two neighbouring characters swapped is never taken for another one."""
    for reference in MANY:
        for place in range(len(reference) - LENGTH, len(reference) - 1):
            swapped = list(reference)
            swapped[place : place + 2] = reference[place + 1], reference[place]
            assert set(find_references("".join(swapped), CODES)) <= {reference}


def test_random_texts_contain_no_reference() -> None:
    """In random bank texts, the search finds none of a thousand existing references."""
    rng = Random(7)
    issued = {new_reference("LWCAN", rng) for _ in range(1_000)}
    kinds: list[Callable[[], str]] = [
        lambda: rng.choice(WORDS),
        lambda: "".join(rng.choices(string.digits, k=rng.randint(4, 12))),
        lambda: "".join(rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(5, 9))),
        lambda: "".join(rng.choices(ALPHABET, k=LENGTH)),
        lambda: f"{rng.randint(2000, 2040)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        lambda: f"({rng.randint(200, 999)}) {rng.randint(200, 999)}-{rng.randint(1000, 9999)}",
        lambda: rng.choice(["LWCAN", "LWCAM", "LW", "CAN"]),
    ]
    hits, with_code = 0, 0
    for _ in range(100_000):
        text = " ".join(rng.choice(kinds)() for _ in range(rng.randint(1, 6)))
        references = find_references(text, ["LWCAN"])
        hits += bool(issued & set(references))
        with_code += bool(references) and "LWCAN" in text.replace(" ", "")
    assert hits == 0
    # By chance, one in 23 texts of seven random characters has the right check character.
    assert with_code < 1_000


@pytest.mark.parametrize("text", ["", "LWCAN", "\x00", "\ud800", "-" * 50_000, "LWCAN " * 9_000])
def test_odd_text_is_no_reference(text: str) -> None:
    """In odd text, no reference is found and no error is raised."""
    assert find_references(text, CODES) == []
