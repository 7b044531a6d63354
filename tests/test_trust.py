"""Which proxies are believed, and to which hosts a donor is sent."""

import pytest

from donate.trust.hosts import may_send_donor_to
from tests.settings import load, refusal

STRIPE = "checkout.stripe.com"
HOSTS = (STRIPE, "pay.xn--glise-9ra.example", "shop.example:8443", "127.0.0.1:9", "localhost")


@pytest.mark.parametrize(
    "url",
    [
        f"https://{STRIPE}",
        f"https://{STRIPE}/c/pay/cs_test_a1#fidkdWxOYHwnPyd1blpxYHZxWjA0",
        f"https://{STRIPE}/@evil.example?next=https://evil.example",
        "HTTPS://Checkout.Stripe.COM/c",
        "https://pay.xn--glise-9ra.example/",
        "https://shop.example:8443/",
        "http://127.0.0.1:9/pay",
        "https://127.0.0.1:9/pay",
        "http://localhost/pay",
    ],
)
def test_a_donor_may_be_sent_to_a_named_host(url: str) -> None:
    """The host and port are named in the settings, and the connection is encrypted."""
    assert may_send_donor_to(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "",
        STRIPE,
        f"//{STRIPE}/c",
        f"///{STRIPE}",
        f"/{STRIPE}",
        f"https:{STRIPE}",
        f"https:/{STRIPE}",
        f"https:///{STRIPE}",
        f"http://{STRIPE}/c",
        f"ftp://{STRIPE}/c",
        f"javascript://{STRIPE}/%0aalert(1)",
        f"https://{STRIPE}.",
        f"https://{STRIPE}:443/",
        f"https://{STRIPE}:8443/",
        f"https://{STRIPE}:",
        f"https://evil.{STRIPE}/",
        f"https://{STRIPE}.evil.example/",
        f"https://evil{STRIPE}/",
        "https://stripe.com/",
        f"https://ann@{STRIPE}/",
        f"https://ann:secret@{STRIPE}/",
        f"https://{STRIPE}@evil.example/",
        f"https://{STRIPE}%40evil.example/",
        f"https://evil.example/{STRIPE}",
        f"https://evil.example#{STRIPE}",
        f"https://evil.example?{STRIPE}",
        f"https://evil.example\\@{STRIPE}/",
        f"https:\\\\{STRIPE}/",
        f"https://{STRIPE}\\.evil.example/",
        f"https://evil.example\\.{STRIPE}",
        f" https://{STRIPE}/",
        f"https://{STRIPE}/ ",
        f"https://{STRIPE}/\n",
        "https://check\tout.stripe.com/",
        f"https://{STRIPE}\n.evil.example/",
        f"\0https://{STRIPE}/",
        "https://[::1]/",
        "https://[checkout.stripe.com/",
        "https://checkout。stripe.com/",
        "https://сheckout.stripe.com/",
        "https://pay.église.example/",
        "https://shop.example/",
        "https://127.0.0.1/",
        "http://127.0.0.1:9@evil.example/",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_a_donor_is_sent_nowhere_else(url: str) -> None:
    """Nothing that a browser may read as another host, port or scheme is taken."""
    assert not may_send_donor_to(url, HOSTS)


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ("Checkout.Stripe.COM, pay.église.example", (STRIPE, "pay.xn--glise-9ra.example")),
        ("127.0.0.1:9", ("127.0.0.1:9",)),
    ],
)
def test_hosts_are_stored_as_browsers_write_them(given: str, hosts: tuple[str, ...]) -> None:
    """Hosts of the settings are stored in ASCII and in lower case."""
    assert load(checkout_hosts=given).checkout_hosts == hosts


@pytest.mark.parametrize(
    "given",
    [
        *("*", "*.stripe.com", ".stripe.com", "stripe.com.", "a..b", "a b", "a:b", "a:", ":443"),
        *("https://a", "a/b", "a?b", "a#b", "ann@a", "a\\b", "-", "[::1]"),
    ],
)
def test_only_bare_hosts_are_taken(given: str) -> None:
    """A pattern, a URL, or anything that is not a host is refused."""
    assert "CHECKOUT_HOSTS must be hosts" in refusal(checkout_hosts=given)


@pytest.mark.parametrize(
    "given",
    [
        *("127.0.0.1", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.1.7/32", "203.0.113.0/24"),
        *("2001:db8::/32", "fd00:1234::/48", "::ffff:10.0.0.0/104", "127.0.0.1, ::1"),
    ],
)
def test_named_proxies_are_believed(given: str) -> None:
    """Addresses and networks that are narrow enough are taken."""
    names = tuple(name.strip() for name in given.split(","))
    assert load(trusted_proxies=given).trusted_proxies == names


@pytest.mark.parametrize(
    "given",
    [
        *("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/7", "2000::/3"),
        *(
            "2001:db8::/31",
            "fc00::/7",
            "::ffff:0:0/96",
            "::ffff:10.0.0.0/103",
            "127.0.0.1,0.0.0.0/0",
        ),
    ],
)
def test_a_network_with_strangers_is_refused(given: str) -> None:
    """A network that is wider than /8, or /32 of IPv6, is refused with what to do instead."""
    message = refusal(trusted_proxies=given)
    assert message.startswith("TRUSTED_PROXIES ")
    assert "name the proxies" in message or "without bits after the prefix" in message


@pytest.mark.parametrize(
    "given",
    ["proxy.example.org", "10.0.0.0/33", "10.0.0.1/8", "10.0.0", "127.0.0.1:80", "localhost", "/8"],
)
def test_what_is_no_network_is_refused(given: str) -> None:
    """A name, a port or a network with bits after its prefix is refused with an example."""
    message = refusal(trusted_proxies=given)
    assert "TRUSTED_PROXIES must be addresses or networks of proxies" in message
