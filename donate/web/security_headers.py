"""The security headers of every response, such as the Content-Security-Policy."""

from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY_SITE: Final = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""The header of files that pages of other sites may show or run, such as the Give button."""


class SecurityHeaders:
    """Adds security headers. Forms may lead only to this service and to `checkout_origins`.

    `widget_origins` are those of the provider of challenges, if the operator chose one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        checkout_origins: tuple[str, ...],
        widget_origins: tuple[str, ...] = (),
        https: bool,
    ) -> None:
        self._app = app
        widgets = "".join(f" {origin}" for origin in widget_origins)
        policy = (
            f"default-src 'none'; style-src 'self'{widgets}; script-src 'self'{widgets}; "
            f"img-src 'self' data:; connect-src 'self'{widgets}; object-src 'none'; "
            + (f"frame-src{widgets}; " if widgets else "")
            + "base-uri 'none'; frame-ancestors 'none'; "
            # Browsers apply form-action also to redirects after a form, so Stripe's page must be
            # allowed.
            "form-action 'self' " + " ".join(checkout_origins)
        )
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": (
                "camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
                "accelerometer=(), gyroscope=(), magnetometer=(), browsing-topics=()"
            ),
        }
        if https:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers that the route did not set. Caching is forbidden unless it allows it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                names = {name for name, _ in headers}
                headers.extend(h for h in self._headers if h[0] not in names)
                if b"cache-control" not in names:
                    headers.append((b"cache-control", b"no-store"))
            await send(message)

        await self._app(scope, receive, with_headers)


class GuardedApp(FastAPI):
    """A FastAPI application whose every response has the security headers, errors included.

    Starlette answers an unexpected error outside of all middleware that `add_middleware` adds, so
    the headers are added around the whole application.
    """

    def __init__(
        self,
        *,
        checkout_origins: tuple[str, ...],
        widget_origins: tuple[str, ...],
        https: bool,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._checkout_origins = checkout_origins
        self._widget_origins = widget_origins
        self._https = https

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application with all its middleware."""
        app = super().build_middleware_stack()
        return SecurityHeaders(
            app,
            checkout_origins=self._checkout_origins,
            widget_origins=self._widget_origins,
            https=self._https,
        )
