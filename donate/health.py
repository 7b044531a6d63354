"""Is it alive, is it ready to take a gift, and what are its numbers."""

import secrets
from contextlib import suppress

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from donate.database import Database
from donate.errors import DatabaseBusy, NotFound
from donate.observability import WEBHOOK_HEARD, WEBHOOK_MISSED
from donate.stripe_gateway.hearing import newest_heard, newest_missed


class Health:
    """`/healthz`, `/readyz` and, with a token, `/metrics`."""

    def __init__(self, database: Database, metrics_token: str) -> None:
        self._database = database
        self._metrics_token = metrics_token
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/healthz", self.alive, methods=["GET"])
        self.router.add_api_route("/readyz", self.ready, methods=["GET"])
        self.router.add_api_route("/metrics", self.metrics, methods=["GET"])

    def alive(self) -> Response:
        """Answer, which is all that is asked."""
        return JSONResponse({"alive": True})

    def ready(self) -> Response:
        """Say whether a gift could be recorded now."""
        try:
            self._database.ping()
        except DatabaseBusy:
            return JSONResponse({"ready": False, "database": "not answering"}, status_code=503)
        return JSONResponse({"ready": True})

    def metrics(self, request: Request) -> Response:
        """Give the numbers in Prometheus' format to whoever holds the token."""
        given = request.headers.get("authorization", "")
        wanted = f"Bearer {self._metrics_token}"
        if not self._metrics_token or not secrets.compare_digest(
            given.encode("latin-1"), wanted.encode()
        ):
            raise NotFound("no such page")
        self._look_for_silence()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def _look_for_silence(self) -> None:
        # Another process may have heard the last webhook, or this one before it was restarted.
        with suppress(DatabaseBusy), self._database.reading() as session:
            for gauge, instant in (
                (WEBHOOK_HEARD, newest_heard(session)),
                (WEBHOOK_MISSED, newest_missed(session)),
            ):
                gauge.set(instant.timestamp() if instant else 0)
