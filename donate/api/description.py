"""How the doors for programs describe themselves: OpenAPI, with problem documents as they are."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from donate.web.problem_documents import MEDIA_TYPE, Problem

_COMPONENT: Final = "#/components/schemas/{model}"

_REFUSALS: Final = {
    400: "The body is not JSON, or the Idempotency-Key header is missing or unfit.",
    401: "No token was sent.",
    404: "There is no such thing, or it is not yours to see.",
    408: "The request took too long to arrive.",
    409: "Contradicts what is recorded: another request for this gift was faster.",
    413: "The body is larger than 64 KB.",
    415: "The body is not application/json.",
    422: "Some of the body is wrong, is not offered by the region, or is not what this "
    "Idempotency-Key was sent with before. `errors` says where.",
    429: "Too many card gifts were begun from this address, or in all. Nothing was recorded.",
    503: "Cannot be done just now; a gift may be recorded and Stripe out of reach, or unwilling. "
    "The same request with the same key continues where it stopped.",
}
_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    }
}
_HEADERS: Final = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the statuses with which a route may refuse."""
    content = {MEDIA_TYPE: {"schema": {"$ref": _COMPONENT.format(model="Problem")}}}
    return {
        status: {
            "description": _REFUSALS[status],
            "content": content,
            "headers": _HEADERS.get(status, {}),
        }
        for status in statuses
    }


def describe(router: APIRouter) -> dict[str, Any]:
    """Return the OpenAPI document of the routes in `router`, and of no others."""
    described = get_openapi(
        title="donate",
        version="1",
        description="Open gifts, ask what became of them, and read what a region offers. "
        "Every refusal is a problem document (RFC 9457).",
        routes=router.routes,
    )
    schemas = described["components"]["schemas"]
    for operations in described["paths"].values():
        for operation in operations.values():
            # FastAPI adds its own 422 wherever there is a parameter; our others take any text.
            refused = operation["responses"].get("422", {})
            if "application/json" in refused.get("content", {}):
                del operation["responses"]["422"]
    for theirs in ("HTTPValidationError", "ValidationError"):
        schemas.pop(theirs, None)
    ours = TypeAdapter(Problem).json_schema(ref_template=_COMPONENT)
    schemas |= ours.pop("$defs") | {"Problem": ours}
    return described
