"""Lets all applications of a test run share FastAPI's analysis of their handlers.

Each test builds its own application, and FastAPI would read the signatures of all its handlers
and compile all its paths again.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final

import starlette.routing
from fastapi import routing
from fastapi.dependencies import utils
from fastapi.dependencies.models import Dependant

ANALYSES: dict[tuple[object, str, str], Dependant] = {}
RETURNS: dict[object, object] = {}
ANALYSE: Final = utils.get_dependant
ANNOTATION: Final = utils.get_typed_return_annotation


def share_route_analyses() -> None:
    """Make FastAPI analyse each function, method and path once."""
    for module in (utils, routing):
        module.get_dependant = _analyse_once  # type: ignore[attr-defined]
        module.get_typed_return_annotation = _annotation_once  # type: ignore[attr-defined]
    compile_once = cache(starlette.routing.compile_path)
    for module in (starlette.routing, routing):
        module.compile_path = compile_once  # type: ignore[attr-defined]


def _lasting(call: Callable[..., Any]) -> object | None:
    """Return the function behind a handler; None if each application defines it anew."""
    function = getattr(call, "__func__", call)
    return None if "<locals>" in getattr(function, "__qualname__", "<locals>") else function


def _analyse_once(*, path: str, call: Callable[..., Any], **options: Any) -> Dependant:
    function = _lasting(call)
    if function is None:
        return ANALYSE(path=path, call=call, **options)
    key = (function, path, repr(sorted(options.items())))
    if key not in ANALYSES:
        ANALYSES[key] = ANALYSE(path=path, call=call, **options)
    found = ANALYSES[key]
    # The bound method differs, and FastAPI adds a route's own dependencies to this list.
    return replace(found, call=call, dependencies=list(found.dependencies))


def _annotation_once(call: Callable[..., Any]) -> Any:
    function = _lasting(call)
    if function is None:
        return ANNOTATION(call)
    if function not in RETURNS:
        RETURNS[function] = ANNOTATION(call)
    return RETURNS[function]
