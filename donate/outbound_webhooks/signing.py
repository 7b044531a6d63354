"""Signs webhooks as Standard Webhooks says (https://www.standardwebhooks.com)."""

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a new secret: `whsec_` and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def signed_headers(
    message_id: str, body: str, secrets_in_use: Iterable[str], *, now: datetime
) -> dict[str, str]:
    """Return the headers that identify and sign a webhook, with a signature for each secret."""
    signatures = [Webhook(secret).sign(message_id, now, body) for secret in secrets_in_use]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
