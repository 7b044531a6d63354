"""`donate stripe setup` where Stripe refuses, or gives no answer."""

import pytest

from tests.sandbox.running import RunningSandbox
from tests.stripe_account.operating import setup, writes

pytestmark = pytest.mark.usefixtures("environment", "sandbox")
Saying = pytest.CaptureFixture[str]


def test_a_permission_that_is_lacking_is_named_and_the_rest_goes_on(
    sandbox: RunningSandbox, capsys: Saying
) -> None:
    """A restricted key that may not do one thing does the others, and is told what it lacks."""
    permissions = {"webhook": "none", "payment_method_configuration": "read"}
    sandbox.control("POST", "/_sandbox/account", permissions=permissions)
    assert setup("--yes") == 1
    said = capsys.readouterr().out
    assert "by hand Webhook endpoint: the key may not do this" in said
    assert "it lacks the permission “Webhook Endpoints Read”" in said
    assert writes(sandbox) == [
        "POST /v1/billing_portal/configurations/bpc_1SandboxSandboxSandboxSa"
    ]
    sandbox.control("POST", "/_sandbox/account", permissions={"webhook": "read"})
    assert setup("--yes") == 1
    assert "“Webhook Endpoints Write”" in capsys.readouterr().out


def test_a_key_that_stripe_does_not_know_is_said_so(
    capsys: Saying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key ends it with Stripe's words, and shows nothing of the key."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_51Wrong83kfLs02mQpZ7u")
    assert setup("--yes") == 1
    said = capsys.readouterr()
    assert "Stripe does not accept the key: Invalid API Key provided: sk_…" in said.err
    assert "Wrong83" not in said.err + said.out


@pytest.mark.parametrize("kind", ["html_200", "list_200", "null_200", "500", "429", "reset_before"])
def test_an_answer_that_is_none_is_said_so(
    sandbox: RunningSandbox, capsys: Saying, kind: str
) -> None:
    """Whatever comes back in place of an answer, a sentence says so and nothing is changed."""
    path = "/v1/webhook_endpoints"
    sandbox.control("POST", "/_sandbox/trouble", path=path, method="GET", kind=kind, times=3)
    assert setup("--yes") == 1
    assert "Stripe gave no usable answer" in capsys.readouterr().err
    assert writes(sandbox) == []
