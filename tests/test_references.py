"""References of gifts: how they are made, checked and tidied."""

from collections.abc import Callable
from random import Random

import pytest

from donate.references import ALPHABET, LENGTH, is_reference, new_reference, tidy_reference

RANDOM = Random(20260301)
MANY = [new_reference("LWCAN", RANDOM) for _ in range(300)]


def test_a_reference_has_the_promised_form() -> None:
    """A reference is the giving code, a dash, and seven characters that are hard to confuse."""
    for reference in MANY:
        code, dash, body = reference.partition("-")
        assert (code, dash, len(body)) == ("LWCAN", "-", LENGTH)
        assert set(body) <= set(ALPHABET)
        assert is_reference(reference)
    for pair in ("0O", "1I", "1L", "2Z", "5S", "6G", "8B", "UV", "MN"):
        assert not set(pair) <= set(ALPHABET), pair


def test_every_wrong_character_is_found() -> None:
    """The check character reveals one wrong character at any position."""
    for reference in MANY:
        for place in range(len("LWCAN-"), len(reference)):
            for wrong in ALPHABET.replace(reference[place], ""):
                typo = reference[:place] + wrong + reference[place + 1 :]
                assert not is_reference(typo), (reference, typo)


def test_every_swap_is_found() -> None:
    """The check character reveals a swap of any two characters."""
    for reference in MANY:
        body = reference[len("LWCAN-") :]
        for i in range(LENGTH):
            for j in range(i + 1, LENGTH):
                swapped = list(body)
                swapped[i], swapped[j] = body[j], body[i]
                if body[i] != body[j]:
                    assert not is_reference("LWCAN-" + "".join(swapped)), (reference, i, j)


@pytest.mark.parametrize("cut", [slice(None, -1), slice(1 + len("LWCAN-"), None)])
def test_a_reference_cut_short_is_invalid(cut: slice) -> None:
    """A reference that lacks its end or its beginning is invalid."""
    assert [r for r in MANY if is_reference(r[cut])] == []


@pytest.mark.parametrize(
    "write",
    [
        str.lower,
        lambda r: r.replace("-", ""),
        lambda r: r.replace("-", " "),
        lambda r: f"  {r}\n",
        " ".join,
        lambda r: r.replace("-", "\u2013"),
        lambda r: r.replace("-", "\u2011"),
        lambda r: r.replace("-", " - "),
        lambda r: r.replace("-", "_"),
        lambda r: r.replace("-", "\u00a0"),
        lambda r: f"{r}.",
        lambda r: f"{r[:9]}-{r[9:]}".lower(),
    ],
)
def test_a_reference_is_tidied(write: Callable[[str], str]) -> None:
    """Tidying restores a reference that was typed with other spaces, dashes or case."""
    assert [tidy_reference(write(r)) for r in MANY] == MANY


@pytest.mark.parametrize(
    "text", ["", "-", "LWCAN", "A-", "\u00e9" * 7, "LWCAN-0000000", "x" * 9999]
)
def test_other_text_is_invalid(text: str) -> None:
    """A text that is not a reference is invalid, before and after tidying."""
    assert not is_reference(text)
    assert not is_reference(tidy_reference(text))


def test_a_reference_needs_its_code() -> None:
    """The seven characters of a reference are invalid without the giving code."""
    body = MANY[0].partition("-")[2]
    assert not is_reference(body)
    assert not is_reference(f"-{body}")


def test_references_differ() -> None:
    """Three hundred new references are all different."""
    assert len(set(MANY)) == len(MANY)
