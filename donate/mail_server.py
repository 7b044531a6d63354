"""Where a mail server is, and who we are to it: reads `smtp://user:password@host:587`."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

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
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must end after the host and port; in a password, write / ? # as %2F…")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("must have both a user and a password, or neither")
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls_at_once=parts.scheme == "smtps",
        may_be_plain=parts.hostname in _THIS_MACHINE,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
