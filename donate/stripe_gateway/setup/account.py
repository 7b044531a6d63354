"""Calls to Stripe about the account itself, for the commands `stripe setup` and `doctor`.

The errors may show Stripe's own messages, because these are about keys and settings, not donors.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import stripe

from donate.errors import StripeKeyRefused, StripeRefused, StripeUnavailable

# The API version of the SDK. The events that our endpoint receives should have the same version.
API_VERSION: Final = stripe.api_version

_ATTEMPT_TIMEOUT_S: Final = 20.0
_RETRIES: Final = 2
_PAGE_SIZE: Final = 100
_MAX_PAGES: Final = 20
# Stripe's messages name a missing permission in two ways:
# Enabling "Prices Read" ('plan_read') permissions on this key would allow …
# Having the 'rak_plan_read' permission would allow …
_PERMISSION: Final = re.compile(
    r"Enabling \"([^\"]{1,80})\"|'(?:rak_)?([a-z0-9_]{1,80})' permission"
)
_SECRET: Final = re.compile(r"\b((?:[rs]k|whsec)_)[A-Za-z0-9_*]+")

Call = Callable[[stripe.StripeClient], Any]
List = Callable[[stripe.StripeClient, Any], Any]


class NotPermitted(StripeKeyRefused):
    """The key is restricted. The message names the permission that the key lacks."""

    def __init__(self, message: str) -> None:
        match = _PERMISSION.search(message)
        self.permission = (match[1] or match[2]) if match else ""
        needs = f"it lacks the permission “{self.permission}”" if self.permission else message
        super().__init__(
            f"the key may not do this: {needs}. Add it in the Dashboard under Developers, API keys"
        )


class StripeAccount:
    """Calls to the account of an API key. Each raises StripeUnavailable or a related error."""

    def __init__(self, secret_key: str, api_base: str) -> None:
        stripe.enable_telemetry = False
        self._http: Any = stripe.HTTPXClient(
            timeout=httpx.Timeout(_ATTEMPT_TIMEOUT_S), allow_sync_methods=True
        )
        self._sdk = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            max_network_retries=_RETRIES,
            http_client=self._http,
        )

    def ask(self, call: Call) -> dict[str, Any]:
        """Make one call, and return its answer as Stripe's JSON."""
        try:
            answer = call(self._sdk)
        except stripe.PermissionError as error:
            raise NotPermitted(_message(error)) from None
        except stripe.AuthenticationError as error:
            raise StripeKeyRefused(f"Stripe does not accept the key: {_message(error)}") from None
        except stripe.InvalidRequestError as error:
            raise StripeRefused(_message(error), code=str(error.code or "")) from None
        except stripe.StripeError as error:
            raise StripeUnavailable(f"Stripe gave no usable answer: {_message(error)}") from None
        except Exception as error:
            # If an answer is not a JSON object, the SDK's parser raises an error of its own.
            raise StripeUnavailable(f"Stripe gave no usable answer: {error!r:.200}") from error
        if not isinstance(answer, stripe.StripeObject) or answer.last_response is None:
            raise StripeUnavailable("Stripe gave no usable answer: it is not an object")
        stripe_object: dict[str, Any] = json.loads(answer.last_response.body)
        return stripe_object

    def all_of(self, listing: List, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Return all objects of a list, reading every page."""
        page_params: dict[str, Any] = {**(params or {}), "limit": _PAGE_SIZE}
        objects: list[Any] = []
        for _ in range(_MAX_PAGES):
            page = self.ask(lambda sdk: listing(sdk, dict(page_params)))
            objects += page.get("data", [])
            if not page.get("has_more") or not page.get("data"):
                return objects
            page_params["starting_after"] = objects[-1]["id"]
        raise StripeUnavailable("Stripe's list does not end")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def same_release(version: str | None) -> bool:
    """Return whether an API version such as `2026-09-30.endive` is of the same release as ours.

    Stripe makes no breaking changes within a release: https://docs.stripe.com/webhooks/versioning
    """
    return bool(version) and str(version).partition(".")[2] == API_VERSION.partition(".")[2]


def _message(error: stripe.StripeError) -> str:
    message = " ".join(str(error.user_message or type(error).__name__).split())[:500].rstrip(".")
    # Stripe's messages may quote a part of the key, so hide that part too.
    message = _SECRET.sub(r"\1…", message)
    return f"{message} ({error.request_id})" if error.request_id else message
