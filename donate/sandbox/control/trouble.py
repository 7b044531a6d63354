"""Control routes for planned faults, which make the API's next answers go wrong."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from donate.sandbox.api import Api
from donate.sandbox.control.bodies import MAX_TIMES, ControlBody
from donate.sandbox.requests.trouble import Kind, Trouble


class MakeTrouble(ControlBody):
    path: str
    method: str = "POST"
    kind: Kind
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] = 30.0


def add_trouble(router: APIRouter, api: Api) -> None:
    @router.post("/trouble")
    async def trouble(body: MakeTrouble) -> dict[str, Any]:
        trouble = Trouble(body.path, body.method.upper(), body.kind, body.seconds)
        api.troubles.add(trouble, body.times)
        return {"waiting": len(api.troubles.waiting())}

    @router.delete("/trouble")
    async def no_trouble() -> dict[str, Any]:
        api.troubles.clear()
        return {"waiting": 0}
