"""A server on this machine that plays the siteverify of Turnstile or hCaptcha."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

SECRET = "0x4AAA-a-secret-of-tests"
SITE_KEY = "0x4AAA-a-site-key"
HOST = "127.0.0.1"


@dataclass
class SiteVerify:
    """Accepts each answer in `good` once, as the providers do, and notes what it was asked.

    It compresses its reply if the request accepts that.

    `verdict` is added to a success. `raw` is sent in place of any verdict. `drip_s` is the pause
    before each byte of the whole reply, and `wait` is awaited before it.
    """

    url: str = ""
    good: set[str] = field(default_factory=set)
    verdict: dict[str, Any] = field(default_factory=lambda: {"hostname": HOST, "action": "gift"})
    status: int = 200
    raw: bytes | None = None
    drip_s: float = 0.0
    wait: threading.Event | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)

    def reply(self, form: dict[str, str]) -> bytes:
        self.asked.append(form)
        if self.raw is not None:
            return self.raw
        answer = form.get("response", "")
        if form.get("secret") != SECRET:
            return _refused("invalid-input-secret")
        if answer in self._used:
            return _refused("timeout-or-duplicate")
        if answer not in self.good:
            return _refused("invalid-input-response")
        self._used.add(answer)
        return json.dumps({"success": True, "error-codes": [], **self.verdict}).encode()


def _refused(code: str) -> bytes:
    return json.dumps({"success": False, "error-codes": [code]}).encode()


@contextmanager
def running_siteverify() -> Iterator[SiteVerify]:
    played = SiteVerify()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            reply = played.reply({name: each[0] for name, each in parse_qs(body).items()})
            if played.wait:
                played.wait.wait(10)
            head = f"HTTP/1.1 {played.status} X\r\n"
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                reply = gzip.compress(reply)
                head += "Content-Encoding: gzip\r\n"
            sent = f"{head}Content-Length: {len(reply)}\r\n\r\n".encode() + reply
            try:
                for byte in (sent,) if not played.drip_s else _bytes(sent):
                    time.sleep(played.drip_s)
                    self.wfile.write(byte)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        played.url = f"http://{HOST}:{server.server_address[1]}/siteverify"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield played
        server.shutdown()
        thread.join()


def _bytes(text: bytes) -> Iterator[bytes]:
    return (text[at : at + 1] for at in range(len(text)))
