"""Lets all apps of a test run share the signatures that FastAPI reads from their handlers.

Most tests build an app, and FastAPI reads the signature of every handler of it again. The
signature of a method does not depend on its object, so it is read once for each process.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import routing
from fastapi.dependencies import utils


def share_signatures() -> None:
    """Make FastAPI read the signature of each function once."""
    utils.get_typed_signature = _once(utils.get_typed_signature)  # type: ignore[assignment]
    shared = _once(utils.get_typed_return_annotation)
    routing.get_typed_return_annotation = shared  # type: ignore[assignment,attr-defined]


def _once(read: Callable[[Callable[..., Any]], Any]) -> Callable[[Callable[..., Any]], Any]:
    # A method and its function have different signatures, so each kind of callable has its own.
    known: dict[type, WeakKeyDictionary[Any, Any]] = defaultdict(WeakKeyDictionary)

    def read_once(call: Callable[..., Any]) -> Any:
        of_this_kind = known[type(call)]
        function = getattr(call, "__func__", call)
        if function not in of_this_kind:
            of_this_kind[function] = read(call)
        return of_this_kind[function]

    return read_once
