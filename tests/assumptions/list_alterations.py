"""Alterations of Stripe's lists: another order, no filter, or no further pages."""

from tests.assumptions.altered_stripe import Answer, SentRequest


def oldest_first(request: SentRequest, answer: Answer) -> None:
    if request.path == "/v1/events":
        answer.body["data"].reverse()


def without_more(_: SentRequest, answer: Answer) -> None:
    if answer.body.get("object") == "list":
        answer.body["has_more"] = False


def never_too_long(request: SentRequest) -> None:
    if request.parameters.get("limit") == "101":
        request.parameters["limit"] = "100"


def any_type(request: SentRequest) -> None:
    for name in [name for name in request.parameters if name.startswith("types")]:
        del request.parameters[name]


def any_time(request: SentRequest) -> None:
    for name in [name for name in request.parameters if name.startswith("created")]:
        del request.parameters[name]


def any_status(request: SentRequest) -> None:
    if request.method == "GET":
        request.parameters.pop("status", None)
