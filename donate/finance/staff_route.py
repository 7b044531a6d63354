"""The staff routes' own class, so that a check may answer a request in place of its handler."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response


class AlreadyAnswered(Exception):
    """Raised when the access check has answered a request, so that its handler does not run."""

    def __init__(self, response: Response) -> None:
        self.response = response


class FinanceRoute(APIRoute):
    """A staff route. The access check (`Gate`) may answer a request instead of its handler."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler. An AlreadyAnswered exception becomes the response."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            # PostgreSQL rejects NUL in any text. Replace it with a control character that matches
            # nothing.
            request.scope["path_params"] = {
                name: value.replace("\x00", "\x01") if isinstance(value, str) else value
                for name, value in request.path_params.items()
            }
            query: bytes = request.scope["query_string"]
            request.scope["query_string"] = query.replace(b"%00", b"%01")
            try:
                return await handler(request)
            except AlreadyAnswered as answered:
                return answered.response
            finally:
                await request.close()  # closes the files uploaded with the form

        return handle
