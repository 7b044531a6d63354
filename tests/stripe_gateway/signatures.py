"""Helpers that sign the bodies of webhooks."""

import hashlib
import hmac

from tests.real_parts import WEBHOOK_SECRET


def mac(body: bytes, at: int, secret: str = WEBHOOK_SECRET) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
