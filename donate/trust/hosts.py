"""The rule for the hosts outside of this service to which a donor may be sent."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from donate.mail_server import ascii_host

# What a URL may be made of (RFC 3986). Browsers read a backslash as a slash and skip tabs and line
# breaks, so a URL with one of these could lead to another host than we think.
_URL: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_HOST: Final = re.compile(r"(?!.*\.\.)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")
_THIS_MACHINE: Final = ("127.0.0.1", "localhost")


def may_send_donor_to(url: str, hosts: Collection[str]) -> bool:
    """Return whether a donor may be sent to a URL. `hosts` are those of CHECKOUT_HOSTS.

    The host and port have to be exactly one of `hosts`, in upper or lower case: no subdomain, no
    dot at the end, no other port. There may be no user name before it. The URL has to begin with
    https://, or with http:// to this machine, where a test server may run.
    """
    if not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_encrypted = parts.scheme == "https" or (
        parts.scheme == "http" and parts.netloc.partition(":")[0] in _THIS_MACHINE
    )
    return is_encrypted and parts.netloc.lower() in hosts


def check_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Return hosts in ASCII and in lower case. Raises ValueError unless each is a bare host."""
    bare = []
    for host in hosts:
        ascii_name = ascii_host(host).lower() if not set("/?#@") & set(host) else ""
        if not _HOST.fullmatch(ascii_name):
            raise ValueError("must be hosts such as checkout.stripe.com, without https:// or path")
        bare.append(ascii_name)
    return tuple(bare)
