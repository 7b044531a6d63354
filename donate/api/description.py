"""Builds the API's OpenAPI document, in which every error is a problem document."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from donate.web.problem_documents import MEDIA_TYPE, Problem

_COMPONENT: Final = "#/components/schemas/{model}"

_REFUSALS: Final = {
    400: "The body is not JSON, or the Idempotency-Key header is missing or invalid.",
    401: "No token was sent.",
    403: "Too many gifts at once, so each needs a proof first. Nothing was recorded. Send the same "
    "request with the same key again, and with the header `Donate-Proof`: after `challenge.wait_s` "
    "seconds `challenge.token`, or at once `token:work`, where `work` is a number with which the "
    "SHA-256 hash of the header's value begins with `challenge.bits` zero bits. A program with a "
    "staff token as its Bearer token needs no proof.",
    404: "Not found, or the token does not give access to it.",
    408: "The request took too long to arrive.",
    409: "Contradicts the recorded gift: another request for it was faster.",
    413: "The body is larger than 64 KB.",
    415: "The body is not application/json.",
    422: "A field is wrong, the region does not offer the combination, or the Idempotency-Key can "
    "be guessed, is a day old, or was sent before with another body. `errors` says where.",
    429: "Too many gifts from this network, or card gifts are paused. Nothing was recorded. Other "
    "modes may still be open.",
    503: "Temporarily unavailable. The gift may be recorded without an answer from Stripe. "
    "Send the same request with the same key to continue.",
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
    403: _RETRY_AFTER,
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses that describe these error statuses."""
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
    """Return the OpenAPI document of the routes in `router`."""
    described = get_openapi(
        title="donate",
        version="1",
        description="Open gifts, read their status, and read what a region offers. "
        "Every error is a problem document (RFC 9457).",
        routes=router.routes,
    )
    schemas = described["components"]["schemas"]
    for operations in described["paths"].values():
        for operation in operations.values():
            # FastAPI adds its own 422 response to each route with a parameter. Remove it from
            # routes that accept every value of the parameter.
            refused = operation["responses"].get("422", {})
            if "application/json" in refused.get("content", {}):
                del operation["responses"]["422"]
    for theirs in ("HTTPValidationError", "ValidationError"):
        schemas.pop(theirs, None)
    ours = TypeAdapter(Problem).json_schema(ref_template=_COMPONENT)
    schemas |= ours.pop("$defs") | {"Problem": ours}
    return described
