"""Opens the staff pages together with an identity provider at which staff sign in."""

from dataclasses import dataclass, replace
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from donate.finance.provider.options import ProviderOptions
from donate.storage.database import Database
from tests.finance.finance_site import OPTIONS, FinanceSite, open_site
from tests.finance.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

BACK = "/finance/sign-in/provider/back"
THERE = "/finance/sign-in/provider"


@dataclass
class Desk:
    """The staff pages, and the identity provider at which staff sign in."""

    site: FinanceSite
    provider: OidcProvider

    def browser(self) -> TestClient:
        return self.site.browser()

    def come_back(self, browser: TestClient, target: str = "/finance/gifts") -> Response:
        """Sign in at the provider, and return our response when the browser comes back."""
        leads = browser.get(THERE, params={"next": target})
        assert leads.status_code == 303, leads.text
        assert leads.headers["location"].startswith(f"{self.provider.issuer}/authorize?")
        return browser.get(BACK, params=self.provider.authorize(leads.headers["location"]))


def options_for(provider: OidcProvider, **more: Any) -> ProviderOptions:
    back = f"http://testserver{BACK}"
    return ProviderOptions(provider.issuer, CLIENT_ID, CLIENT_SECRET, back, **more)


def desk_on(database: Database, provider: OidcProvider, **more: Any) -> Desk:
    options = replace(OPTIONS, provider=options_for(provider, **more))
    return Desk(open_site(database, options=options), provider)


def is_in(browser: TestClient) -> bool:
    return browser.get("/finance/gifts").status_code == 200
