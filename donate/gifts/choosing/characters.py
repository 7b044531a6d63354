"""Finds characters that we never store, because they garble the text around them."""

import unicodedata
from typing import Final

# The Unicode categories of control characters, surrogates, private-use and unassigned code points.
_CATEGORIES: Final = ("Cc", "Cs", "Co", "Cn")
# These characters change the writing direction of the rest of the line, which may be our own text.
# Direction marks are allowed, because they have an effect only where they stand.
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def holds_unusable(text: str) -> bool:
    """Whether a text has a character that we do not store. Line feeds are allowed."""
    return any(
        unicodedata.category(c) in _CATEGORIES or c in _REORDERING for c in text.replace("\n", "")
    )
