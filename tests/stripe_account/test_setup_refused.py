"""What `donate stripe setup` does when Stripe refuses a request or gives no usable answer."""

import pytest

from tests.sandbox.running import RunningSandbox
from tests.stripe_account.operating import setup, writes

pytestmark = pytest.mark.usefixtures("environment", "sandbox")
Output = pytest.CaptureFixture[str]


def test_a_missing_permission_is_named(sandbox: RunningSandbox, capsys: Output) -> None:
    """If a restricted key lacks a permission, setup names it and does everything else."""
    permissions = {"webhook": "none", "payment_method_configuration": "read"}
    sandbox.control("POST", "/_sandbox/account", permissions=permissions)
    assert setup("--yes") == 1
    output = capsys.readouterr().out
    assert "by hand Webhook endpoint: the key may not do this" in output
    assert "it lacks the permission “Webhook Endpoints Read”" in output
    assert writes(sandbox) == [
        "POST /v1/billing_portal/configurations/bpc_1SandboxSandboxSandboxSa"
    ]
    sandbox.control("POST", "/_sandbox/account", permissions={"webhook": "read"})
    assert setup("--yes") == 1
    assert "“Webhook Endpoints Write”" in capsys.readouterr().out


def test_a_wrong_key_is_reported_without_the_key(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the API key is wrong, setup stops with Stripe's message and never prints the key."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_51Wrong83kfLs02mQpZ7u")
    assert setup("--yes") == 1
    output = capsys.readouterr()
    assert "Stripe does not accept the key: Invalid API Key provided: sk_…" in output.err
    assert "Wrong83" not in output.err + output.out


@pytest.mark.parametrize("kind", ["html_200", "list_200", "null_200", "500", "429", "reset_before"])
def test_an_unusable_answer_is_reported(sandbox: RunningSandbox, capsys: Output, kind: str) -> None:
    """If Stripe gives no usable answer, setup says so and changes nothing."""
    path = "/v1/webhook_endpoints"
    sandbox.control("POST", "/_sandbox/trouble", path=path, method="GET", kind=kind, times=3)
    assert setup("--yes") == 1
    assert "Stripe gave no usable answer" in capsys.readouterr().err
    assert writes(sandbox) == []
