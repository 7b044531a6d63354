"""Says which new passwords are too easy to guess. Pure, but for the list of common passwords.

The rules follow OWASP ASVS 5.0, section 6.2: a minimum length, room for long passwords, any
characters, no rules about kinds of characters, and no common passwords.
"""

import gzip
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from donate.errors import N_, BadInput

MIN_PASSWORD: Final = 12
# Argon2 accepts passwords of any length. This limit keeps a sign-in from taking too much work.
MAX_PASSWORD: Final = 500
COMMON_PASSWORDS: Final = Path(__file__).with_name("common_passwords.txt.gz")
"""The most common passwords of leaks, in lower case; `scripts/common_passwords.py` makes it."""
_OUR_OWN: Final = ("donate", "loveworld", "welcome", "passw0rd")
_STEPS: Final = "01234567890123456789 abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm"
# A password made of the charity's or the person's name needs this many other letters.
_MOST_LEFT: Final = 5
_SHORTEST_WORD: Final = 4

EASY: Final = N_("That password is easy to guess. Please choose another.")
FROM_NAMES: Final = N_(
    "Please don’t make the password from your name, your e-mail address or the charity’s name."
)


def tidy_password(typed: str) -> str:
    """Return a password in the form that is hashed, in which é has only one spelling.

    This follows RFC 8265 (OpaqueString): every kind of space becomes a plain space, and the text is
    converted to the Unicode form NFC. NFC never makes two different passwords equal.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in typed)
    return unicodedata.normalize("NFC", spaced)


def check_password(password: str, email: str, *names: str) -> None:
    """Raise BadInput, with the reason, if a password is short, long or easy to guess.

    `names` are the names of the person and the charity.
    """
    if len(password) < MIN_PASSWORD:
        raise BadInput("password", N_("Please use at least 12 characters."))
    if len(password) > MAX_PASSWORD:
        raise BadInput("password", N_("Please use at most 500 characters."))
    bare = _bare(password)
    if bare in (_bare(email), _bare(email.partition("@")[0])):
        raise BadInput("password", N_("Please don’t use the e-mail address as the password."))
    if _is_easy(password.lower(), bare):
        raise BadInput("password", EASY)
    if _is_made_of(bare, (email.partition("@")[0], *email.split("@"), *names)):
        raise BadInput("password", FROM_NAMES)


def _is_easy(password: str, bare: str) -> bool:
    """Whether a password is a common one, possibly repeated or with digits or signs around it.

    `bare` is the password in lower case, with only its letters and digits.
    """
    if len(set(password)) < 5 or bare in _STEPS:
        return True
    without_signs = password.strip("0123456789!@#$%^&*()_+-=.,:;?/ ")
    repeated = re.fullmatch(r"(.+?)\1+", bare)
    cores = {password, bare, bare.strip("0123456789"), without_signs}
    if repeated:
        cores |= {repeated[1], repeated[1].strip("0123456789")}
    return bool(cores & _common()) or "" in cores


def _is_made_of(bare: str, names: Iterable[str]) -> bool:
    """Whether little is left of a password if these names and the digits around it are removed."""
    parts = {_bare(name) for name in names}
    parts |= {_bare(word) for name in names for word in re.split(r"[\W_]+", name)}
    rest = bare
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_WORD:
            rest = rest.replace(part, "")
    return rest != bare and len(rest.strip("0123456789")) <= _MOST_LEFT


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


@cache
def _common() -> frozenset[str]:
    lines = gzip.decompress(COMMON_PASSWORDS.read_bytes()).decode().splitlines()
    return frozenset(line for line in lines if not line.startswith("# ")) | {*_OUR_OWN}
