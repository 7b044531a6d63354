"""The security headers of every response, such as the Content-Security-Policy."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeaders:
    """Adds security headers. Forms may lead only to this service and to `checkout_origins`."""

    def __init__(self, app: ASGIApp, *, checkout_origins: tuple[str, ...], https: bool) -> None:
        self._app = app
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            # Browsers apply form-action also to redirects after a form, so Stripe's page must be
            # allowed.
            "form-action 'self' " + " ".join(checkout_origins)
        )
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        }
        if https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers. Caching is forbidden unless the route set `Cache-Control`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                names = {name for name, _ in headers}
                headers.extend(h for h in self._headers if h[0] not in names)
                if b"cache-control" not in names:
                    # Browsers may cache static files and revalidate them by ETag. Pages are
                    # private.
                    is_static = scope["path"].startswith("/static/")
                    headers.append((b"cache-control", b"no-cache" if is_static else b"no-store"))
            await send(message)

        await self._app(scope, receive, with_headers)
