"""Levers of the account: what the key may do, what is active, what the Dashboard has saved."""

from typing import Any, Literal

from fastapi import APIRouter

from donate.sandbox.account_settings import default_portal_configuration
from donate.sandbox.api import Api
from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.errors import Refusal
from donate.sandbox.requests.permissions import NAMES, Level
from donate.sandbox.shelf import Shelf
from donate.sandbox.store import Store


class Account(ControlBody):
    permissions: dict[str, Level] | None = None
    """By resource, such as {"webhook": "read"}; what is not named may be written."""
    capabilities: dict[str, Literal["active", "inactive", "pending"]] | None = None
    portal_saved: bool | None = None
    """Whether the settings of the customer portal were ever saved in the Dashboard."""


def add_account(router: APIRouter, store: Store, api: Api) -> None:
    @router.post("/account")
    async def change(lever: Account) -> dict[str, Any]:
        if lever.permissions is not None:
            unknown = sorted(set(lever.permissions) - NAMES)
            if unknown:
                raise Refusal(f"There is no such permission: {unknown[0]}", param="permissions")
            api.permissions.levels = lever.permissions
        if lever.capabilities is not None:
            store.capabilities.update(lever.capabilities)
        if lever.portal_saved is not None:
            store.portal_configurations = Shelf("configuration")
            if lever.portal_saved:
                store.portal_configurations.put(default_portal_configuration())
        return {
            "permissions": api.permissions.levels,
            "capabilities": store.capabilities,
            "portal_configurations": [found["id"] for found in store.portal_configurations],
            "connect_endpoints": store.connect_endpoints,
        }
