"""A Stripe account's settings at the sandbox: endpoints, portal, payment methods, permissions."""

from typing import Any

import pytest
import stripe

from donate.stripe_gateway.events.types import EVENT_TYPES
from tests.sandbox.running import RunningSandbox, monthly_of

URL = "https://give.example.org/webhooks/stripe"
VERSION = "2026-10-28.endive"


def new_endpoint(client: stripe.StripeClient, **more: Any) -> Any:
    params: Any = {"url": URL, "enabled_events": list(EVENT_TYPES), "api_version": VERSION} | more
    return client.v1.webhook_endpoints.create(params)


def test_the_secret_of_an_endpoint_is_shown_once(fresh_client: stripe.StripeClient) -> None:
    """An endpoint's signing secret is only in the answer to its creation."""
    created = new_endpoint(fresh_client)
    assert created.secret.startswith("whsec_")
    again = fresh_client.v1.webhook_endpoints.retrieve(created.id)
    listed = fresh_client.v1.webhook_endpoints.list().data[0]
    for shown in (again, listed):
        assert "secret" not in shown.to_dict()
        assert (shown.url, shown.status, shown.api_version) == (URL, "enabled", VERSION)


def test_an_endpoint_is_changed_and_deleted(fresh_client: stripe.StripeClient) -> None:
    """An endpoint can be changed, except for its API version, and deleted."""
    endpoints = fresh_client.v1.webhook_endpoints
    created = new_endpoint(fresh_client)
    change: Any = {"enabled_events": ["charge.failed"], "disabled": True}
    changed = endpoints.update(created.id, change)
    assert (changed.enabled_events, changed.status) == (["charge.failed"], "disabled")
    refused: Any = {"api_version": VERSION}
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: api_version"):
        endpoints.update(created.id, refused)
    assert endpoints.delete(created.id).to_dict()["deleted"] is True
    assert endpoints.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook_endpoint"):
        endpoints.retrieve(created.id)


@pytest.mark.parametrize(
    "more",
    [
        {"url": "http://127.0.0.1:8000/webhooks/stripe"},
        {"url": "https://localhost/webhooks/stripe"},
        {"url": "https://intranet/webhooks/stripe"},
        {"enabled_events": []},
        {"enabled_events": ["gift.received"]},
        {"api_version": "2026-10-29.endive"},
    ],
    ids=[
        "plain HTTP",
        "localhost",
        "no domain",
        "no events",
        "an unknown event",
        "an unknown version",
    ],
)
def test_an_endpoint_that_cannot_work_is_refused(
    fresh_client: stripe.StripeClient, more: dict[str, Any]
) -> None:
    """An endpoint without events, or with an unreachable URL or unknown version, is refused."""
    with pytest.raises(stripe.InvalidRequestError):
        new_endpoint(fresh_client, **more)


def test_an_account_has_sixteen_endpoints(fresh_client: stripe.StripeClient) -> None:
    """An account can have at most sixteen endpoints, which are listed page by page."""
    for _ in range(16):
        new_endpoint(fresh_client)
    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
        new_endpoint(fresh_client)
    assert len(list(fresh_client.v1.webhook_endpoints.list().auto_paging_iter())) == 16


def test_only_the_dashboard_makes_a_default_portal(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """If there is no default portal configuration, a portal session must name a configuration."""
    fresh_sandbox.control("POST", "/_sandbox/account", portal_saved=False)
    portal = fresh_client.v1.billing_portal
    payer = fresh_sandbox.pay(_monthly(fresh_client), email="donor@example.com")["session"]
    params: Any = {"customer": payer["customer"]}
    with pytest.raises(stripe.InvalidRequestError, match="has not been created"):
        portal.sessions.create(params)
    created = portal.configurations.create(
        {"features": {"payment_method_update": {"enabled": True}}}
    )
    assert created.is_default is False
    named: Any = {**params, "configuration": created.id}
    with pytest.raises(stripe.InvalidRequestError, match="has not been created"):
        portal.sessions.create(params)
    assert portal.sessions.create(named).configuration == created.id
    portal.configurations.update(created.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="is not active"):
        portal.sessions.create(named)


def test_the_features_of_the_portal_are_changed_one_by_one(
    fresh_client: stripe.StripeClient,
) -> None:
    """Changing one feature of a portal configuration keeps the others."""
    configurations = fresh_client.v1.billing_portal.configurations
    default = configurations.list({"is_default": True}).data[0]
    changed = configurations.update(
        default.id, {"features": {"subscription_cancel": {"enabled": False}}}
    )
    assert changed.features.subscription_cancel.enabled is False
    assert changed.features.payment_method_update.enabled is True
    assert changed.features.customer_update.allowed_updates == ["email", "address"]
    with pytest.raises(stripe.InvalidRequestError, match="cannot deactivate"):
        configurations.update(default.id, {"active": False})


def test_a_method_is_offered_when_it_is_on_and_active(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A payment method is available if it is switched on and its capability is active."""
    configurations = fresh_client.v1.payment_method_configurations
    (default,) = configurations.list().data
    assert default.acss_debit is not None
    assert default.acss_debit.available is True
    off: Any = {"acss_debit": {"display_preference": {"preference": "off"}}}
    changed = configurations.update(default.id, off)
    assert changed.acss_debit is not None
    assert changed.acss_debit.available is False
    assert changed.acss_debit.display_preference.value == "off"
    on: Any = {"acss_debit": {"display_preference": {"preference": "on"}}}
    fresh_sandbox.control(
        "POST", "/_sandbox/account", capabilities={"acss_debit_payments": "pending"}
    )
    changed = configurations.update(default.id, on)
    assert changed.acss_debit is not None
    assert changed.acss_debit.available is False
    assert changed.acss_debit.display_preference.value == "on"
    capabilities = fresh_client.v1.accounts.retrieve_current().capabilities
    assert capabilities is not None
    assert capabilities.acss_debit_payments == "pending"


def test_a_restricted_key_is_told_which_permission_it_lacks(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A call without the key's permission gets an error that names the missing permission."""
    fresh_sandbox.control(
        "POST", "/_sandbox/account", permissions={"webhook": "none", "charge": "read"}
    )
    with pytest.raises(stripe.PermissionError, match=r"Webhook Endpoints Read.*'webhook_read'"):
        fresh_client.v1.webhook_endpoints.list()
    fresh_client.v1.refunds.list()
    with pytest.raises(stripe.PermissionError, match="Charges and Refunds Write"):
        fresh_client.v1.refunds.create({"payment_intent": "pi_nobody"})
    fresh_client.v1.events.list()


def _monthly(client: stripe.StripeClient) -> str:
    return client.v1.checkout.sessions.create(monthly_of(2_500)).id
