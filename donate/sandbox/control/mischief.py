"""The lever of mischief, and the list of what it has done."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.mischief.mischief import (
    ALL_KINDS,
    USUAL_RATE,
    Mischief,
    MischiefKind,
    MischiefSettings,
)


class MakeMischief(ControlBody):
    """Without a seed it stops."""

    seed: int | None
    kinds: Annotated[tuple[MischiefKind, ...], Field(min_length=1)] = ALL_KINDS
    rate: Annotated[float, Field(ge=0, le=1)] = USUAL_RATE
    time_scale: Annotated[float, Field(ge=0, le=100)] = 1.0


def add_mischief(router: APIRouter, mischief: Mischief) -> None:
    @router.get("/mischief")
    async def done() -> dict[str, Any]:
        return _as_json(mischief)

    @router.post("/mischief")
    async def begin(lever: MakeMischief) -> dict[str, Any]:
        terms = None
        if lever.seed is not None:
            terms = MischiefSettings(lever.seed, lever.kinds, lever.rate, lever.time_scale)
        mischief.begin(terms)
        return _as_json(mischief)


def _as_json(mischief: Mischief) -> dict[str, Any]:
    terms = mischief.terms
    return {
        "seed": terms and terms.seed,
        "kinds": terms and terms.kinds,
        "rate": terms and terms.rate,
        "time_scale": terms and terms.time_scale,
        "done": [deed.as_json() for deed in mischief.done],
    }
