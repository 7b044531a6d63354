"""Asks Stripe about the account itself, for whoever sits at a terminal: setup and the doctor.

Here Stripe's own sentences are shown. They are about keys and settings; no donor is asked about.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import stripe

from donate.errors import StripeKeyRefused, StripeRefused, StripeUnavailable

# What the SDK speaks, and what an endpoint's events should be written in.
API_VERSION: Final = stripe.api_version

_TRY_S: Final = 20.0
_RETRIES: Final = 2
_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 20
# Two ways to say it: Enabling "Prices Read" ('plan_read') permissions on this key would allow …;
# Having the 'rak_plan_read' permission would allow …
_PERMISSION: Final = re.compile(
    r"Enabling \"([^\"]{1,80})\"|'(?:rak_)?([a-z0-9_]{1,80})' permission"
)
_KEY: Final = re.compile(r"\b((?:[rs]k|whsec)_)[A-Za-z0-9_*]+")

Call = Callable[[stripe.StripeClient], Any]
List = Callable[[stripe.StripeClient, Any], Any]


class NotPermitted(StripeKeyRefused):
    """The key is restricted and may not do this. The message names the permission it lacks."""

    def __init__(self, words: str) -> None:
        found = _PERMISSION.search(words)
        self.permission = (found[1] or found[2]) if found else ""
        needs = f"it lacks the permission “{self.permission}”" if self.permission else words
        super().__init__(
            f"the key may not do this: {needs}. Add it in the Dashboard under Developers, API keys"
        )


class StripeAccount:
    """The account that a key belongs to. Each call raises StripeUnavailable or one of its kind."""

    def __init__(self, secret_key: str, api_base: str) -> None:
        stripe.enable_telemetry = False
        self._http: Any = stripe.HTTPXClient(timeout=httpx.Timeout(_TRY_S), allow_sync_methods=True)
        self._sdk = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            max_network_retries=_RETRIES,
            http_client=self._http,
        )

    def ask(self, call: Call) -> dict[str, Any]:
        """Make one call, and return the object that it answers with, as Stripe's JSON."""
        try:
            answer = call(self._sdk)
        except stripe.PermissionError as error:
            raise NotPermitted(_words(error)) from None
        except stripe.AuthenticationError as error:
            raise StripeKeyRefused(f"Stripe does not accept the key: {_words(error)}") from None
        except stripe.InvalidRequestError as error:
            raise StripeRefused(_words(error), code=str(error.code or "")) from None
        except stripe.StripeError as error:
            raise StripeUnavailable(f"Stripe gave no usable answer: {_words(error)}") from None
        except Exception as error:
            # The SDK lets through what its parser raises on answers that are no JSON object.
            raise StripeUnavailable(f"Stripe gave no usable answer: {error!r:.200}") from error
        if not isinstance(answer, stripe.StripeObject) or answer.last_response is None:
            raise StripeUnavailable("Stripe gave no usable answer: it is not an object")
        found: dict[str, Any] = json.loads(answer.last_response.body)
        return found

    def all_of(self, listing: List, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Return every object of a list, page by page."""
        asked: dict[str, Any] = {**(params or {}), "limit": _PAGE_SIZE}
        found: list[Any] = []
        for _ in range(_MOST_PAGES):
            page = self.ask(lambda sdk: listing(sdk, dict(asked)))
            found += page.get("data", [])
            if not page.get("has_more") or not page.get("data"):
                return found
            asked["starting_after"] = found[-1]["id"]
        raise StripeUnavailable("Stripe's list does not end")

    def close(self) -> None:
        """Hang up."""
        self._http.close()


def same_release(version: str | None) -> bool:
    """Tell whether events of this version read as ours do: `2026-09-30.endive`, any of a release.

    Stripe changes nothing that breaks within one: https://docs.stripe.com/webhooks/versioning
    """
    return bool(version) and str(version).partition(".")[2] == API_VERSION.partition(".")[2]


def _words(error: stripe.StripeError) -> str:
    said = " ".join(str(error.user_message or type(error).__name__).split())[:500].rstrip(".")
    # Stripe hides most of a key; what is left is nobody's business either.
    said = _KEY.sub(r"\1…", said)
    return f"{said} ({error.request_id})" if error.request_id else said
