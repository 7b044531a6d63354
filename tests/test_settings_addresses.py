"""Which URLs and e-mail addresses the settings accept, and how they are stored."""

from typing import Any

import pytest

from tests.settings import load, refusal


@pytest.mark.parametrize(
    "given",
    [
        "https://example.org/donate",
        "https://example.org/donate/",
        "https://example.org/?from=site",
        "https://example.org/#give",
        "https://ann:hunter2@example.org",
    ],
)
def test_public_url_ends_after_the_host(given: str) -> None:
    """A PUBLIC_URL with a path, a query, a fragment or a user stops the start."""
    message = refusal(public_url=given)
    assert message.startswith("PUBLIC_URL must end after the host")
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"public_url": "https://dons.église.example"}, "https://dons.xn--glise-9ra.example"),
        ({"public_url": "https://église.example:8443"}, "https://xn--glise-9ra.example:8443"),
        ({"embed_origins": "https://église.example"}, ("https://xn--glise-9ra.example",)),
        ({"checkout_hosts": "dons.église.example"}, ("dons.xn--glise-9ra.example",)),
        ({"mail_from": "dons@église.example"}, "dons@xn--glise-9ra.example"),
        ({"mail_from": "dons@xn--glise-9ra.example"}, "dons@xn--glise-9ra.example"),
    ],
)
def test_an_accented_domain_is_stored_in_ascii(given: dict[str, str], kept: Any) -> None:
    """A domain is stored under its ASCII name, which browsers, mail servers and Stripe use."""
    assert getattr(load(**given), next(iter(given))) == kept


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"mail_from": "doné@example.org"}, "MAIL_FROM must have no accented letter before the @"),
        ({"checkout_hosts": "https://checkout.stripe.com"}, "CHECKOUT_HOSTS must be hosts"),
        (
            {"public_url": "https://é\u0301\u2260..example"},
            "PUBLIC_URL contains an invalid host name",
        ),
        ({"stripe_account": "ca_123"}, "STRIPE_ACCOUNT must be the id of a connected account"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(given: dict[str, str], says: str) -> None:
    """A URL, host, e-mail address or account id that cannot work stops the start."""
    assert refusal(**given).startswith(says)
