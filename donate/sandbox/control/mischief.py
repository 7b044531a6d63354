"""Control routes that start, stop and list mischief, which means errors made on purpose."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.mischief.mischief import (
    ALL_KINDS,
    DEFAULT_RATE,
    Mischief,
    MischiefKind,
    MischiefSettings,
)


class MakeMischief(ControlBody):
    """The body of a request to start mischief. If `seed` is None, the request stops it."""

    seed: int | None
    kinds: Annotated[tuple[MischiefKind, ...], Field(min_length=1)] = ALL_KINDS
    rate: Annotated[float, Field(ge=0, le=1)] = DEFAULT_RATE
    time_scale: Annotated[float, Field(ge=0, le=100)] = 1.0


def add_mischief(router: APIRouter, mischief: Mischief) -> None:
    @router.get("/mischief")
    async def done() -> dict[str, Any]:
        return _as_json(mischief)

    @router.post("/mischief")
    async def begin(body: MakeMischief) -> dict[str, Any]:
        settings = None
        if body.seed is not None:
            settings = MischiefSettings(body.seed, body.kinds, body.rate, body.time_scale)
        mischief.begin(settings)
        return _as_json(mischief)


def _as_json(mischief: Mischief) -> dict[str, Any]:
    settings = mischief.settings
    return {
        "seed": settings and settings.seed,
        "kinds": settings and settings.kinds,
        "rate": settings and settings.rate,
        "time_scale": settings and settings.time_scale,
        "done": [record.as_json() for record in mischief.done],
    }
