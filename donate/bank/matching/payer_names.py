"""Compares a payer's name with a donor's, by folded words. Similarity alone never decides."""

import re
from collections.abc import Iterable, Set as AbstractSet
from functools import lru_cache
from itertools import combinations
from typing import Final

from rapidfuzz import fuzz

from donate.bank.matching.line_texts import is_name_word, name_tokens
from donate.gifts.search_index.folding import stored_words

Pair = tuple[str, str]
"""A first and a last name, folded, in alphabetical order: banks write either one first."""

# At this similarity two names differ by a letter or two.
_ALIKE_FROM: Final = 88
_MOST_WORDS: Final = 10
_SPACES: Final = re.compile(r"[\s,]+")
_AND: Final = frozenset({"&", "and", "et", "+"})


def name_pairs(name: str) -> frozenset[Pair]:
    """Return the first and last names of a donor, in each way in which a bank may write them.

    Initials, titles and names in the middle are ignored. Each part of a double name counts, as does
    each of two people who give together. A name of one word has none.
    """
    firsts: set[str] = set()
    groups: list[AbstractSet[str]] = []
    is_start = True
    for written in _SPACES.split(name.strip()):
        if written.casefold() in _AND:
            is_start = True
            continue
        variants = _variants(written)
        if variants:
            groups.append(variants)
            if is_start:
                firsts |= variants
            is_start = False
    if len(groups) < 2:
        return frozenset()
    return frozenset(
        (min(first, last), max(first, last))
        for first in firsts
        for last in groups[-1]
        if first != last
    )


# First and last names are often the same, and most of the time goes into folding them.
@lru_cache(maxsize=4_096)
def _variants(written: str) -> frozenset[str]:
    return frozenset(filter(is_name_word, stored_words(written)))


def pairs_in(words: Iterable[str]) -> list[Pair]:
    """Return every two of a line's words, as `name_pairs` orders them."""
    return list(combinations(sorted(words)[:_MOST_WORDS], 2))


def is_same_name(words: AbstractSet[str], name: str) -> bool:
    """Whether a donor's first and last name are both among the words of a line."""
    return any(words >= set(pair) for pair in name_pairs(name))


def may_be_same(words: AbstractSet[str], name: str) -> bool:
    """Whether the words of a line do not contradict a name, because one is part of the other."""
    tokens = set(name_tokens(name))
    return is_same_name(words, name) or (bool(tokens) and (words <= tokens or tokens <= words))


def is_alike(words: AbstractSet[str], name: str) -> bool:
    """Whether a word is common to both names, or the names differ by a letter or two."""
    tokens = name_tokens(name)
    if not words.isdisjoint(tokens):
        return True
    return fuzz.ratio(" ".join(sorted(words)), " ".join(sorted(tokens))) >= _ALIKE_FROM
