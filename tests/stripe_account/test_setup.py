"""`donate stripe setup`: what it finds at Stripe, what it changes there, and what it says."""

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
Saying = pytest.CaptureFixture[str]


def test_it_makes_what_is_missing_and_then_nothing(
    sandbox: RunningSandbox, account: stripe.StripeClient, capsys: Saying
) -> None:
    """The first run makes endpoint and portal; the second finds nothing to change."""
    assert setup("--yes") == 0
    said = capsys.readouterr().out
    assert f"make one for {URL} with {len(EVENT_TYPES)} events, in version {VERSION}" in said
    (made,) = account.v1.webhook_endpoints.list().data
    assert (made.url, made.status, made.api_version) == (URL, "enabled", VERSION)
    assert set(made.enabled_events) == set(EVENT_TYPES)
    (portal,) = account.v1.billing_portal.configurations.list().data
    on = [name for name, one in portal.features.to_dict().items() if one["enabled"]]
    assert on == ["payment_method_update"]
    asked = len(writes(sandbox))
    assert setup("--yes") == 0
    assert "Nothing to change." in capsys.readouterr().out
    assert setup("--check") == 0
    assert len(writes(sandbox)) == asked


def test_the_secret_is_shown_once_and_never_logged(
    capsys: Saying,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The signing secret stands once on standard output, as a line for .env, and in no log."""
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    assert setup("--yes") == 0
    said = capsys.readouterr()
    assert said.out.count("whsec_") == 1
    (line,) = [line for line in said.out.splitlines() if "whsec_" in line]
    assert line.strip().startswith("STRIPE_WEBHOOK_SECRET=whsec_")
    assert "whsec_" not in said.err
    setup("--yes")
    again = capsys.readouterr()
    assert "whsec_" not in again.out + again.err


def test_check_only_looks(sandbox: RunningSandbox, capsys: Saying) -> None:
    """With --check everything that differs is said, nothing is sent, and the exit code is 1."""
    assert setup("--check") == 1
    said = capsys.readouterr().out
    assert "change  Webhook endpoint: make one" in said
    assert "switch off customer_update, invoice_history, subscription_cancel" in said
    assert "Run `donate stripe setup`" in said
    assert writes(sandbox) == []


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "maybe\n"])
def test_nothing_is_changed_without_a_yes(
    sandbox: RunningSandbox, answer: Callable[[str], None], capsys: Saying, typed: str
) -> None:
    """Only a plain yes makes the changes; an empty answer is a no."""
    answer(typed)
    assert setup() == 1
    assert "Nothing was changed." in capsys.readouterr().out
    assert writes(sandbox) == []


def test_a_yes_makes_the_changes(sandbox: RunningSandbox, answer: Callable[[str], None]) -> None:
    """A y at the question makes the changes that were told."""
    answer("y\n")
    assert setup() == 0
    assert len(writes(sandbox)) == 2


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (["charge.failed"], "send charge.dispute.closed"),
        ([*EVENT_TYPES, "payout.paid"], "no longer send payout.paid"),
        (["*"], "no longer send *"),
    ],
)
def test_an_endpoint_of_ours_is_changed_in_place(
    account: stripe.StripeClient,
    capsys: Saying,
    events: list[str],
    said: str,
) -> None:
    """Events that differ are set right, a disabled endpoint is switched on, no secret is new."""
    found = new_endpoint(account, enabled_events=events)
    disabled: Any = {"disabled": True}
    account.v1.webhook_endpoints.update(found, disabled)
    assert setup("--yes") == 0
    told = capsys.readouterr().out
    assert said in told
    assert "switch it on again" in told
    assert "whsec_" not in told
    (changed,) = account.v1.webhook_endpoints.list().data
    assert (changed.id, changed.status) == (found, "enabled")
    assert set(changed.enabled_events) == set(EVENT_TYPES)


def test_endpoints_of_other_addresses_are_left_alone(account: stripe.StripeClient) -> None:
    """What somebody else at this account listens to stays exactly as it is."""
    other = new_endpoint(
        account, url="https://shop.example.org/stripe", enabled_events=["charge.failed"]
    )
    before = account.v1.webhook_endpoints.retrieve(other).to_dict()
    assert setup("--yes") == 0
    assert account.v1.webhook_endpoints.retrieve(other).to_dict() == before
    assert len(account.v1.webhook_endpoints.list().data) == 2


@pytest.mark.parametrize("version", ["2025-03-31.basil", None])
def test_an_endpoint_of_another_version_gets_a_new_one_beside_it(
    account: stripe.StripeClient, capsys: Saying, version: str | None
) -> None:
    """A version cannot be changed: a second endpoint is made, and the old one is left to staff."""
    asked: Any = {"url": URL, "enabled_events": list(EVENT_TYPES)}
    if version:
        asked["api_version"] = version
    old = account.v1.webhook_endpoints.create(asked).id
    assert setup("--check") == 1
    assert "Stripe lets nobody change that" in capsys.readouterr().out
    assert setup("--yes") == 1
    said = capsys.readouterr().out
    assert ",whsec_…" in said
    assert f"delete {old}" in said
    made = account.v1.webhook_endpoints.list().data[0]
    assert (made.api_version, made.status) == (VERSION, "enabled")
    assert account.v1.webhook_endpoints.retrieve(old).status == "enabled"
    assert setup("--yes") == 1
    said = capsys.readouterr().out
    assert "Nothing to change, except the steps" in said
    assert f"{old}: it has the same address as {made.id}" in said
    account.v1.webhook_endpoints.delete(old)
    assert setup() == 0


def test_another_version_of_the_same_release_will_do(account: stripe.StripeClient) -> None:
    """Within a release nothing breaks: an endpoint of last month's version stays."""
    new_endpoint(account, api_version="2026-09-30.endive")
    assert setup("--yes") == 0
    assert len(account.v1.webhook_endpoints.list().data) == 1


def test_an_address_that_stripe_cannot_reach_is_said_so(
    sandbox: RunningSandbox, capsys: Saying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that only this machine reaches gets no endpoint, and is told why."""
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:8000")
    assert setup("--yes") == 1
    assert "Stripe cannot reach http://127.0.0.1:8000" in capsys.readouterr().out
    assert "POST /v1/webhook_endpoints" not in writes(sandbox)


def test_a_connected_account_has_an_endpoint_that_hears_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Saying
) -> None:
    """With STRIPE_ACCOUNT the endpoint listens to connected accounts; another is named."""
    with an_account(monkeypatch, connected_account="acct_1Charity") as (sandbox, account):
        monkeypatch.setenv("STRIPE_ACCOUNT", "acct_1Charity")
        assert setup("--yes") == 0
        (made,) = account.v1.webhook_endpoints.list().data
        shown = sandbox.control("POST", "/_sandbox/account")
        assert shown["connect_endpoints"][made.id] is True
        account.v1.webhook_endpoints.delete(made.id)
        new_endpoint(account)
        capsys.readouterr()
        assert setup("--check") == 1
    assert "it listens to its own account, and STRIPE_ACCOUNT needs" in capsys.readouterr().out


def test_a_portal_is_made_where_none_was_saved(
    sandbox: RunningSandbox,
    account: stripe.StripeClient,
) -> None:
    """Without saved settings one configuration of our own is made, and found again."""
    sandbox.control("POST", "/_sandbox/account", portal_saved=False)
    assert setup("--yes") == 0
    (made,) = account.v1.billing_portal.configurations.list().data
    assert made.features.payment_method_update.enabled is True
    assert setup("--yes") == 0
    assert len(account.v1.billing_portal.configurations.list().data) == 1


def test_a_donor_replaces_a_card_in_the_portal_that_was_made(
    sandbox: RunningSandbox, account: stripe.StripeClient
) -> None:
    """Without a default, the service opens the portal with the configuration that setup made."""
    sandbox.control("POST", "/_sandbox/account", portal_saved=False)
    begun = sandbox.pay(account.v1.checkout.sessions.create(monthly_of(2_500)).id)["session"]
    client = StripeClient(SECRET_KEY, sandbox.url, (sandbox.url.removeprefix("http://"),))
    billing = Billing(client)
    with pytest.raises(StripeRefused):
        billing.card_page(begun["subscription"], SITE, SITE, french=False)
    assert setup("--yes") == 0
    assert "/portal/" in billing.card_page(begun["subscription"], SITE, SITE, french=False)
    client.close()


def test_a_payment_method_that_is_off_is_switched_on(
    account: stripe.StripeClient, capsys: Saying
) -> None:
    """A method that a region offers is switched on; others stay as they are."""
    (found,) = account.v1.payment_method_configurations.list().data
    off: Any = {"display_preference": {"preference": "off"}}
    both_off: Any = {"acss_debit": off, "link": off}
    account.v1.payment_method_configurations.update(found.id, both_off)
    assert setup("--yes") == 0
    assert "Pre-authorized debit in Canada: switch it on" in capsys.readouterr().out
    (changed,) = account.v1.payment_method_configurations.list().data
    assert changed.acss_debit is not None
    assert changed.link is not None
    assert changed.acss_debit.available is True
    assert changed.link.available is False


def test_a_payment_method_that_is_not_active_is_left_to_staff(
    sandbox: RunningSandbox, capsys: Saying
) -> None:
    """What only Stripe can make active is said, with where to look."""
    sandbox.control("POST", "/_sandbox/account", capabilities={"acss_debit_payments": "inactive"})
    assert setup("--yes") == 1
    assert "debit in Canada: switched on, but not active yet" in capsys.readouterr().out


def test_a_method_that_no_region_offers_is_not_asked_for(
    sandbox: RunningSandbox, capsys: Saying, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no region offers bank debit, an account without it is well."""
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
