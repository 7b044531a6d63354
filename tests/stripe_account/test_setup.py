"""`donate stripe setup`: what it reads at Stripe, changes there, and prints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe

from donate.errors import StripeRefused
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.requests.billing import Billing
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox, monthly_of
from tests.stripe_account.operating import (
    SITE,
    URL,
    VERSION,
    an_account,
    new_endpoint,
    setup,
    writes,
)

pytestmark = pytest.mark.usefixtures("environment", "sandbox")
Output = pytest.CaptureFixture[str]


def test_it_makes_what_is_missing_and_then_nothing(
    sandbox: RunningSandbox, account: stripe.StripeClient, capsys: Output
) -> None:
    """The first run sets up endpoint and portal, and the second finds nothing to change."""
    assert setup("--yes") == 0
    output = capsys.readouterr().out
    assert f"make one for {URL} with {len(EVENT_TYPES)} events, in version {VERSION}" in output
    (endpoint,) = account.v1.webhook_endpoints.list().data
    assert (endpoint.url, endpoint.status, endpoint.api_version) == (URL, "enabled", VERSION)
    assert set(endpoint.enabled_events) == set(EVENT_TYPES)
    (portal,) = account.v1.billing_portal.configurations.list().data
    enabled = [name for name, one in portal.features.to_dict().items() if one["enabled"]]
    assert enabled == ["payment_method_update"]
    writes_before = len(writes(sandbox))
    assert setup("--yes") == 0
    assert "Nothing to change." in capsys.readouterr().out
    assert setup("--check") == 0
    assert len(writes(sandbox)) == writes_before


def test_the_secret_is_shown_once_and_never_logged(
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The signing secret is printed once, as a line for .env, and is in no log."""
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    assert setup("--yes") == 0
    output = capsys.readouterr()
    assert output.out.count("whsec_") == 1
    (line,) = [line for line in output.out.splitlines() if "whsec_" in line]
    assert line.strip().startswith("STRIPE_WEBHOOK_SECRET=whsec_")
    assert "whsec_" not in output.err
    setup("--yes")
    again = capsys.readouterr()
    assert "whsec_" not in again.out + again.err


def test_check_only_looks(sandbox: RunningSandbox, capsys: Output) -> None:
    """With --check every difference is printed, nothing is sent, and the exit code is 1."""
    assert setup("--check") == 1
    output = capsys.readouterr().out
    assert "change  Webhook endpoint: make one" in output
    assert "switch off customer_update, invoice_history, subscription_cancel" in output
    assert "Run `donate stripe setup`" in output
    assert writes(sandbox) == []


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "maybe\n"])
def test_nothing_is_changed_without_a_yes(
    sandbox: RunningSandbox, answer: Callable[[str], None], capsys: Output, typed: str
) -> None:
    """Only a plain yes makes the changes; an empty answer is a no."""
    answer(typed)
    assert setup() == 1
    assert "Nothing was changed." in capsys.readouterr().out
    assert writes(sandbox) == []


def test_a_yes_makes_the_changes(sandbox: RunningSandbox, answer: Callable[[str], None]) -> None:
    """The answer y makes the printed changes."""
    answer("y\n")
    assert setup() == 0
    assert len(writes(sandbox)) == 2


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (["charge.failed"], "send charge.dispute.closed"),
        ([*EVENT_TYPES, "payout.paid"], "no longer send payout.paid"),
        (["*"], "no longer send *"),
    ],
    ids=["too few", "too many", "all"],
)
def test_an_endpoint_of_ours_is_changed_in_place(
    account: stripe.StripeClient,
    capsys: Output,
    events: list[str],
    expected: str,
) -> None:
    """Events are corrected and a disabled endpoint is enabled, without a new secret."""
    endpoint_id = new_endpoint(account, enabled_events=events)
    disabled: Any = {"disabled": True}
    account.v1.webhook_endpoints.update(endpoint_id, disabled)
    assert setup("--yes") == 0
    output = capsys.readouterr().out
    assert expected in output
    assert "switch it on again" in output
    assert "whsec_" not in output
    (changed,) = account.v1.webhook_endpoints.list().data
    assert (changed.id, changed.status) == (endpoint_id, "enabled")
    assert set(changed.enabled_events) == set(EVENT_TYPES)


def test_endpoints_of_other_addresses_are_left_alone(account: stripe.StripeClient) -> None:
    """Endpoints with other addresses at the account are not changed."""
    other = new_endpoint(
        account, url="https://shop.example.org/stripe", enabled_events=["charge.failed"]
    )
    before = account.v1.webhook_endpoints.retrieve(other).to_dict()
    assert setup("--yes") == 0
    assert account.v1.webhook_endpoints.retrieve(other).to_dict() == before
    assert len(account.v1.webhook_endpoints.list().data) == 2


@pytest.mark.parametrize("version", ["2025-03-31.basil", None])
def test_an_endpoint_of_another_version_gets_a_new_one_beside_it(
    account: stripe.StripeClient, capsys: Output, version: str | None
) -> None:
    """For another version a second endpoint is made, and staff have to delete the old one."""
    params: Any = {"url": URL, "enabled_events": list(EVENT_TYPES)}
    if version:
        params["api_version"] = version
    old = account.v1.webhook_endpoints.create(params).id
    assert setup("--check") == 1
    assert "Stripe lets nobody change that" in capsys.readouterr().out
    assert setup("--yes") == 1
    output = capsys.readouterr().out
    assert ",whsec_…" in output
    assert f"delete {old}" in output
    endpoint = account.v1.webhook_endpoints.list().data[0]
    assert (endpoint.api_version, endpoint.status) == (VERSION, "enabled")
    assert account.v1.webhook_endpoints.retrieve(old).status == "enabled"
    assert setup("--yes") == 1
    output = capsys.readouterr().out
    assert "Nothing to change, except the steps" in output
    assert f"{old}: it has the same address as {endpoint.id}" in output
    account.v1.webhook_endpoints.delete(old)
    assert setup() == 0


def test_another_version_of_the_same_release_will_do(account: stripe.StripeClient) -> None:
    """An endpoint with another version of the same release is kept, as nothing breaks within it."""
    new_endpoint(account, api_version="2026-09-30.endive")
    assert setup("--yes") == 0
    assert len(account.v1.webhook_endpoints.list().data) == 1


def test_an_address_that_stripe_cannot_reach_is_said_so(
    sandbox: RunningSandbox, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Stripe cannot reach the service, no endpoint is made, and the output says why."""
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:8000")
    assert setup("--yes") == 1
    assert "Stripe cannot reach http://127.0.0.1:8000" in capsys.readouterr().out
    assert "POST /v1/webhook_endpoints" not in writes(sandbox)


def test_a_connected_account_has_an_endpoint_that_hears_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """With STRIPE_ACCOUNT the endpoint listens to connected accounts; another is reported."""
    with an_account(monkeypatch, connected_account="acct_1Charity") as (sandbox, account):
        monkeypatch.setenv("STRIPE_ACCOUNT", "acct_1Charity")
        assert setup("--yes") == 0
        (endpoint,) = account.v1.webhook_endpoints.list().data
        shown = sandbox.control("POST", "/_sandbox/account")
        assert shown["connect_endpoints"][endpoint.id] is True
        account.v1.webhook_endpoints.delete(endpoint.id)
        new_endpoint(account)
        capsys.readouterr()
        assert setup("--check") == 1
    assert "it listens to its own account, and STRIPE_ACCOUNT needs" in capsys.readouterr().out


def test_a_portal_is_made_where_none_was_saved(
    sandbox: RunningSandbox,
    account: stripe.StripeClient,
) -> None:
    """Without saved settings one portal configuration is made, and is found by the next run."""
    sandbox.control("POST", "/_sandbox/account", portal_saved=False)
    assert setup("--yes") == 0
    (configuration,) = account.v1.billing_portal.configurations.list().data
    assert configuration.features.payment_method_update.enabled is True
    assert setup("--yes") == 0
    assert len(account.v1.billing_portal.configurations.list().data) == 1


def test_a_donor_replaces_a_card_in_the_portal_that_was_made(
    sandbox: RunningSandbox, account: stripe.StripeClient
) -> None:
    """Without a default, the service opens the portal with the configuration that setup made."""
    sandbox.control("POST", "/_sandbox/account", portal_saved=False)
    session = sandbox.pay(account.v1.checkout.sessions.create(monthly_of(2_500)).id)["session"]
    client = StripeClient(SECRET_KEY, sandbox.url, (sandbox.url.removeprefix("http://"),))
    billing = Billing(client)
    with pytest.raises(StripeRefused):
        billing.card_page(session["subscription"], SITE, SITE, french=False)
    assert setup("--yes") == 0
    assert "/portal/" in billing.card_page(session["subscription"], SITE, SITE, french=False)
    client.close()


def test_a_payment_method_that_is_off_is_switched_on(
    account: stripe.StripeClient, capsys: Output
) -> None:
    """A method that a region offers is switched on; others stay as they are."""
    (configuration,) = account.v1.payment_method_configurations.list().data
    off: Any = {"display_preference": {"preference": "off"}}
    both_off: Any = {"acss_debit": off, "link": off}
    account.v1.payment_method_configurations.update(configuration.id, both_off)
    assert setup("--yes") == 0
    assert "Pre-authorized debit in Canada: switch it on" in capsys.readouterr().out
    (changed,) = account.v1.payment_method_configurations.list().data
    assert changed.acss_debit is not None
    assert changed.link is not None
    assert changed.acss_debit.available is True
    assert changed.link.available is False


def test_a_payment_method_that_is_not_active_is_left_to_staff(
    sandbox: RunningSandbox, capsys: Output
) -> None:
    """A method that only Stripe can activate is reported, with where to look."""
    sandbox.control("POST", "/_sandbox/account", capabilities={"acss_debit_payments": "inactive"})
    assert setup("--yes") == 1
    assert "debit in Canada: switched on, but not active yet" in capsys.readouterr().out


def test_a_method_that_no_region_offers_is_not_asked_for(
    sandbox: RunningSandbox, capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If no region offers bank debit, an account without it is complete."""
    regions = tmp_path / "regions.toml"
    regions.write_text(
        '[LWUS]\nname = {en = "US", fr = "É.-U."}\ncountry = "US"\ncurrency = "USD"\n'
        'languages = ["en-US"]\ntime_zone = "America/New_York"\npresets_minor = [2500]\n\n'
        "[LWUS.modes.card]\n"
    )
    monkeypatch.setenv("REGIONS_FILE", str(regions))
    sandbox.control("POST", "/_sandbox/account", capabilities={"acss_debit_payments": "inactive"})
    assert setup("--yes") == 0
    assert "debit in Canada" not in capsys.readouterr().out
