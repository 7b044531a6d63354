"""Stripe's errors: an exception, and one function for each common reason to refuse a request.

Structure and codes: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes
"""

from typing import Any


class Refusal(Exception):
    """Raised for a request that gets an error object as its answer.

    `is_final` is true if the endpoint had started its work. Only then does Stripe save the answer
    under the request's idempotency key.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        is_final: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.is_final = is_final

    def body(self, request_log_url: str) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = request_log_url
        return {"error": dict(sorted(error.items()))}


def unknown_parameters(paths: list[str]) -> Refusal:
    noun = "parameter" if len(paths) == 1 else "parameters"
    return Refusal(
        f"Received unknown {noun}: {', '.join(paths)}", code="parameter_unknown", param=paths[0]
    )


def missing_parameter(path: str) -> Refusal:
    return Refusal(f"Missing required param: {path}.", code="parameter_missing", param=path)


def empty_parameter(path: str) -> Refusal:
    return Refusal(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{path}' cannot be unset. You should remove '{path}' from your "
        "request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=path,
    )


def invalid_parameter(path: str, message: str, code: str | None = None) -> Refusal:
    return Refusal(message, code=code, param=path)


def not_in_this_sandbox(path: str, value: str | None = None) -> Refusal:
    """Return the refusal for a parameter that Stripe accepts and the sandbox does not support."""
    name = path if value is None else f"{path}={value}"
    return Refusal(
        f"{name} is known to Stripe but not in this sandbox yet.",
        code="not_in_this_sandbox",
        param=path,
    )


def no_such(kind: str, object_id: str, param: str = "id", status: int = 404) -> Refusal:
    return Refusal(
        f"No such {kind}: '{object_id}'", status=status, code="resource_missing", param=param
    )


def unrecognized_url(method: str, path: str) -> Refusal:
    return Refusal(
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove "
        "the trailing slash. If you are trying to retrieve an object, make sure you passed a "
        "valid (non-empty) identifier in your code.",
        status=404,
    )


def no_access_to(account_id: str) -> Refusal:
    return Refusal(
        f"The provided key does not have access to account '{account_id}' (or that account "
        "does not exist).",
        status=403,
        code="account_invalid",
    )


def wrong_key(key: str | None) -> Refusal:
    if key is None:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        return Refusal(message, status=401)
    return Refusal(f"Invalid API Key provided: {_masked(key)}", status=401)


def _masked(key: str) -> str:
    return key[:8] + "*" * max(4, len(key) - 12) + key[-4:] if len(key) > 12 else "****"
