"""Staff download what is held about a donor, and the trail says so."""

import io
import zipfile

from sqlmodel import select

from donate.finance.models import StaffAct
from donate.finance.roles import Role
from tests.finance.donor_desk import change, donor_pages
from tests.finance.finance_site import FinanceSite, csrf


def test_staff_download_the_data_of_a_donor(site_on_each: FinanceSite) -> None:
    """The file has what donor and staff wrote, its name says nothing, and the act is recorded."""
    site = site_on_each
    (path,) = donor_pages(site)
    browser = site.signed_in(Role.FINANCE)
    assert change(browser, path).status_code == 303
    assert f'action="{path}/data"' in browser.get(path).text
    answer = browser.post(f"{path}/data", data={"csrf": csrf(browser)})
    number = path.rpartition("/")[2]
    assert answer.headers["content-disposition"] == f'attachment; filename="donor-{number}.zip"'
    page = zipfile.ZipFile(io.BytesIO(answer.content)).read("data-en.html").decode()
    for text in ("Maya Tremblay", "1 Main Street", "maya@example.com", "Changes by staff"):
        assert text in page
    with site.database.reading() as session:
        act = session.exec(select(StaffAct).where(StaffAct.act == "donor_data_exported")).one()
    assert (act.about, act.detail) == (f"donor {number}", {})


def test_viewers_download_nothing(site: FinanceSite) -> None:
    """Viewers have no button, and their form is refused."""
    (path,) = donor_pages(site)
    browser = site.signed_in(Role.VIEWER)
    assert f"{path}/data" not in browser.get(path).text
    answer = browser.post(f"{path}/data", data={"csrf": csrf(browser)})
    assert answer.status_code == 403
    assert "attachment" not in answer.headers.get("content-disposition", "")


def test_an_unknown_donor_is_not_found(site: FinanceSite) -> None:
    """A number without a donor is answered with 404, and nothing is recorded."""
    browser = site.signed_in(Role.FINANCE)
    answer = browser.post("/finance/donors/987654321/data", data={"csrf": csrf(browser)})
    assert answer.status_code == 404
    with site.database.reading() as session:
        acts = session.exec(select(StaffAct.act)).all()
    assert "donor_data_exported" not in acts
