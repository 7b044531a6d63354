"""The links from the staff pages to Stripe's Dashboard."""

import pytest

from donate.stripe_gateway.dashboard import Dashboard, dashboard_of
from tests.settings import load

HOST = "https://dashboard.stripe.com"


@pytest.mark.parametrize(
    ("dashboard", "object_id", "address"),
    [
        (Dashboard(livemode=True), "pi_1", f"{HOST}/payments/pi_1"),
        (Dashboard(livemode=False), "in_1", f"{HOST}/test/invoices/in_1"),
        (Dashboard(livemode=True, account="acct_1"), "du_1", f"{HOST}/acct_1/disputes/du_1"),
        (Dashboard(livemode=False), "re_1", f"{HOST}/test/search?query=re_1"),
        (Dashboard(livemode=True), "cs_test_1", f"{HOST}/test/search?query=cs_test_1"),
        (Dashboard(livemode=False), "cs_live_1", f"{HOST}/search?query=cs_live_1"),
        (Dashboard(livemode=True), "pi_1/../x", f"{HOST}/payments/pi_1%2F..%2Fx"),
        (Dashboard(livemode=True), "asked:cs_1:completed", ""),
        (Dashboard(livemode=True), "bank reference 7", ""),
    ],
)
def test_an_id_leads_to_its_page(dashboard: Dashboard, object_id: str, address: str) -> None:
    """A link leads to the Dashboard's list for this kind of id, in test or live mode.

    The Stripe key decides the mode, except for a checkout session, whose id contains the mode.
    """
    assert dashboard.address_of(object_id) == address


def test_a_pretend_stripe_has_no_dashboard() -> None:
    """A service that uses a pretend Stripe has no links to Stripe's Dashboard."""
    assert dashboard_of(load(stripe_api_base="http://127.0.0.1:8001")) is None
    assert dashboard_of(load()) == Dashboard(livemode=False)
