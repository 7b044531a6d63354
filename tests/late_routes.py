"""Builds FastAPI's routes when a test first calls them.

Each test builds its own application with up to 400 routes, and calls a few of them.
"""

from functools import cache
from typing import Any, Final

import starlette.routing
from fastapi.routing import APIRoute

BUILD: Final = APIRoute.__init__
# What a router reads of each of its routes to find the one that a request is for.
COMPILE: Final = cache(starlette.routing.compile_path)


def build_routes_late() -> None:
    """Make every `APIRoute` of this process build itself when it is first called or examined."""
    starlette.routing.compile_path = COMPILE
    APIRoute.__init__ = _remember  # type: ignore[method-assign]
    APIRoute.__getattr__ = _build  # type: ignore[attr-defined]


def _remember(self: APIRoute, path: str, endpoint: Any, **options: Any) -> None:
    self.path, self.endpoint = path, endpoint
    self.path_regex, self.path_format, self.param_convertors = COMPILE(path)
    self.methods = {method.upper() for method in options.get("methods") or ("GET",)}
    self.__dict__["options"] = options


def _build(self: APIRoute, name: str) -> Any:
    """Build the route, because it lacks this attribute, and return the attribute."""
    options = self.__dict__.pop("options", None)
    if options is None:
        raise AttributeError(name)
    BUILD(self, self.path, self.endpoint, **options)
    return getattr(self, name)
