"""Folds text so that a search ignores case and accents. Pure functions.

Each character is folded separately. So folding the beginning of a text gives the beginning of the
folded text, and a search for the beginning of a word finds the whole word.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

# Longer words are cut off, because the indexes limit the length of a word.
MAX_WORD: Final = 64
# In a script without spaces, a word is also stored without its first character, without its first
# two, and so on. These endings are cut off at this length.
_MAX_ENDING: Final = 12
_WORD: Final = re.compile(r"[^\W_]+")
_APOSTROPHE: Final = re.compile(r"(?<=[^\W_])['’](?=[^\W_])")
# Letters that Unicode does not decompose into a plain letter and an accent.
_PLAIN: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "\u0131": "i",
        "ŧ": "t",
        "æ": "ae",
        "œ": "oe",
    }
    | {"þ": "th", "ĸ": "k", "ŋ": "n"}
)
# The characters with which a syllable or word may begin in Chinese, Japanese and Korean.
_CJK: Final = re.compile(
    "[\u1100-\u1112\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def fold(text: str) -> str:
    """Return text in lower case and without accents."""
    return "".join(map(_fold_character, text))


@lru_cache(maxsize=4_096)
def _fold_character(character: str) -> str:
    return _without_marks(_without_marks(character).casefold()).translate(_PLAIN)


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.category(c).startswith("M"))


def typed_words(text: str) -> list[str]:
    """Return the folded words of a search text, each once, in order."""
    return list(dict.fromkeys(word[:MAX_WORD] for word in _WORD.findall(fold(text))))


def stored_words(text: str) -> set[str]:
    """Return the folded words under which a text is stored.

    A name such as O'Brien is also stored without the apostrophe. A Chinese, Japanese or Korean word
    is also stored from each of its later characters on, because such texts have no spaces.
    """
    folded = fold(text)
    words = {*_WORD.findall(folded), *_WORD.findall(_APOSTROPHE.sub("", folded))}
    endings = {word[start : start + _MAX_ENDING] for word in words for start in _later_starts(word)}
    return {word[:MAX_WORD] for word in words} | endings


def _later_starts(word: str) -> Iterator[int]:
    return (match.start() for match in _CJK.finditer(word) if match.start())


Piece = tuple[str, bool]
"""A piece of a text, and whether to highlight it."""


def mark_words(text: str, words: Iterable[str]) -> list[Piece]:
    """Split a text into pieces, and mark the beginnings of words that match one of `words`."""
    folded, origins = "", []
    for place, character in enumerate(text):
        part = _fold_character(character)
        folded += part
        origins += [place] * len(part)
    marked: set[int] = set()
    for match in _WORD.finditer(folded):
        for start in (0, *_later_starts(match[0])):
            for word in words:
                if match[0].startswith(word, start):
                    first = match.start() + start
                    marked.update(range(origins[first], origins[first + len(word) - 1] + 1))
    return split_at(text, marked)


def split_at(text: str, marked: set[int]) -> list[Piece]:
    """Split a text into pieces, and mark the characters at the positions in `marked`."""
    pieces: list[Piece] = []
    for place, character in enumerate(text):
        is_marked = place in marked
        if pieces and pieces[-1][1] == is_marked:
            pieces[-1] = (pieces[-1][0] + character, is_marked)
        else:
            pieces.append((character, is_marked))
    return pieces
