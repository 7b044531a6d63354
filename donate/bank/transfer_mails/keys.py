"""Interac's public keys: from the operator's file, from the database, or from DNS."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dkim import DnsTimeoutError
from dkim.dnsplug import get_txt
from dns.exception import DNSException

from donate.bank.transfer_mails.signatures import SIGNING_DOMAIN, is_public_key
from donate.errors import Misconfigured

FetchKey = Callable[[str], str | None]
"""A function that returns the DKIM record for a selector; None if it cannot be fetched now."""

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
        """Return the key for a selector; None if it cannot be fetched now."""
        if selector in self._known:
            return self._known[selector]
        if selector not in self._asked:
            if self._fetch is None or len(self._asked) >= _MOST_FETCHED:
                return None
            self._asked[selector] = self._fetch(selector)
        return self._asked[selector]


def fetch_key(selector: str) -> str | None:
    """Fetch a public key of Interac from DNS.

    Returns None if there is no key, or if it cannot be used.
    """
    name = f"{selector}._domainkey.{SIGNING_DOMAIN}."
    try:
        answer = get_txt(name.encode("ascii"), timeout=_DNS_TIMEOUT_S)
        record = answer.decode("ascii") if answer else ""
    except (DnsTimeoutError, DNSException, OSError, UnicodeError):
        return None
    return record if len(record) <= _MOST_CHARACTERS and is_public_key(record) else None


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
