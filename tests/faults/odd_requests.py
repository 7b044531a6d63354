"""What strangers send: good requests, and everything that can be done to them. Pure, from dice.

A request is bytes, so that it can be wrong in ways that no client library would write.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final
from urllib.parse import quote

from tests.faults.good_requests import Known, Request, good_request
from tests.faults.oddities import MULTIPART, ODD_HEADERS, ODD_TEXTS

# With one of these, what the server takes for the end of the request is its own affair.
FRAMING: Final = {"Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "Connection", "Host"}
METHODS: Final = "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND BREW get".split()
SEGMENTS: Final = (
    "%00",
    "%ff",
    "%zz",
    "%2e%2e",
    "%2F",
    "..",
    ".",
    "*",
    "%E2%80%AE",
    "%F0%9F%98%80",
    "",
)


def draw_request(known: Known, dice: Random) -> Request:
    """Draw a request and do some things to it."""
    request = good_request(known, dice)
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        request = dice.choice(SPOILERS)(request, dice)
    return request


def _other_method(request: Request, dice: Random) -> Request:
    return replace(request, method=dice.choice(METHODS))


def _other_path(request: Request, dice: Random) -> Request:
    segments = request.path.split("/")
    at = dice.randrange(len(segments))
    odd = quote(dice.choice(ODD_TEXTS), safe="", errors="surrogatepass")
    segments[at] = dice.choice([odd, dice.choice(SEGMENTS), segments[at] + odd[:9]])
    path = "/".join(segments) or "/"
    return replace(request, path=path if dice.random() < 0.05 else "/" + path.lstrip("/"))


def _other_query(request: Request, dice: Random) -> Request:
    name = dice.choice("code amount mode lang back problem look next status by from page q".split())
    odd = quote(dice.choice(ODD_TEXTS), safe="", errors="surrogatepass")
    odd = dice.choice([odd, "%ff", "%", "&&&=", f"{odd}&{name}={odd}"])
    joint = "&" if "?" in request.path else "?"
    return replace(request, path=f"{request.path}{joint}{name}={odd}")


def _odd_header(request: Request, dice: Random) -> Request:
    name = dice.choice(sorted(ODD_HEADERS))
    value = dice.choice(ODD_HEADERS[name])
    kept = tuple(h for h in request.headers if h[0] != name or dice.random() < 0.3)
    whole = request.whole and name not in FRAMING and value.isprintable()
    return replace(request, headers=(*kept, (name, value)), whole=whole)


def _odd_body(request: Request, dice: Random) -> Request:
    body = bytearray(request.body or b"x=1")
    match dice.randrange(5):
        case 0:
            for _ in range(dice.randrange(1, 8)):
                body[dice.randrange(len(body))] = dice.randrange(256)
        case 1:
            del body[dice.randrange(len(body)) :]
        case 2:
            body = bytearray(dice.randbytes(dice.choice([1, 100, 5_000])))
        case 3:
            body += body[: dice.randrange(len(body) + 1)]
        case _:
            body = bytearray(dice.choice(MULTIPART))
    return replace(request, body=bytes(body))


def _too_large(request: Request, dice: Random) -> Request:
    return replace(request, body=b"a=" + b"b" * dice.choice([60_000, 70_000, 600_000]))


def _chunked(request: Request, dice: Random) -> Request:
    names = {name for name, _ in request.headers}
    if names & {"Content-Length", "Transfer-Encoding"}:
        return request
    return replace(request, chunked=True, body=request.body or dice.randbytes(20))


def _truncated(request: Request, dice: Random) -> Request:
    return replace(request, cut_at=dice.randrange(len(request.as_bytes()) + 1), whole=False)


SPOILERS: Final[tuple[Callable[[Request, Random], Request], ...]] = (
    _other_method,
    _other_path,
    _other_path,
    _other_query,
    _odd_header,
    _odd_header,
    _odd_header,
    _odd_body,
    _odd_body,
    _too_large,
    _chunked,
    _truncated,
)
