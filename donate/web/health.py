"""The routes for health checks and metrics."""

from collections.abc import Callable
from contextlib import suppress

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlmodel import Session
from starlette.responses import JSONResponse, Response

from donate.errors import DatabaseBusy, NotFound
from donate.storage.database import Database
from donate.web.secret_tokens import same_secret
from donate.web.server.draining import DRAINING


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

    def ready(self, request: Request) -> Response:
        """Answer 200, or 503 if the database does not answer or the server is about to stop.

        The answer closes its connection. Caddy 2.6 would otherwise ask one Unix socket on the open
        connection of another, and take a stopped service for a running one.
        """
        state: dict[str, bool | str] = {"ready": True}
        if getattr(request.state, DRAINING, False):
            state = {"ready": False, "server": "stopping"}
        else:
            try:
                self._database.ping()
            except DatabaseBusy:
                state = {"ready": False, "database": "not answering"}
        status_code = 200 if state["ready"] else 503
        return JSONResponse(state, status_code=status_code, headers={"Connection": "close"})

    def metrics(self, request: Request) -> Response:
        """Return the metrics in Prometheus format. Raises NotFound unless the token is right."""
        header = request.headers.get("authorization", "")
        sent = header.encode("latin-1").decode("utf-8", "replace").removeprefix("Bearer ")
        if not header.startswith("Bearer ") or not same_secret(sent, self._metrics_token):
            raise NotFound("no such page")
        # Read the values from the database again, because other processes, or this one before a
        # restart, may have changed them.
        with suppress(DatabaseBusy), self._database.reading() as session:
            self._measure(session)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
