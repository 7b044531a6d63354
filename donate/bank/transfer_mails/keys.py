"""Interac's public keys: from the operator's file, from the database, or from DNS."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import dns.name
import dns.resolver
from dns.exception import DNSException

from donate.bank.transfer_mails.signatures import SIGNING_DOMAIN, is_public_key
from donate.errors import Misconfigured

FetchKey = Callable[[str], str | None]
"""A function that returns the DKIM record for a selector.

It returns NO_SUCH_KEY if there is no such key, and None if that cannot be found out now.
"""

NO_SUCH_KEY: Final = ""
"""Stands for the record of a selector that has no usable key."""

_DNS_TIMEOUT_S: Final = 4
# A forged e-mail may name any selector, and each selector costs a DNS query. So only this many keys
# are fetched.
_MOST_FETCHED: Final = 5
_MOST_CHARACTERS: Final = 2_000


class MailKeys:
    """The public keys by selector.

    `fetched` has the keys that were fetched, so that the caller can store them.
    """

    def __init__(self, known: Mapping[str, str], fetch: FetchKey | None = None) -> None:
        self._known = known
        self._fetch = fetch
        self._asked: dict[str, str | None] = {}

    @property
    def fetched(self) -> dict[str, str]:
        """The keys that were fetched so far, by selector."""
        return {selector: record for selector, record in self._asked.items() if record}

    def find(self, selector: str) -> str | None:
        """Return the key for a selector: NO_SUCH_KEY if there is none, None if unknown now."""
        if selector in self._known:
            return self._known[selector]
        if selector not in self._asked:
            if self._fetch is None or len(self._asked) >= _MOST_FETCHED:
                return None
            self._asked[selector] = self._fetch(selector)
        return self._asked[selector]


def fetch_key(selector: str) -> str | None:
    """Fetch a public key of Interac from DNS.

    Returns NO_SUCH_KEY if DNS says that there is no usable key of this name, and None if DNS gives
    no answer now.
    """
    try:
        name = dns.name.from_text(f"{selector}._domainkey.{SIGNING_DOMAIN}.")
    except (DNSException, UnicodeError):
        return NO_SUCH_KEY  # DNS cannot have such a name
    try:
        answer = dns.resolver.resolve(
            name, "TXT", lifetime=_DNS_TIMEOUT_S, raise_on_no_answer=False
        )
    except dns.resolver.NXDOMAIN:
        return NO_SUCH_KEY
    except (DNSException, OSError):
        return None
    records = [b"".join(each.strings).decode("ascii", "replace") for each in answer.rrset or ()]
    return next(filter(_is_usable, sorted(records)), NO_SUCH_KEY)


def _is_usable(record: str) -> bool:
    return len(record) <= _MOST_CHARACTERS and record.isascii() and is_public_key(record)


def read_key_file(path: Path) -> dict[str, str]:
    """Read the file in TRANSFER_MAIL_KEYS. Each line has a selector, a space and its DKIM record.

    Empty lines and lines that begin with # are skipped. Raises Misconfigured for any other line.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured("TRANSFER_MAIL_KEYS names a file that can’t be read") from None
    keys = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        selector, _, record = line.strip().partition(" ")
        if not is_public_key(record.strip()):
            raise Misconfigured(
                f"TRANSFER_MAIL_KEYS, line {number}: write a selector, a space and its public key, "
                "such as `selector v=DKIM1; k=rsa; p=…`"
            )
        keys[selector] = record.strip()
    return keys
