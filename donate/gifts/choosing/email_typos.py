"""Finds likely typing errors in the domain of an e-mail address, such as `gmial.com`."""

from typing import Final

from rapidfuzz.distance import OSA

COMMON_DOMAINS: Final = (
    *("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "yahoo.ca", "icloud.com"),
    *("live.com", "live.ca", "hotmail.ca", "outlook.ca", "msn.com", "aol.com", "me.com"),
    *("rogers.com", "bell.net", "shaw.ca", "telus.net", "videotron.ca", "sympatico.ca"),
    *("cogeco.ca", "eastlink.ca", "sasktel.net", "protonmail.com", "proton.me", "gmx.com"),
    *("hotmail.fr", "yahoo.fr", "outlook.fr", "hotmail.co.uk", "yahoo.co.uk"),
)
"""The domains of the mailboxes that many people in Canada have."""
# These are mail providers too, although they look like a misspelling of another one.
_OTHER_PROVIDERS: Final = frozenset(
    {"ymail.com", "mail.com", "email.com", "gmx.net", "gmx.ca", "gmx.de", "gmx.fr", "gmx.ch"}
    | {"aol.ca", "aol.fr", "mac.com", "pm.me", "live.fr", "live.nl", "live.de", "live.se"}
    | {"msn.ca", "yahoo.de", "yahoo.es", "yahoo.it", "yahoo.in", "hotmail.de", "hotmail.es"}
    | {"hotmail.it", "hotmail.se", "outlook.de", "outlook.es", "outlook.it", "outlook.jp"}
    | {"bell.ca", "shaw.com", "telus.com", "rogers.ca", "fastmail.com", "inbox.com", "zmail.com"}
)
# Only common domains of at least this length are compared: many others resemble a short one.
_MIN_LENGTH: Final = 8


def likely_address(email: str) -> str | None:
    """Return the address that was probably meant, or None if the domain looks right.

    A domain looks wrong if one letter is missing, added, replaced or swapped with its neighbour
    compared to a common domain, and it is no other known provider.
    """
    name, at, domain = email.strip().rpartition("@")
    domain = domain.lower()
    if not at or not name or domain in COMMON_DOMAINS or domain in _OTHER_PROVIDERS:
        return None
    for common in COMMON_DOMAINS:
        if len(common) >= _MIN_LENGTH and OSA.distance(domain, common, score_cutoff=1) <= 1:
            return f"{name}@{common}"
    return None
