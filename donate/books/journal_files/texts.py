"""Writes texts and amounts in the form that accounting programs accept. Nothing is rounded."""

import hashlib
import re
import unicodedata
from base64 import b32encode
from typing import Final

from donate.errors import N_, Conflict
from donate.money import Money, minor_digits

_HASH_LENGTH: Final = 8
# Characters that Unicode normalization does not convert to ASCII. Some are written by their names.
_ASCII: Final = str.maketrans(
    {
        **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}’\N{PRIME}", "'"),
        **dict.fromkeys("“”„«»", "'"),
        **dict.fromkeys("‐‑–—\N{FIGURE DASH}\N{MINUS SIGN}", "-"),
        "œ": "oe",
        "Œ": "OE",
        "æ": "ae",
        "Æ": "AE",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
    }
)


def one_line(text: str) -> str:
    """Replace control characters, line ends and repeated spaces by single spaces."""
    printable = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in text)
    return re.sub(r"\s+", " ", printable).strip()


def to_ascii(text: str) -> str:
    """Return the text in ASCII, without accents and double quotes; `?` for other letters."""
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII).replace('"', "'"))
    return "".join(c if c.isascii() else "?" for c in plain if not unicodedata.combining(c))


def shorten(text: str, most: int | None) -> str:
    """Cut off a text after `most` characters."""
    return text if most is None else text[:most].rstrip()


def short_number(number: str, most: int | None) -> str:
    """Return an entry's number, shortened to at most `most` characters, always in the same way.

    If the number is too long, its end is replaced by a part of its hash.
    """
    if most is None or len(number) <= most:
        return number
    digest = b32encode(hashlib.sha256(number.encode()).digest()).decode()
    return f"{number[: most - _HASH_LENGTH - 1]}-{digest[:_HASH_LENGTH]}"


def write_amount(amount: Money, decimals: int | None, *, program: str, number: str) -> str:
    """Write an amount as a plain decimal with a point: `-50.00`.

    `decimals` is how many decimals the program wants; None means those of the currency. Raises
    Conflict if the amount has more, because it is never rounded. The message names the program and
    the number of the entry.
    """
    digits = minor_digits(amount.currency)
    wanted = digits if decimals is None else decimals
    scaled, rest = divmod(abs(amount.amount_minor) * 10**wanted, 10**digits)
    if rest:
        message = N_(
            "%(program)s takes amounts with %(decimals)s decimals, but the entry %(number)s has "
            "%(amount)s. Please enter it by hand."
        )
        shown = f"{amount.decimal:f} {amount.currency}"
        values = {"program": program, "decimals": str(wanted), "number": number, "amount": shown}
        raise Conflict(message, values)
    sign = "-" if amount.amount_minor < 0 else ""
    whole, part = divmod(scaled, 10**wanted)
    return f"{sign}{whole}.{part:0{wanted}d}" if wanted else f"{sign}{whole}"


def write_cell(text: str, *, is_quoted: bool = False) -> str:
    """Write a cell as RFC 4180 says: in quotes if it needs them, or if `is_quoted` asks for it."""
    if is_quoted or re.search('[",\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text
