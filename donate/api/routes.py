"""The API's routes under `/api/v1`, and their OpenAPI document."""

from functools import cached_property
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse

from donate.api.description import describe
from donate.api.gifts import GiftRoutes, StaffTokenCheck
from donate.api.regions import RegionRoutes
from donate.breaker.breaker import Breaker
from donate.clock import Clock
from donate.gifts.links.gift_links import GiftLinks
from donate.modes import Modes
from donate.regions.regions import Regions
from donate.storage.database import Database

PREFIX: Final = "/api/v1"


class Api:
    """The JSON API. `router` contains all its routes."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        modes: Modes,
        clock: Clock,
        links: GiftLinks,
        *,
        breaker: Breaker,
        is_staff_token: StaffTokenCheck,
    ) -> None:
        self.router = APIRouter(
            prefix=PREFIX, generate_unique_id_function=lambda route: str(route.name)
        )
        self.router.include_router(
            GiftRoutes(
                database,
                regions,
                modes,
                clock,
                links,
                breaker=breaker,
                is_staff_token=is_staff_token,
            ).router,
            tags=["gifts"],
        )
        self.router.include_router(RegionRoutes(regions, links.public_url).router, tags=["regions"])
        self.router.add_api_route(
            "/openapi.json", self.describe, methods=["GET"], include_in_schema=False
        )

    def describe(self) -> JSONResponse:
        """Return the OpenAPI document."""
        return JSONResponse(self._description)

    @cached_property
    def _description(self) -> dict[str, Any]:
        # Build the document only when it is first requested, so that the service starts quickly.
        return describe(self.router)
