"""Control routes that set where, when and in which API version events are delivered."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from donate.sandbox.api_versions import Version
from donate.sandbox.control.bodies import MAX_TIMES, ControlBody
from donate.sandbox.errors import Refusal
from donate.sandbox.store import Store
from donate.sandbox.webhooks.webhooks import Deliveries, as_json


class Webhooks(ControlBody):
    paused: bool | None = None
    url: str | None = None
    api_version: Version | None = None
    deliver_missed: bool = False
    flush: bool = False


class Deliver(ControlBody):
    event: str
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)] = 1


def add_webhooks(router: APIRouter, store: Store, deliveries: Deliveries) -> None:
    @router.post("/webhooks")
    async def webhooks(body: Webhooks) -> dict[str, Any]:
        if body.url is not None:
            deliveries.url = body.url
        if body.api_version is not None:
            deliveries.api_version = body.api_version
        if body.paused is True:
            deliveries.paused = True
        if body.paused is False:
            deliveries.resume(deliver_missed=body.deliver_missed)
        flushed = deliveries.flush() if body.flush else 0
        return {
            "paused": deliveries.paused,
            "url": deliveries.url,
            "api_version": deliveries.api_version,
            "flushed": flushed,
            "pending": deliveries.pending,
            "missed": deliveries.missed,
        }

    @router.post("/webhooks/deliver")
    async def deliver(body: Deliver) -> dict[str, Any]:
        event = store.find(store.events, body.event, "event")
        if deliveries.url is None:
            raise Refusal("The sandbox has no webhook URL to deliver to.", param="url")
        attempts = await deliveries.send_again(event, body.times)
        return {"deliveries": [as_json(delivery) for delivery in attempts]}

    @router.get("/webhooks/deliveries")
    async def delivery_log() -> list[dict[str, Any]]:
        return [as_json(delivery) for delivery in deliveries.log]
