"""Serves files that never change while the service runs, compressed once, at start.

A page links to a file by a name that contains a hash of its content, such as
`donate.1f5c4d0a9b3e.css`. Browsers keep such a file for a year, because other content has another
name. Browsers check a file under its plain name by its ETag each time, because other sites link to
`/static/embed.js` for good. They also check a name with an unknown hash: pages of another release
have such names while processes are replaced one by one.

Scripts are served without comments on lines of their own, without indentation and empty lines.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from donate.web.security_headers import ANY_SITE

STATIC: Final = Path(__file__).parents[2] / "static"
_KEEP_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
_CHECK_EACH_TIME: Final = "no-cache"
_HASH_LENGTH: Final = 12
_HASH: Final = re.compile(rf"\.[0-9a-f]{{{_HASH_LENGTH}}}(?=\.)")
_TEXTS: Final = frozenset({"text/css", "text/javascript", "image/svg+xml"})
"""The media types of texts. Images in other formats are compressed already."""
_SCRIPT: Final = "text/javascript"
_FOR_PEOPLE: Final = re.compile(rb"^ *(//.*)?\n|^ +", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file with its hashed name. `compressed` is None if gzip does not make the file smaller."""

    name: str
    hashed_name: str
    media_type: str
    content: bytes
    compressed: bytes | None

    @classmethod
    def of(cls, name: str, content: bytes) -> "StaticFile":
        """Return the file with this name and content. The name's ending decides the media type."""
        media_type = guess_type(name)[0] or "application/octet-stream"
        if media_type == _SCRIPT:
            content = _FOR_PEOPLE.sub(b"", content)
        stem, dot, ending = name.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]
        compressed = gzip.compress(content, 9, mtime=0) if media_type in _TEXTS else None
        if compressed and len(compressed) >= len(content):
            compressed = None
        return cls(name, f"{stem}.{digest}{dot}{ending}", media_type, content, compressed)


@cache
def shipped_files() -> tuple[StaticFile, ...]:
    """Return the files in `donate/static`."""
    return tuple(StaticFile.of(path.name, path.read_bytes()) for path in sorted(STATIC.iterdir()))


class StaticFiles:
    """The files in `donate/static`, and others that are added, by their plain and hashed names."""

    def __init__(self) -> None:
        self._files = {file.name: file for file in shipped_files()}
        self._named = self._files | {file.hashed_name: file for file in shipped_files()}
        self.route = Route("/static/{name}", self.answer, methods=["GET"])

    def add(self, name: str, content: bytes) -> str:
        """Add a file, and return the path under which pages link to it."""
        file = StaticFile.of(name, content)
        self._files[name] = file
        self._named |= {name: file, file.hashed_name: file}
        return self.path(name)

    def path(self, name: str) -> str:
        """Return the path under which pages link to a file. Raises KeyError if there is none."""
        return f"/static/{self._files[name].hashed_name}"

    def content(self, name: str) -> bytes:
        """Return the content of a file. Raises KeyError if there is none."""
        return self._files[name].content

    async def answer(self, request: Request) -> Response:
        """Answer a request for a file, compressed if the browser accepts that."""
        name = request.path_params["name"]
        file = self._named.get(name) or self._files.get(_HASH.sub("", name))
        if file is None:
            raise HTTPException(404)
        etag = f'"{file.hashed_name}"'
        headers = {
            "Cache-Control": _KEEP_FOR_A_YEAR if name == file.hashed_name else _CHECK_EACH_TIME,
            "ETag": etag,
            "Vary": "Accept-Encoding",
            **ANY_SITE,
        }
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content, media_type = file.content, file.media_type
        if media_type in _TEXTS:
            media_type += "; charset=utf-8"
        if file.compressed and _accepts_gzip(request.headers):
            content, headers["Content-Encoding"] = file.compressed, "gzip"
        return Response(content, headers=headers, media_type=media_type)


def _accepts_gzip(headers: Headers) -> bool:
    """Return whether the browser accepts gzip; `gzip;q=0` means that it does not."""
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return not weight or weight.strip("0.") != ""
    return False
