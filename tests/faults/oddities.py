"""Odd texts, JSON values, headers and bodies, to put into requests."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

ODD_TEXTS: Final = (
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "NaN",
    "9" * 40,
    "٣",
    "\x00",
    "a\x00b",
    "\ud800",
    "😀" * 50,
    "é\u0301",
    "\u202etxet",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "%s%n%(x)s{0}{x}",
    "../../etc/passwd",
    "..%2f..%2f",
    "\r\nSet-Cookie: a=b",
    "4242424242424242",
    "true",
    "null",
    "[]",
    "{}",
    "LWCAN",
    "lw-can",
    "0" * 5_000,
    "x" * 30_000,
    "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}",
    "2026-02-30",
    "9999-12-31",
    "0001-01-01",
    "-9223372036854775809",
    "18446744073709551616",
)
ODD_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    -(2**63) - 1,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"": {}},
    *ODD_TEXTS,
)
ADDRESSES: Final = (
    "1.2.3.4",
    "1.2.3.4, 5.6.7.8",
    ",,,",
    "unknown",
    "::1",
    "[::1]:443",
    "fe80::1%eth0",
    "::ffff:1.2.3.4",
    "2001:db8::/32",
    "999.999.999.999",
    "127.0.0.1:99999999",
    '"quoted"',
    "a" * 3_000,
    ", ".join(["10.0.0.1"] * 400),
    "\xff\xfe",
    "1.2.3.4\x0b",
    "",
)
ODD_HEADERS: Final[dict[str, Sequence[str]]] = {
    "X-Forwarded-For": ADDRESSES,
    "X-Forwarded-Proto": ("https", "http", "ftp", "https,http", "", "\xe9", "x" * 2_000),
    "X-Forwarded-Host": ("evil.example", "", "a b", "[::1"),
    "Forwarded": ("for=1.2.3.4;proto=https", 'for="[::1]"', ";;;="),
    "Host": ("", "evil.example", "[::1", "a:b:c", "a" * 3_000, "\xff", "localhost:99999999"),
    "Cookie": ("donate_staff=", "donate_staff=\xff", "a" * 8_000, ";;;===", 'x="', "donate_staff"),
    "Content-Type": (
        "",
        "text/plain",
        "application/json; charset=utf-7",
        "application/x-www-form-urlencoded; charset=no-such",
        "application/x-www-form-urlencoded; charset=utf-16",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=xyz",
        "multipart/form-data; boundary=" + "b" * 500,
        "multipart/form-data; boundary=\xff",
        "application/json;" * 50,
        "/",
    ),
    "Content-Encoding": ("gzip", "br", "deflate, gzip", "x"),
    "Accept": ("", "*/*;q=x", "application/json", "text/html;q=0"),
    "Accept-Language": (
        "fr",
        "*",
        "fr;q=x",
        "-",
        "x" * 4_000,
        ",".join(["en"] * 500),
        "\xff",
        "fr;q=9",
    ),
    "Authorization": ("Bearer", "Bearer ", "Bearer \xff", "Basic Og==", "Bearer " + "a" * 5_000),
    "Idempotency-Key": ("", " ", '"quoted"', "k" * 300, "\xff", "a,b", "k\x7f"),
    "Stripe-Signature": ("", "t=1,v1=", "t=٣,v1=x", "t=1," + "v1=a," * 500, "\xff", "v1=x,t="),
    "Sec-Fetch-Site": ("cross-site", "none", "\xff"),
    "Origin": ("null", "https://evil.example", "\xff"),
    "Expect": ("100-continue", "200-ok"),
    "Range": (
        "bytes=0-",
        "bytes=9-1",
        "bytes=-",
        "lines=1-2",
        "bytes=0-1,5-6",
        "bytes=" + "9" * 300,
    ),
    "If-None-Match": ("*", '"x"', "\xff"),
    "If-Modified-Since": ("yesterday", "Thu, 99 Foo 0000 00:00:00 GMT", ""),
    "If-Range": ("x", "Thu, 99 Foo 0000 00:00:00 GMT"),
    "Upgrade": ("websocket", "h2c", ""),
    "Connection": ("upgrade", "keep-alive", "close, close"),
    "Content-Length": ("-1", "+5", "0x10", "9" * 30, "1, 1", "5 ", "0"),
    "Transfer-Encoding": ("chunked", "identity", "gzip, chunked", "chunked, chunked", "x"),
}
MULTIPART: Final = (
    b'--xyz\r\nContent-Disposition: form-data; name="amount"\r\n\r\n5\r\n--xyz--\r\n',
    b'--xyz\r\nContent-Disposition: form-data; name="amount"; filename="a"\r\n\r\n5\r\n--xyz--\r\n',
    b"--xyz\r\nContent-Disposition: form-data\r\n\r\n5\r\n--xyz--\r\n",
    b"--xyz\r\n\r\n\r\n--xyz",
    b"--xyz\r\n" * 500,
    b"&" * 3_000,
    b"=&" * 2_000,
    b"a[b]=c&a[b]=d&%=%&%00=%00",
)


def spoil_json(payload: Any, rng: Random) -> Any:
    """Return a copy of the JSON value with one member replaced, removed or added."""
    if isinstance(payload, dict) and payload and rng.random() < 0.85:
        name = rng.choice(sorted(payload))
        if rng.random() < 0.15:
            return {key: value for key, value in payload.items() if key != name}
        if rng.random() < 0.1:
            return payload | {rng.choice(ODD_TEXTS)[:50]: rng.choice(ODD_VALUES)}
        return payload | {name: spoil_json(payload[name], rng)}
    return rng.choice(ODD_VALUES)
