"""Finds characters in typed text that we never store, because they spoil what stands beside."""

import unicodedata
from typing import Final

# Control characters, halves of characters, and code points that no standard gives a meaning.
_CATEGORIES: Final = ("Cc", "Cs", "Co", "Cn")
# These turn around or reorder all that follows in the same line, also text that is ours. Marks of
# direction, which have an effect only where they stand, are not among them.
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def holds_unusable(text: str) -> bool:
    """Whether a text has a character that we do not store. A line feed is not one."""
    return any(
        unicodedata.category(c) in _CATEGORIES or c in _REORDERING for c in text.replace("\n", "")
    )
