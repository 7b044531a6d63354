"""`donate stripe setup` when Stripe refuses, or gives no answer."""

import pytest

from tests.sandbox.running import RunningSandbox
from tests.stripe_account.operating import setup, writes

pytestmark = pytest.mark.usefixtures("environment", "sandbox")
Output = pytest.CaptureFixture[str]


def test_a_permission_that_is_lacking_is_named_and_the_rest_goes_on(
    sandbox: RunningSandbox, capsys: Output
) -> None:
    """A restricted key that lacks one permission does the rest, and the output names it."""
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


def test_a_key_that_stripe_does_not_know_is_said_so(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key stops the command with Stripe's words, and shows nothing of the key."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_51Wrong83kfLs02mQpZ7u")
    assert setup("--yes") == 1
    output = capsys.readouterr()
    assert "Stripe does not accept the key: Invalid API Key provided: sk_…" in output.err
    assert "Wrong83" not in output.err + output.out


@pytest.mark.parametrize("kind", ["html_200", "list_200", "null_200", "500", "429", "reset_before"])
def test_an_answer_that_is_none_is_said_so(
    sandbox: RunningSandbox, capsys: Output, kind: str
) -> None:
    """After a bad answer an error is printed and nothing is changed."""
    path = "/v1/webhook_endpoints"
    sandbox.control("POST", "/_sandbox/trouble", path=path, method="GET", kind=kind, times=3)
    assert setup("--yes") == 1
    assert "Stripe gave no usable answer" in capsys.readouterr().err
    assert writes(sandbox) == []
