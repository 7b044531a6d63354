"""Problem documents (RFC 9457): the API's error responses. They show no internal details."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, NotRequired

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from typing_extensions import TypedDict  # Before Python 3.12, pydantic refuses typing.TypedDict

from donate.errors import N_, BadInput
from donate.web.templating import translate

MEDIA_TYPE: Final = "application/problem+json"
# Limit the errors in a response, because a request may have thousands of wrong fields.
MAX_ERRORS: Final = 20

# Replace the messages of pydantic that mention Python. Its other messages are fine.
_SENTENCES: Final = {
    "missing": N_("This is missing."),
    "extra_forbidden": N_("There is no such field."),
    "int_type": N_("This has to be a whole number, without quotes or decimals."),
    "string_too_short": N_("This is too short."),
    "string_too_long": N_("This is too long."),
    "string_type": N_("This has to be text."),
    "model_attributes_type": N_("This has to be a JSON object."),
}


class ProblemError(TypedDict):
    """One error in a request."""

    detail: Annotated[str, Field(description="What is wrong, and what to send instead.")]
    pointer: NotRequired[
        Annotated[
            str,
            Field(
                description="JSON pointer into the body (RFC 6901); empty for the whole body.",
                examples=["/donor/email"],
            ),
        ]
    ]
    header: NotRequired[
        Annotated[str, Field(description="Name of the header.", examples=["Idempotency-Key"])]
    ]


class ProblemChallenge(TypedDict):
    """What has to be done before the request is accepted: wait, or compute a proof of work.

    Send the same request again with the proof in the header `Donate-Proof`.
    """

    token: str
    bits: Annotated[int, Field(description="Zero bits with which the proof's hash has to begin.")]
    wait_s: Annotated[int, Field(description="Seconds after which the token alone is the proof.")]


class Problem(TypedDict):
    """The reason why a request was refused, as a problem document (RFC 9457)."""

    type: Annotated[str, Field(description="Always `about:blank`; see `status`.")]
    title: Annotated[str, Field(examples=["Please check what you entered."])]
    status: Annotated[int, Field(ge=400, le=599, examples=[422])]
    detail: NotRequired[str]
    errors: NotRequired[list[ProblemError]]
    code: NotRequired[
        Annotated[
            str,
            Field(
                description="`challenge_needed` with 403, `too_many_attempts` with 429.",
                examples=["challenge_needed"],
            ),
        ]
    ]
    challenge: NotRequired[ProblemChallenge]
    suggestion: NotRequired[
        Annotated[
            str,
            Field(description="The giving code that may have been meant.", examples=["LWCAN"]),
        ]
    ]


class Unreadable(HTTPException):
    """The request's body is not valid for its content type. `detail` is a msgid."""


class BadHeader(BadInput):
    """A header of the request is wrong. `field` is the header's name."""


def problem(
    status: int, title: str, detail: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return a response whose body is a problem document."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    return JSONResponse(
        body | more,
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def errors_in(problems: Iterable[BadInput], language: str) -> list[ProblemError]:
    """Return each problem's message in `language`, and the field or header it is about."""
    return [
        ProblemError(detail=translate(language, p.message, p.values), header=p.field)
        if isinstance(p, BadHeader)
        else ProblemError(detail=translate(language, p.message, p.values), pointer=f"/{p.field}")
        for p in problems
    ]


def errors_at(errors: Sequence[Mapping[str, Any]], language: str) -> list[ProblemError]:
    """Return pydantic's errors, each with its field or header, but without the quoted input."""
    return [
        _error_at(each["loc"], translate(language, _SENTENCES[each["type"]]))
        if each["type"] in _SENTENCES
        else _error_at(each["loc"], each["msg"])
        for each in errors[:MAX_ERRORS]
    ]


def _error_at(location: Sequence[str | int], detail: str) -> ProblemError:
    part, *path = map(str, location)
    if part == "header":
        return ProblemError(detail=detail, header=path[0])
    pointer = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)
    return ProblemError(detail=detail, pointer=pointer)
