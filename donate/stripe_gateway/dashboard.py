"""The addresses of pages for Stripe's objects in Stripe's Dashboard. Pure."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from donate.settings import Settings

_HOST: Final = "https://dashboard.stripe.com"
_API_HOST: Final = "api.stripe.com"
_TEST_SESSION, _LIVE_SESSION = "cs_test_", "cs_live_"
# Maps the beginning of an object's id to a list in the Dashboard. Objects without a page of their
# own, such as checkout sessions and refunds, are found with the Dashboard's search.
_LISTS: Final = {
    "pi_": "payments",
    "evt_": "events",
    "in_": "invoices",
    "sub_": "subscriptions",
    "dp_": "disputes",
    "du_": "disputes",
    "po_": "payouts",
}
_FOUND_BY_SEARCH: Final = ("cs_", "re_", "pyr_", "ch_", "py_", "seti_")


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The Dashboard of one Stripe account. `account` is "" for the account of our Stripe key."""

    livemode: bool
    account: str = ""

    def address_of(self, object_id: str) -> str:
        """Return the address of an object's page, or "" if the Dashboard has none for such an id.

        The id of a checkout session says whether the session is a test. Other ids do not say this,
        so the mode of the Stripe key decides.
        """
        livemode = object_id.startswith(_LIVE_SESSION) or (
            self.livemode and not object_id.startswith(_TEST_SESSION)
        )
        account = [quote(self.account, safe="")] if self.account else []
        base = "/".join([_HOST, *account, *([] if livemode else ["test"])])
        name = quote(object_id, safe="")
        for prefix, listed_under in _LISTS.items():
            if object_id.startswith(prefix):
                return f"{base}/{listed_under}/{name}"
        return f"{base}/search?query={name}" if object_id.startswith(_FOUND_BY_SEARCH) else ""


def dashboard_of(settings: Settings) -> Dashboard | None:
    """Return the Dashboard of the Stripe account, or None for a pretend Stripe.

    The real Dashboard does not have the objects of a pretend Stripe, such as the demo's. It would
    say that there is no such payment, and staff could think that the payment is lost.
    """
    if urlsplit(settings.stripe_api_base).hostname != _API_HOST:
        return None
    return Dashboard(settings.livemode, settings.stripe_account)
