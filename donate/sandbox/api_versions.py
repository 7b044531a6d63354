"""The API versions that a webhook endpoint can have.

An endpoint keeps the version it was created with, whatever version the SDK uses.
"""

from typing import Literal, get_args

Version = Literal["2024-06-20", "2025-03-31.basil", "2026-10-28.endive"]
VERSIONS: tuple[Version, ...] = get_args(Version)
BEFORE_BASIL, BASIL, TODAY = VERSIONS


def is_known_in(version: Version, event_type: str) -> bool:
    return version != BEFORE_BASIL or not event_type.startswith("invoice_payment.")
