"""Webhooks go to public addresses over https, and to no others."""

import pytest

from donate.errors import BadInput, ReceiverUnavailable
from donate.outbound_webhooks.targets import (
    NO_DNS_ADDRESS,
    NOT_PUBLIC,
    Target,
    is_public,
    public_addresses,
    read_target,
    resolve_host,
)

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::a00:1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "nothing",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    """Loopback, private, link-local, multicast, translated and special addresses are refused."""
    assert not is_public(address)
    target = Target("crm.example.org", 443, "/")
    with pytest.raises(ReceiverUnavailable, match=NOT_PUBLIC):
        public_addresses(target, lambda _: [address])
    with pytest.raises(ReceiverUnavailable, match=NOT_PUBLIC):
        public_addresses(target, lambda _: ["93.184.216.34", address])


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:21f:cb07::1"])
def test_public_addresses_are_used(address: str) -> None:
    """Addresses of the internet are used, whether DNS gives them or the URL has them."""
    assert is_public(address)
    target = Target("crm.example.org", 443, "/")
    assert public_addresses(target, lambda _: [address]) == [address]
    assert public_addresses(Target(address, 443, "/"), lambda _: []) == [address]


def test_a_name_without_address_is_refused() -> None:
    """A name that DNS does not know gets nothing."""
    with pytest.raises(ReceiverUnavailable, match=NO_DNS_ADDRESS):
        public_addresses(Target("crm.example.org", 443, "/"), lambda _: [])


def test_a_name_that_dns_cannot_have_has_no_address() -> None:
    """Looking up an impossible name finds nothing, and raises nothing."""
    assert resolve_host(f"{'a' * 64}.example.org") == []


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://crm.example.org", Target("crm.example.org", 443, "/")),
        ("https://crm.example.org:8443/a?b=c", Target("crm.example.org", 8443, "/a?b=c")),
        ("https://CRM.example.org:443/A", Target("crm.example.org", 443, "/A")),
        ("https://[2606:4700::1]/", Target("2606:4700::1", 443, "/")),
    ],
)
def test_the_parts_of_a_url(url: str, target: Target) -> None:
    """A URL is split into host, port and path; the path keeps its query."""
    assert read_target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "crm.example.org",
        "//crm.example.org/",
        "http://crm.example.org/",
        "ftp://crm.example.org/",
        "file:///etc/passwd",
        "https:///path",
        "https://crm.example.org:444/",
        "https://crm.example.org:22/",
        "https://crm.example.org:0/",
        "https://crm.example.org:99999/",
        "https://crm.example.org:x/",
        "https://ann@crm.example.org/",
        "https://ann:secret@crm.example.org/",
        "https://crm.example.org/#part",
        "https://crm.example.org/a b",
        "https://crm.example.org/\r\nHost: x",
        "https://crm.example.org/é",
        "https://crm.example.org\\@127.0.0.1/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[half/",
        "http://127.0.0.1/",
        "http://localhost:8000/",
        f"https://crm.example.org/{'a' * 500}",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """Without https, at another port, with a password or a private address, a URL is refused."""
    with pytest.raises(BadInput) as refused:
        read_target(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/a", "http://localhost:9000/a"])
def test_only_the_demo_sends_to_this_machine(url: str) -> None:
    """The demo may send over http to this machine, at any port, and to no other machine."""
    target = read_target(url, allows_this_machine=True)
    assert (target.port, target.has_tls) == (9000, False)
    assert public_addresses(target, lambda _: ["10.0.0.1"]) == ["127.0.0.1"]
    for other in ("http://10.0.0.1:9000/", "http://[::1]/", "https://127.0.0.1/"):
        with pytest.raises(BadInput):
            read_target(other, allows_this_machine=True)
