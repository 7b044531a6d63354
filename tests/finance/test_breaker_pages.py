"""What staff see of an attack, and the switch with which they hold the breaker."""

import pytest

from donate.breaker.breaker import network_count
from donate.breaker.counters import add_counts
from donate.breaker.levels import pressure_name
from donate.breaker.models import Lane
from donate.finance.roles import Role
from donate.regions.modes import Mode
from tests.breaker.attempts import Crowd, address_in
from tests.finance.finance_site import NOW, FinanceSite, csrf

NOT_CALM = "Someone is testing stolen cards. Each card gift takes one more step"


def attacked(site: FinanceSite, mode: Mode = Mode.CARD) -> Crowd:
    """Let 90 networks attack, with fewer gifts than would pause cards."""
    crowd = Crowd(site.database, site.clock)
    for number in range(90):
        crowd.attempt(address_in(number), mode)
    crowd.attempt("2001:db8:77::1", mode)
    crowd.watch.watch_due()
    return crowd


def test_every_staff_page_tells_of_an_attack(site_on_each: FinanceSite) -> None:
    """Within a second all staff pages have a banner, which goes when it is calm again."""
    site = site_on_each
    browser = site.signed_in(Role.VIEWER)
    crowd = attacked(site)
    for path in ("/finance", "/finance/gifts", "/finance/activity", "/finance/letters"):
        page = site.signed_in(Role.ADMIN, f"{path[9:] or 'x'}@example.org").get(path).text
        assert NOT_CALM in page
        assert '<a href="/finance/breaker">See the log.</a>' in page
    crowd.wait(minutes=15)
    assert NOT_CALM not in browser.get("/finance/gifts").text


def test_the_log_names_networks_and_times(site_on_each: FinanceSite) -> None:
    """The log has begin, end, changes of level, counts, and the networks that tried most."""
    site = site_on_each
    crowd = attacked(site)
    for _ in range(7):
        crowd.attempt("203.0.113.66")
    crowd.wait(minutes=1)
    with site.database.writing() as session:
        add_counts(session, {pressure_name(Lane.STRIPE, "declined"): 50}, site.clock.now())
    crowd.wait(minutes=15)
    page = site.signed_in(Role.VIEWER).get("/finance/breaker").text
    assert "Opened: 26. Asked for one more step: 72. Refused: 0." in page
    assert "Ended on" in page
    assert page.count("One more step.") >= 1
    assert "Paused." in page
    first = page[page.index("<tbody>") :]
    assert first.index("203.0.113.66") < first.index("198.18.0.")
    assert "Set by" not in page


def test_an_ipv6_network_is_named_by_its_48(site: FinanceSite) -> None:
    """The log names an IPv6 network by its /48, also for what it opened before the alarm."""
    crowd = Crowd(site.database, site.clock)
    for number in range(5):
        crowd.attempt(f"2001:db8:77:{number:x}::1")
    for number in range(40):
        crowd.attempt(address_in(number))
    crowd.watch.watch_due()
    page = site.signed_in().get("/finance/breaker").text
    assert "2001:db8:77::/48</th><td>5</td>" in page
    assert "/64" not in page
    assert network_count(Lane.STRIPE, "x") == "stripe from x"


def test_refused_networks_are_told_though_it_is_calm(site: FinanceSite) -> None:
    """A single network that is refused a hundred times is in the banner and in the log."""
    crowd = Crowd(site.database, site.clock)
    for _ in range(120):
        crowd.attempt("203.0.113.7")
    crowd.watch.watch_due()
    browser = site.signed_in()
    assert "These are held back. Everybody else gives as usual." in browser.get("/finance").text
    crowd.attempt("203.0.113.7")
    crowd.watch.watch_due()
    page = browser.get("/finance/breaker").text
    assert "203.0.113.7" in page
    assert "Refused: 109." in page


@pytest.mark.parametrize(
    ("position", "sentence", "act"),
    [
        ("pause", "Card payments are paused by hand.", "Paused card payments"),
        ("calm", "is switched off by hand.", "Switched off the protection"),
        ("automatic", "", "Let the protection against card testing decide"),
    ],
)
def test_finance_staff_set_the_switch(
    site: FinanceSite, position: str, sentence: str, act: str
) -> None:
    """The switch holds until it is set again; the banner, page and activity say who set it."""
    browser = site.signed_in(Role.ADMIN)
    form = {"csrf": csrf(browser), "position": position}
    assert browser.post("/finance/breaker", data=form).status_code == 303
    page = browser.get("/finance/breaker").text
    assert f'value="{position}" checked' in page
    assert "Ann Lee" in page
    assert sentence in browser.get("/finance/gifts").text
    assert act in browser.get("/finance/activity").text
    answer = Crowd(site.database, site.clock).attempt("203.0.113.7")
    assert answer == ("refused" if position == "pause" else "opened")


def test_viewers_and_odd_forms_set_nothing(site: FinanceSite) -> None:
    """A viewer has no switch, and a form with an unknown position changes nothing."""
    viewer = site.signed_in(Role.VIEWER)
    assert "<fieldset>" not in viewer.get("/finance/breaker").text
    form = {"csrf": csrf(viewer), "position": "pause"}
    assert viewer.post("/finance/breaker", data=form).status_code == 403
    browser = site.signed_in(Role.FINANCE)
    odd = {"csrf": csrf(browser), "position": "off"}
    assert browser.post("/finance/breaker", data=odd).status_code == 422
    assert Crowd(site.database, site.clock).attempt("203.0.113.7") == "opened"
    assert site.clock.now() == NOW
