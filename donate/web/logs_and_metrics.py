"""Logs and metrics. Neither contains secrets, tokens or donors' data."""

import json
import logging
import sys
from typing import Final

from prometheus_client import Counter, Gauge

WEBHOOKS: Final = Counter("donate_webhooks", "Webhooks by response", ["answer"])
EVENTS_SETTLED: Final = Counter("donate_events", "Settled Stripe events by state", ["state"])
LETTERS: Final = Counter("donate_letters", "E-mails to donors by state", ["kind", "state"])
DONOR_LINKS: Final = Counter(
    "donate_donor_links", "Requests for a one-time link to one's gifts, by outcome", ["outcome"]
)
OUTBOUND_WEBHOOKS: Final = Counter(
    "donate_outbound_webhooks", "Webhooks sent to other programs, by outcome", ["event", "outcome"]
)
GIFT_ATTEMPTS: Final = Counter(
    "donate_gift_attempts", "Attempts to open a gift, by what they came to", ["lane", "outcome"]
)
REFUSED_REQUESTS: Final = Counter("donate_refused", "Refused requests by reason", ["why"])
WORKER_ROUND: Final = Gauge(
    "donate_worker_last_round_seconds", "Time of the worker's last round of each job", ["job"]
)
STRIPE_REFUSED_KEY: Final = Counter(
    "donate_stripe_key_refused", "Calls where Stripe refused our key"
)
CONNECTIONS_CLOSED: Final = Counter(
    "donate_connections_closed", "Connections closed to make room for others, by limit", ["limit"]
)
WEBHOOK_HEARD: Final = Gauge(
    "donate_webhook_heard_seconds", "Time of the newest webhook with a valid signature"
)
WEBHOOK_MISSED: Final = Gauge(
    "donate_webhook_missed_seconds",
    "Time of the newest event whose webhook was not received within 15 minutes",
)


class _JsonLines(logging.Formatter):
    """Formats each log record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the log record as a line of JSON."""
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
    """Write logs to standard error, as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # uvicorn.access, httpx and stripe would log URLs, which contain donors' tokens. alembic logs
    # too much.
    for name in ("uvicorn.access", "httpx", "stripe", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
