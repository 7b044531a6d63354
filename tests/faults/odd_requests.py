"""Odd requests of strangers: valid requests, spoiled in many ways.

A request is written as bytes, so that it can be malformed in ways that HTTP clients prevent. The
functions are pure: the random generator that they are given decides everything.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final
from urllib.parse import quote

from tests.faults.good_requests import Known, Request, good_request
from tests.faults.oddities import MULTIPART, ODD_HEADERS, ODD_TEXTS

# With these headers, the server may expect a longer or shorter request than we sent.
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


def draw_request(known: Known, rng: Random) -> Request:
    """Draw a valid request, and spoil it up to three times."""
    request = good_request(known, rng)
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        request = rng.choice(SPOILERS)(request, rng)
    return request


def _other_method(request: Request, rng: Random) -> Request:
    return replace(request, method=rng.choice(METHODS))


def _other_path(request: Request, rng: Random) -> Request:
    segments = request.path.split("/")
    index = rng.randrange(len(segments))
    odd = quote(rng.choice(ODD_TEXTS), safe="", errors="surrogatepass")
    segments[index] = rng.choice([odd, rng.choice(SEGMENTS), segments[index] + odd[:9]])
    path = "/".join(segments) or "/"
    return replace(request, path=path if rng.random() < 0.05 else "/" + path.lstrip("/"))


def _other_query(request: Request, rng: Random) -> Request:
    name = rng.choice("code amount mode lang back problem look next status by from page q".split())
    odd = quote(rng.choice(ODD_TEXTS), safe="", errors="surrogatepass")
    odd = rng.choice([odd, "%ff", "%", "&&&=", f"{odd}&{name}={odd}"])
    joint = "&" if "?" in request.path else "?"
    return replace(request, path=f"{request.path}{joint}{name}={odd}")


def _odd_header(request: Request, rng: Random) -> Request:
    name = rng.choice(sorted(ODD_HEADERS))
    value = rng.choice(ODD_HEADERS[name])
    headers = tuple(h for h in request.headers if h[0] != name or rng.random() < 0.3)
    whole = request.whole and name not in FRAMING and value.isprintable()
    return replace(request, headers=(*headers, (name, value)), whole=whole)


def _odd_body(request: Request, rng: Random) -> Request:
    body = bytearray(request.body or b"x=1")
    match rng.randrange(5):
        case 0:
            for _ in range(rng.randrange(1, 8)):
                body[rng.randrange(len(body))] = rng.randrange(256)
        case 1:
            del body[rng.randrange(len(body)) :]
        case 2:
            body = bytearray(rng.randbytes(rng.choice([1, 100, 5_000])))
        case 3:
            body += body[: rng.randrange(len(body) + 1)]
        case _:
            body = bytearray(rng.choice(MULTIPART))
    return replace(request, body=bytes(body))


def _too_large(request: Request, rng: Random) -> Request:
    return replace(request, body=b"a=" + b"b" * rng.choice([60_000, 70_000, 600_000]))


def _chunked(request: Request, rng: Random) -> Request:
    names = {name for name, _ in request.headers}
    if names & {"Content-Length", "Transfer-Encoding"}:
        return request
    return replace(request, chunked=True, body=request.body or rng.randbytes(20))


def _truncated(request: Request, rng: Random) -> Request:
    return replace(request, cut_at=rng.randrange(len(request.as_bytes()) + 1), whole=False)


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
