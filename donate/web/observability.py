"""Logs and numbers for the web team. Neither ever holds a secret, a token or a donor's data."""

import json
import logging
import sys
from typing import Final

from prometheus_client import Counter, Gauge

WEBHOOKS: Final = Counter("donate_webhooks", "Webhooks by how they were answered", ["answer"])
EVENTS_SETTLED: Final = Counter("donate_events", "Stripe events by what became of them", ["state"])
LETTERS: Final = Counter("donate_letters", "Letters by what became of them", ["kind", "state"])
WORKER_ROUND: Final = Gauge(
    "donate_worker_last_round_seconds", "When the worker last did each job", ["job"]
)
STRIPE_REFUSED_KEY: Final = Counter("donate_stripe_key_refused", "Calls Stripe refused our key for")
WEBHOOK_HEARD: Final = Gauge(
    "donate_webhook_heard_seconds", "When the newest webhook came that Stripe had signed"
)
WEBHOOK_MISSED: Final = Gauge(
    "donate_webhook_missed_seconds",
    "When the newest event happened that no webhook had brought a quarter of an hour later",
)


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(level: str) -> None:
    """Write logs to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The first three log addresses, and addresses hold donors' tokens; the last lists its plugins.
    for name in ("uvicorn.access", "httpx", "stripe", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
