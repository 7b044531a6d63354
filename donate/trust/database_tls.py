"""The rule for the way to PostgreSQL: on this machine, or through TLS that names the server."""

import ipaddress
from typing import Any, Final

from psycopg import pq
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_CHECKED: Final = "verify-full"


def check_database_tls(url: str) -> None:
    """Refuse a database that is reached over a network without a checked certificate.

    Raises ValueError. A URL that cannot be read is refused elsewhere.
    """
    parameters = _parameters(url)
    hosts = (parameters.get("hostaddr") or parameters.get("host") or "").split(",")
    if parameters.get("sslmode") != _CHECKED and not all(_is_here(host) for host in hosts):
        raise ValueError(
            "DATABASE_URL leads to another machine, so it must end with ?sslmode=verify-full (and "
            "&sslrootcert=FILE for an authority of your own). If something else protects the way, "
            "such as a tunnel, set DATABASE_TLS=optional"
        )


def _parameters(url: str) -> dict[str, Any]:
    """Return what libpq would use: what the URL says, then its variables such as PGHOST."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return {}
    if parsed.get_backend_name() != "postgresql":
        return {}
    _, named = (
        parsed.set(drivername="postgresql+psycopg").get_dialect()().create_connect_args(parsed)
    )
    standard = {
        option.keyword.decode(): option.val.decode()
        for option in pq.Conninfo.get_defaults()
        if option.val
    }
    return standard | dict(named)


def _is_here(host: str) -> bool:
    # A host that begins with / or @ is a Unix socket. So is none at all.
    if not host or host[0] in "/@" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
