"""Compares a payer's name with a donor's, word by word.

Similarity alone never makes a match certain.
"""

import re
from collections.abc import Iterable, Set as AbstractSet
from functools import lru_cache
from itertools import combinations
from typing import Final

from rapidfuzz import fuzz

from donate.bank.matching.line_texts import is_name_word, name_tokens
from donate.gifts.search_index.folding import stored_words

Pair = tuple[str, str]
"""A first and a last name, normalized, in alphabetical order, because banks differ in the order."""

# From this similarity on, two names differ by at most a letter or two.
_ALIKE_FROM: Final = 88
_MOST_WORDS: Final = 10
_SPACES: Final = re.compile(r"[\s,]+")
_AND: Final = frozenset({"&", "and", "et", "+"})


# Cached, because each e-mail is compared with several lines.
@lru_cache(maxsize=16_384)
def name_pairs(name: str) -> frozenset[Pair]:
    """Return all pairs of first and last name under which a bank may write a donor's name.

    Middle names, initials and titles are ignored. Each part of a double name makes a pair, and so
    does each of two people who give together. A name of a single word has no pairs.
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


# Cached, because names repeat often and normalizing them takes most of the time.
@lru_cache(maxsize=4_096)
def _variants(written: str) -> frozenset[str]:
    return frozenset(filter(is_name_word, stored_words(written)))


def pairs_in(words: Iterable[str]) -> list[Pair]:
    """Return all pairs of a line's words, in the order that `name_pairs` uses."""
    return list(combinations(sorted(words)[:_MOST_WORDS], 2))


def is_same_name(words: AbstractSet[str], name: str) -> bool:
    """Whether a donor's first and last name are both among the words of a line."""
    return any(words >= set(pair) for pair in name_pairs(name))


def may_be_same(words: AbstractSet[str], name: str) -> bool:
    """Whether a line's words and a name may be the same person's: one contains the other."""
    tokens = set(name_tokens(name))
    return is_same_name(words, name) or (bool(tokens) and (words <= tokens or tokens <= words))


def is_alike(words: AbstractSet[str], name: str) -> bool:
    """Whether two names have a word in common, or differ by at most a letter or two."""
    tokens = name_tokens(name)
    if not words.isdisjoint(tokens):
        return True
    return fuzz.ratio(" ".join(sorted(words)), " ".join(sorted(tokens))) >= _ALIKE_FROM
