"""Where a mail server is, reads `smtp://user:password@host:587`; and addresses that it knows."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import idna
from email_validator import EmailNotValidError, validate_email

_PORTS: Final = {"smtp": 587, "smtps": 465}
_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server. With `tls_at_once` it is encrypted from the first byte, else by STARTTLS.

    `may_be_plain` lets it do without, where nothing leaves this machine.
    """

    host: str
    port: int
    tls_at_once: bool = False
    may_be_plain: bool = False
    user: str = ""
    password: str = field(default="", repr=False)


def ascii_host(host: str) -> str:
    """Return a host as DNS and TLS know it: bücher.example as xn--bcher-kva.example.

    A port may follow. Raises ValueError for what is no host.
    """
    if host.isascii():
        return host
    name, colon, port = host.partition(":")
    try:
        return idna.encode(name, uts46=True).decode("ascii") + colon + port
    except idna.IDNAError:
        raise ValueError("names a host that cannot exist") from None


def ascii_address(address: str) -> str:
    """Return an e-mail address with its domain in ASCII; what is none is left as it is.

    Mail servers without SMTPUTF8, and Stripe, know a domain by that name only. What stands before
    the @ has no such form.
    """
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return address  # checked when it was typed, by rules that may have been other ones
    return f"{found.local_part}@{found.ascii_domain}"


def address_spellings(address: str) -> set[str]:
    """Return an e-mail address with its domain in ASCII, as people read it, and as it is."""
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return {address}
    return {address, found.normalized, f"{found.local_part}@{found.ascii_domain}"}


def read_mail_server(url: str) -> MailServer:
    """Read an address such as `smtp://user:password@host:587` or `smtps://…`.

    Raises ValueError, which repeats nothing of the address: a password may be a part of it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not an address such as smtp://user:password@host:587") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("must begin with smtp:// or smtps://, and name a host")
    host = ascii_host(parts.hostname)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must end after the host and port; in a password, write / ? # as %2F…")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("must have both a user and a password, or neither")
    return MailServer(
        host=host,
        port=port or _PORTS[parts.scheme],
        tls_at_once=parts.scheme == "smtps",
        may_be_plain=host in _THIS_MACHINE,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
