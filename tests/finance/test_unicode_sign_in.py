"""A password or an e-mail address is the same in each of its Unicode spellings."""

import pytest

from donate.errors import Conflict
from donate.finance.staff.accounts import set_password, staff_by_email
from tests.finance.finance_site import CHEAP, FinanceSite, sign_in

COMPOSED, DECOMPOSED = "sept hérons calmes", "sept he\u0301rons calmes"


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED, "sept\u00a0hérons calmes"])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_a_password_is_the_same_in_each_spelling(
    site: FinanceSite, stored: str, typed: str
) -> None:
    """A password may be typed with composed or decomposed accents.

    A no-break space in it equals an ordinary space.
    """
    site.add_staff("ann@example.org")
    with site.database.writing() as session:
        set_password(session, "ann@example.org", stored, now=site.clock.now(), passwords=CHEAP)
    assert sign_in(site.browser(), password=typed).status_code == 303
    assert sign_in(site.browser(), password=typed.replace("s c", "sc")).status_code == 401


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
def test_a_hash_of_an_earlier_version_works_and_is_replaced(site: FinanceSite, stored: str) -> None:
    """A hash of a password that was not normalized still works, and is replaced."""
    site.add_staff("ann@example.org")
    for _ in range(2):
        with site.database.writing() as session:
            staff_by_email(session, "ann@example.org").password_hash = CHEAP.hash(stored)
        assert sign_in(site.browser(), password=DECOMPOSED).status_code == 303
        assert CHEAP.verify(COMPOSED, site.staff("ann@example.org").password_hash)
        assert sign_in(site.browser(), password=COMPOSED).status_code == 303


@pytest.mark.parametrize("stored", ["ann@église.example", "ann@xn--glise-9ra.example"])
@pytest.mark.parametrize("typed", ["Ann@ÉGLISE.example", "ann@xn--glise-9ra.example"])
def test_an_address_is_the_same_in_each_spelling(
    site: FinanceSite, stored: str, typed: str
) -> None:
    """Staff can sign in with the accented or the ASCII spelling of their e-mail's domain."""
    site.add_staff(stored)
    assert sign_in(site.browser(), email=typed).status_code == 303
    with pytest.raises(Conflict):
        site.add_staff(typed)
