"""Parses the mail server's URL, and converts e-mail addresses for mail servers."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import idna
from email_validator import EmailNotValidError, validate_email

_PORTS: Final = {"smtp": 587, "smtps": 465}
_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The address and credentials of a mail server.

    If `implicit_tls` is true, TLS starts before SMTP; otherwise STARTTLS is used. If `may_be_plain`
    is true, an unencrypted connection is allowed, because the server runs on this machine.
    """

    host: str
    port: int
    implicit_tls: bool = False
    may_be_plain: bool = False
    user: str = ""
    password: str = field(default="", repr=False)


def ascii_host(host: str) -> str:
    """Return a host in ASCII, as DNS and TLS need it: bücher.example as xn--bcher-kva.example.

    The host may end with a port. Raises ValueError if its name is invalid.
    """
    if host.isascii():
        return host
    name, colon, port = host.partition(":")
    try:
        return idna.encode(name, uts46=True).decode("ascii") + colon + port
    except idna.IDNAError:
        raise ValueError("contains an invalid host name") from None


def ascii_address(address: str) -> str:
    """Return an e-mail address with its domain in ASCII. An invalid address is returned unchanged.

    Stripe and mail servers without SMTPUTF8 accept only ASCII domains. The part before the @ cannot
    be converted to ASCII.
    """
    try:
        parsed = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        # The address was valid when it was stored, but the library's rules changed since.
        return address
    return f"{parsed.local_part}@{parsed.ascii_domain}"


def address_spellings(address: str) -> set[str]:
    """Return an e-mail address in three forms: unchanged, normalized, and with an ASCII domain."""
    try:
        parsed = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return {address}
    return {address, parsed.normalized, f"{parsed.local_part}@{parsed.ascii_domain}"}


def read_mail_server(url: str) -> MailServer:
    """Parse the URL of a mail server, such as `smtp://user:password@host:587` or `smtps://…`.

    Raises ValueError for an invalid URL. The message omits the URL, which may contain a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must look like smtp://user:password@host:587") from None
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
        implicit_tls=parts.scheme == "smtps",
        may_be_plain=host in _THIS_MACHINE,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def plain_address(text: str) -> str:
    """Return the e-mail address of a setting, with its domain in ASCII, for all mail servers.

    Raises ValueError if it is invalid or not ASCII before the @; the message says what to change.
    """
    try:
        address = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError("must be a plain e-mail address: give@example.org") from None
    if address.ascii_email is None:
        raise ValueError(
            "must have no accented letter before the @: many mail servers refuse such an "
            "address. The domain may have them"
        )
    return address.ascii_email
