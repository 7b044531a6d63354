"""Opens gifts of some donors, and sends the forms of the staff pages about these donors."""

from fastapi.testclient import TestClient
from httpx2 import Response

from donate.gifts.donor_profiles.models import DonorProfile
from tests.finance.finance_site import FinanceSite, fields
from tests.gifts.samples import open_one

FORM = {
    "name": "Maya Tremblay",
    "kind": "person",
    "first_name": "Maya",
    "initial": "M.",
    "street": "1 Main Street",
    "city": "Ottawa",
    "province": "on",
    "postal_code": "k1a0b1",
    "country": "CA",
    "language": "fr-CA",
}


def donor_pages(site: FinanceSite, *emails: str) -> list[str]:
    """Open a gift for each e-mail address, and return the path of each donor's staff page."""
    paths = []
    with site.database.writing() as session:
        for number, email in enumerate(emails or ("maya@example.com",)):
            gift = open_one(session, f"form-{number}", email=email, name="Maya Tremblay")
            paths.append(f"/finance/donors/{gift.profile_id}")
    return paths


def profile(site: FinanceSite, path: str) -> DonorProfile:
    with site.database.reading() as session:
        return session.get_one(DonorProfile, int(path.rpartition("/")[2]))


def change(browser: TestClient, path: str, **more: str) -> Response:
    """Open the donor's page, and send its form with FORM and `more` in place of its values."""
    form = fields(browser.get(path)) | FORM | more
    return browser.post(f"{path}/changed", data=form)
