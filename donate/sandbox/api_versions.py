"""The versions of the API that a webhook endpoint can be set to.

An endpoint made years ago goes on getting events of its own version, whatever the SDK speaks.
"""

from typing import Literal, get_args

Version = Literal["2024-06-20", "2025-03-31.basil", "2026-10-28.endive"]
VERSIONS: tuple[Version, ...] = get_args(Version)
BEFORE_BASIL, BASIL, TODAY = VERSIONS


def is_known_in(version: Version, event_type: str) -> bool:
    return version != BEFORE_BASIL or not event_type.startswith("invoice_payment.")
