"""Control routes for the account: key permissions, capabilities, and saved portal settings."""

from typing import Any, Literal

from fastapi import APIRouter

from donate.sandbox.account_settings import default_portal_configuration
from donate.sandbox.api import Api
from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.currencies import currency_code
from donate.sandbox.errors import Refusal
from donate.sandbox.requests.permissions import NAMES, Level
from donate.sandbox.shelf import Shelf
from donate.sandbox.store import Store


class Account(ControlBody):
    permissions: dict[str, Level] | None = None
    """The key's level for each resource, such as {"webhook": "read"}; by default "write"."""
    capabilities: dict[str, Literal["active", "inactive", "pending"]] | None = None
    portal_saved: bool | None = None
    """Whether somebody has ever saved the customer portal's settings in the Dashboard."""
    settles_in: str | None = None
    """The only currency in which the account settles, such as "cad"; "" if it settles in all."""


def add_account(router: APIRouter, store: Store, api: Api) -> None:
    @router.post("/account")
    async def change(body: Account) -> dict[str, Any]:
        if body.permissions is not None:
            unknown = sorted(set(body.permissions) - NAMES)
            if unknown:
                raise Refusal(f"Unknown permission: {unknown[0]}", param="permissions")
            api.permissions.levels = body.permissions
        if body.capabilities is not None:
            store.capabilities.update(body.capabilities)
        if body.portal_saved is not None:
            store.portal_configurations = Shelf("configuration")
            if body.portal_saved:
                store.portal_configurations.put(default_portal_configuration())
        if body.settles_in is not None:
            store.settles_in = body.settles_in and currency_code(body.settles_in, "settles_in")
        return {
            "settles_in": store.settles_in,
            "permissions": api.permissions.levels,
            "capabilities": store.capabilities,
            "portal_configurations": [one["id"] for one in store.portal_configurations],
            "connect_endpoints": store.connect_endpoints,
        }
