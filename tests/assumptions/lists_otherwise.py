"""Lists that are otherwise than at Stripe: in another order, of other things, without an end."""

from tests.assumptions.spoiling import Answer, Asked


def oldest_first(asked: Asked, answer: Answer) -> None:
    if asked.path == "/v1/events":
        answer.found["data"].reverse()


def says_no_more(_: Asked, answer: Answer) -> None:
    if answer.found.get("object") == "list":
        answer.found["has_more"] = False


def never_too_long(asked: Asked) -> None:
    if asked.parameters.get("limit") == "101":
        asked.parameters["limit"] = "100"


def any_type(asked: Asked) -> None:
    for name in [name for name in asked.parameters if name.startswith("types")]:
        del asked.parameters[name]


def any_time(asked: Asked) -> None:
    for name in [name for name in asked.parameters if name.startswith("created")]:
        del asked.parameters[name]


def any_status(asked: Asked) -> None:
    if asked.method == "GET":
        asked.parameters.pop("status", None)
