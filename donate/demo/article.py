"""The demo's example of another web site: an article with the embedded Give dialog.

The page has a different origin than the service, and a strict Content-Security-Policy.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

CODE: Final = "LWCAN"
STAFF_EMAIL: Final = "finance@example.org"

_ARTICLE: Final = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>An article</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>An article on another website</h1>
<p>This page stands for a page of your own. It has another address than the service, and its policy
allows no script except one file of the service.</p>
<p><a href="{service}/give/{code}" data-donate="{code}" data-theme="filled">{give}</a></p>
</main>
<script src="{service}/static/embed.js" async></script>
</body>
</html>
"""
_STYLE: Final = """
:root { color-scheme: light dark; --donate-accent: light-dark(#7a2e52, #e7a3c3); }
body { max-width: 36rem; margin: 3rem auto; padding: 0 1rem; font: 1.125rem/1.6 serif;
  color: light-dark(#1c1712, #f3eee6); background: light-dark(#ffffff, #17140f); }
a[data-donate] { color: light-dark(#7a2e52, #e7a3c3); font-weight: bold; }
"""


@contextmanager
def example_page(service: str, code: str) -> Iterator[str]:
    """Serve the page on a free port, and yield its origin. `/fr` is the page in French."""
    policy = (
        f"default-src 'none'; script-src {service}; connect-src {service}; style-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the page, or with its style sheet."""
            kind, body = "text/css", _STYLE
            if self.path != "/style.css":
                lang, give = ("fr", "Donner") if self.path == "/fr" else ("en", "Give")
                kind = "text/html"
                body = _ARTICLE.format(lang=lang, give=give, service=service, code=code)
            content = body.encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing, because logs would clutter the demo's terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, name="example", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
