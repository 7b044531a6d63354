"""The rule for the proxies whose `X-Forwarded-For` is believed.

Whoever is believed can claim any address, and so go around all limits. So the setting names the
proxies, and never a network that strangers are in.
"""

import ipaddress
from typing import Final

# The shortest prefix that a network of proxies may have, in IPv4 and IPv6. 10.0.0.0/8 is the widest
# private network of IPv4. In IPv6, one site has a /48 or a longer prefix, and a provider a /32.
_SHORTEST_PREFIX: Final = {4: 8, 6: 32}
# IPv6 can write each IPv4 address, in its last 32 bits: ::ffff:203.0.113.7.
_BITS_BEFORE_IPV4: Final = 96


def check_proxies(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Return the networks as they are. Raises ValueError if one is invalid or too wide."""
    for text in networks:
        if text == "*":
            raise ValueError("must name the proxies: with * any client could fake its address")
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise ValueError(
                "must be addresses or networks of proxies, such as 127.0.0.1 or 10.1.0.0/16, "
                "without bits after the prefix"
            ) from None
        if _is_too_wide(network):
            raise ValueError(
                "has a network that is too wide, so that strangers could fake their addresses: "
                "name the proxies, at most a /8 of IPv4 or a /32 of IPv6"
            )
    return networks


def _is_too_wide(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    if network.version == 6 and network.network_address.ipv4_mapped:
        return network.prefixlen - _BITS_BEFORE_IPV4 < _SHORTEST_PREFIX[4]
    return network.prefixlen < _SHORTEST_PREFIX[network.version]
