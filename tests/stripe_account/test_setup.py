"""What `donate stripe setup` reads at Stripe, changes there, and prints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe

from donate.errors import StripeRefused
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.types import WEBHOOK_EVENT_TYPES
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


def test_setup_is_complete_after_one_run(
    sandbox: RunningSandbox, account: stripe.StripeClient, capsys: Output
) -> None:
    """The first run creates the endpoint and sets up the portal; the second changes nothing."""
    assert setup("--yes") == 0
    output = capsys.readouterr().out
    assert (
        f"make one for {URL} with {len(WEBHOOK_EVENT_TYPES)} events, in version {VERSION}" in output
    )
    (endpoint,) = account.v1.webhook_endpoints.list().data
    assert (endpoint.url, endpoint.status, endpoint.api_version) == (URL, "enabled", VERSION)
    assert set(endpoint.enabled_events) == set(WEBHOOK_EVENT_TYPES)
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
    """The signing secret is printed once, as a line for .env, and is never logged."""
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


def test_check_changes_nothing(sandbox: RunningSandbox, capsys: Output) -> None:
    """With --check every difference is printed, nothing is changed, and the exit code is 1."""
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
    """Setup changes nothing unless the operator answers yes; an empty answer means no."""
    answer(typed)
    assert setup() == 1
    assert "Nothing was changed." in capsys.readouterr().out
    assert writes(sandbox) == []


def test_a_yes_makes_the_changes(sandbox: RunningSandbox, answer: Callable[[str], None]) -> None:
    """If the operator answers y, setup makes the changes that it printed."""
    answer("y\n")
    assert setup() == 0
    assert len(writes(sandbox)) == 2


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (["charge.failed"], "send charge.dispute.closed"),
        ([*WEBHOOK_EVENT_TYPES, "product.created"], "no longer send product.created"),
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
    """Setup corrects our endpoint's events and enables it, without a new signing secret."""
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
    assert set(changed.enabled_events) == set(WEBHOOK_EVENT_TYPES)


def test_endpoints_with_other_urls_are_left_alone(account: stripe.StripeClient) -> None:
    """Setup does not change an endpoint whose URL is not ours."""
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
    """If our endpoint has another API version, setup adds an endpoint; staff delete the old."""
    params: Any = {"url": URL, "enabled_events": list(WEBHOOK_EVENT_TYPES)}
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
    """Setup keeps an endpoint whose API version is another one of the same major release."""
    new_endpoint(account, api_version="2026-09-30.endive")
    assert setup("--yes") == 0
    assert len(account.v1.webhook_endpoints.list().data) == 1


def test_no_endpoint_for_an_unreachable_service(
    sandbox: RunningSandbox, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Stripe cannot reach PUBLIC_URL, setup says so and creates no endpoint."""
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:8000")
    assert setup("--yes") == 1
    assert "Stripe cannot reach http://127.0.0.1:8000" in capsys.readouterr().out
    assert "POST /v1/webhook_endpoints" not in writes(sandbox)


def test_the_endpoint_of_a_connected_account(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """With STRIPE_ACCOUNT, the endpoint must be one that listens to connected accounts."""
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


def test_a_missing_portal_configuration_is_created(
    sandbox: RunningSandbox,
    account: stripe.StripeClient,
) -> None:
    """If the account has no portal configuration, setup creates one, and finds it next time."""
    sandbox.control("POST", "/_sandbox/account", portal_saved=False)
    assert setup("--yes") == 0
    (configuration,) = account.v1.billing_portal.configurations.list().data
    assert configuration.features.payment_method_update.enabled is True
    assert setup("--yes") == 0
    assert len(account.v1.billing_portal.configurations.list().data) == 1


def test_the_portal_opens_with_the_created_configuration(
    sandbox: RunningSandbox, account: stripe.StripeClient
) -> None:
    """If the portal has no default configuration, the service uses the one that setup made."""
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
    """Setup switches on a payment method that a region offers, and leaves others as they are."""
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
    """If a payment method is on but Stripe has not activated it, setup reports that to staff."""
    sandbox.control("POST", "/_sandbox/account", capabilities={"acss_debit_payments": "inactive"})
    assert setup("--yes") == 1
    assert "debit in Canada: switched on, but not active yet" in capsys.readouterr().out


def test_a_method_that_no_region_offers_is_not_needed(
    sandbox: RunningSandbox, capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If no region offers bank debit, setup does not require it of the account."""
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
