"""The routes for health checks and metrics."""

import secrets
from collections.abc import Callable
from contextlib import suppress

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlmodel import Session
from starlette.responses import JSONResponse, Response

from donate.errors import DatabaseBusy, NotFound
from donate.storage.database import Database


class Health:
    """The routes `/healthz` and `/readyz`, and `/metrics`, which requires a token."""

    def __init__(
        self, database: Database, metrics_token: str, measure: Callable[[Session], None]
    ) -> None:
        """Create the routes. `measure` updates the metrics whose values are in the database."""
        self._database = database
        self._measure = measure
        self._metrics_token = metrics_token
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/healthz", self.alive, methods=["GET"])
        self.router.add_api_route("/readyz", self.ready, methods=["GET"])
        self.router.add_api_route("/metrics", self.metrics, methods=["GET"])

    def alive(self) -> Response:
        """Answer 200 if the process is running."""
        return JSONResponse({"alive": True})

    def ready(self) -> Response:
        """Answer 200 if the database answers, otherwise 503."""
        try:
            self._database.ping()
        except DatabaseBusy:
            return JSONResponse({"ready": False, "database": "not answering"}, status_code=503)
        return JSONResponse({"ready": True})

    def metrics(self, request: Request) -> Response:
        """Return the metrics in Prometheus format. Raises NotFound unless the token is right."""
        header = request.headers.get("authorization", "")
        expected = f"Bearer {self._metrics_token}"
        if not self._metrics_token or not secrets.compare_digest(
            header.encode("latin-1"), expected.encode()
        ):
            raise NotFound("no such page")
        # Read the values from the database again, because other processes, or this one before a
        # restart, may have changed them.
        with suppress(DatabaseBusy), self._database.reading() as session:
            self._measure(session)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
