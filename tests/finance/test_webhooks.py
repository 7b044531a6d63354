"""The pages on which admins manage the programs that get webhooks."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import select

from donate.finance.roles import Role
from donate.gifts.facts import FactKind
from donate.outbound_webhooks.models import DeliveryState, WebhookDelivery, WebhookReceiver
from donate.outbound_webhooks.receivers import OLD_SECRET_FOR
from donate.outbound_webhooks.sender import MOST_RECEIVERS
from tests.finance.finance_site import NOW, OPTIONS, FinanceSite, fields, open_site
from tests.finance.people_site import post
from tests.letters.facts import tell
from tests.outbound_webhooks.receiving import Program, WebhookDesk, open_desk, running_program
from tests.stripe_gateway.gifts_and_events import give

NEW, PAGE = "/finance/webhooks/new", "/finance/webhooks/1"
FORM = {
    "url": "https://crm.example.org/hooks",
    "description": "The CRM",
    "event-gift.confirmed": "yes",
}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")


def add(browser: TestClient, **typed: str) -> Response:
    return post(browser, NEW, NEW, **FORM | typed)


def act(browser: TestClient, name: str, **typed: str) -> Response:
    """Send a form of the page of the first program."""
    return post(browser, f"{PAGE}/{name}", PAGE, **typed)


def receiver(site: FinanceSite, number: int = 1) -> WebhookReceiver:
    with site.database.reading() as session:
        return session.get_one(WebhookReceiver, number)


def desk_of(site: FinanceSite) -> WebhookDesk:
    """Return a desk that finds and sends, with the clock and the key of the pages."""
    desk = open_desk(site.database, cipher=OPTIONS.cipher)
    desk.clock = site.clock
    desk.sender._clock = desk.finder._clock = site.clock
    return desk


def acts(site: FinanceSite) -> list[str]:
    return [each.act for each in site.acts() if each.act.startswith("webhook")]


def confirm(site: FinanceSite, desk: WebhookDesk, source: str = "pi_1") -> None:
    gift, now = give(site.database), site.clock.now()
    tell(site.database, gift, FactKind.PAYMENT_SUCCEEDED, source, recorded_at=now)
    desk.find()


def test_the_secret_is_shown_once(site_on_each: FinanceSite) -> None:
    """Adding a program shows its secret, once; sending the form twice adds one program."""
    site = site_on_each
    admin = site.signed_in(Role.ADMIN)
    form = fields(admin.get(NEW)) | FORM
    first, second = (admin.post(NEW, data=form) for _ in range(2))
    (secret,) = SECRET.findall(first.text)
    assert OPTIONS.cipher
    assert OPTIONS.cipher.decrypt(receiver(site).secret) == secret
    assert second.headers["location"] == f"{PAGE}?done=known"
    assert "make a new one" in admin.get(second.headers["location"]).text
    for page in (PAGE, "/finance/webhooks", "/finance/activity"):
        assert not SECRET.search(admin.get(page).text)
    assert acts(site) == ["webhook_added"]
    with site.database.reading() as session:
        assert len(session.exec(select(WebhookReceiver)).all()) == 1


def test_a_new_secret_replaces_the_old_one(site: FinanceSite) -> None:
    """A new secret is shown once; the page says until when the old one signs too."""
    admin = site.signed_in(Role.ADMIN)
    (old,) = SECRET.findall(add(admin).text)
    form = fields(admin.get(PAGE))
    answer = admin.post(f"{PAGE}/secret", data=form)
    (new,) = SECRET.findall(answer.text)
    assert new != old
    assert receiver(site).old_secret_until == NOW + OLD_SECRET_FOR
    assert "Old secret signs too until" in admin.get(PAGE).text
    # A double click does not throw the shown secret away.
    again = admin.post(f"{PAGE}/secret", data=form)
    assert again.status_code == 409
    assert "Somebody changed this program" in again.text
    site.wait(hours=25)
    admin = site.signed_in(Role.ADMIN, "later@example.org")
    assert "Old secret signs too until" not in admin.get(PAGE).text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"url": "http://crm.example.org/"}, "begins with https://"),
        ({"url": "https://10.0.0.1/"}, "only to public addresses"),
        ({"url": "http://127.0.0.1:8001/"}, "begins with https://"),
        ({"url": "https://crm.example.org:22/"}, "port 443 or 8443"),
        ({"description": " "}, "which program this is"),
        ({"description": 101 * "x"}, "shorten this to 100 characters"),
        ({"event-gift.confirmed": ""}, "at least one event"),
        ({"event-gift.confirmed": "", "event-webhook.test": "yes"}, "at least one event"),
    ],
)
def test_mistakes_in_the_form_lose_nothing(
    site: FinanceSite, typed: dict[str, str], sentence: str
) -> None:
    """A mistake is named, and what was typed stays in the form, of a new or a known program."""
    admin = site.signed_in(Role.ADMIN)
    answer = add(admin, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    kept = FORM | typed
    assert f'value="{kept["url"]}"' in answer.text
    assert f'value="{kept["description"]}"' in answer.text
    assert add(admin).status_code == 200
    answer = act(admin, "changed", **FORM | typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert receiver(site).url == FORM["url"]


def test_donors_are_named_only_by_an_act(site: FinanceSite) -> None:
    """Ticking or clearing the box for donors' data is an act of its own in the activity log."""
    admin = site.signed_in(Role.ADMIN)
    add(admin)
    assert not receiver(site).with_donor
    assert act(admin, "changed", **FORM, with_donor="yes").status_code == 303
    assert receiver(site).with_donor
    act(admin, "changed", **FORM)
    assert acts(site) == [
        "webhook_added",
        *("webhook_changed", "webhook_donors_named"),
        *("webhook_changed", "webhook_donors_left_out"),
    ]
    page = admin.get("/finance/activity").text
    assert "Lets a program get donors’ names and e-mail addresses: The CRM" in page


def test_without_the_key_no_program_is_added(site: FinanceSite) -> None:
    """Without SECOND_FACTOR_KEY the form says what to do, and adds nothing."""
    keyless = open_site(site.database, options=replace(OPTIONS, cipher=None))
    admin = keyless.signed_in(Role.ADMIN)
    assert "SECOND_FACTOR_KEY" in admin.get(NEW).text
    assert add(admin).status_code == 409
    with site.database.reading() as session:
        assert session.exec(select(WebhookReceiver)).all() == []


def test_only_ten_programs_are_on(site: FinanceSite) -> None:
    """The eleventh program is refused, until one is switched off."""
    admin = site.signed_in(Role.ADMIN)
    for _ in range(MOST_RECEIVERS):
        assert add(admin).status_code == 200
    refused = add(admin)
    assert refused.status_code == 409
    assert "At most 10 programs" in refused.text
    act(admin, "disabled")
    assert add(admin).status_code == 200
    assert "At most 10 programs" in act(admin, "enabled").text


@pytest.fixture
def program() -> Iterator[Program]:
    with running_program() as program:
        yield program


def test_a_test_and_a_replay(site_on_each: FinanceSite, program: Program) -> None:
    """An admin sends a test, sees its answer, and sends a webhook again with its old id."""
    site = site_on_each
    admin, desk = site.signed_in(Role.ADMIN), desk_of(site)
    desk.add(program.url)
    assert act(admin, "tested").headers["location"] == f"{PAGE}?done=tested"
    assert "hasn’t been accepted yet" in act(admin, "tested").text
    program.text = "<b>thanks</b>"
    desk.send()
    confirm(site, desk)
    desk.send()
    assert program.types == ["webhook.test", "gift.confirmed"]
    page = admin.get(PAGE).text
    assert "It answered 200." in page
    assert "&lt;b&gt;thanks&lt;/b&gt;" in page
    assert act(admin, "replayed", delivery="2").status_code == 303
    desk.send()
    assert program.got[1].id == program.got[2].id
    assert program.got[1].body == program.got[2].body
    assert act(admin, "replayed", delivery="99").status_code == 404
    assert acts(site) == ["webhook_tested", "webhook_replayed"]
    assert len(site.nudges) == 2


def test_what_failed_is_sent_again_or_dismissed(site_on_each: FinanceSite) -> None:
    """All that failed since a day is sent again; the rest is dismissed. Others stay as they are."""
    site = site_on_each
    admin, desk = site.signed_in(Role.ADMIN), desk_of(site)
    desk.add("https://crm.example.org/")
    desk.add("https://news.example.org/")
    for number in range(3):
        confirm(site, desk, f"pi_{number}")
        site.wait(days=1)
    with site.database.writing() as session:
        for each in session.exec(select(WebhookDelivery)):
            each.state = DeliveryState.FAILED
    admin = site.signed_in(Role.ADMIN, "later@example.org")
    assert "2 programs don’t accept our webhooks." in admin.get("/finance").text
    wrong = act(admin, "replayed-all", since="yesterday")
    assert wrong.status_code == 422
    assert 'value="yesterday"' in wrong.text
    since = f"{NOW + timedelta(days=1):%Y-%m-%d}"
    assert act(admin, "replayed-all", since=since).status_code == 303
    assert act(admin, "dismissed").status_code == 303
    states = [(one.receiver_id, one.state.value) for one in desk.deliveries()]
    assert sorted(states) == [
        *((1, "dismissed"), (1, "waiting"), (1, "waiting")),
        *((2, "failed"), (2, "failed"), (2, "failed")),
    ]
    assert "A program doesn’t accept our webhooks." in admin.get("/finance").text
    page = admin.get(f"{PAGE}?show=failed").text
    assert "None failed." in page


def test_staff_are_told_of_a_failing_program(site: FinanceSite, program: Program) -> None:
    """Every staff page tells of a program that has failed for an hour, or that left for good."""
    desk, sentence = desk_of(site), "A program doesn’t accept our webhooks."
    desk.add(program.url)
    program.code = 500
    confirm(site, desk)
    desk.send()
    viewer = site.signed_in(Role.VIEWER)
    site.wait(minutes=59)
    assert sentence not in viewer.get("/finance").text
    site.wait(minutes=1)
    assert sentence in viewer.get("/finance").text
    assert "hasn’t accepted any webhook since" in viewer.get(PAGE).text
    program.code = 410
    desk.send()
    assert sentence in viewer.get("/finance").text
    admin = site.signed_in(Role.ADMIN)
    assert "(410)" in admin.get(PAGE).text
    act(admin, "dismissed")
    assert sentence in viewer.get("/finance").text
    act(admin, "disabled")
    assert sentence not in viewer.get("/finance").text
    assert receiver(site).disabled_why == "staff"
    act(admin, "enabled")
    assert receiver(site).disabled_at is None


def test_viewers_change_nothing(site: FinanceSite) -> None:
    """Viewers and finance staff see programs without the path of their address, and no form."""
    admin = site.signed_in(Role.ADMIN)
    add(admin, url="https://crm.example.org/s3cret")
    assert "s3cret" in admin.get(PAGE).text
    assert "s3cret" not in str([each.detail for each in site.acts()])
    for role in (Role.VIEWER, Role.FINANCE):
        browser = site.signed_in(role)
        assert "The CRM" in browser.get("/finance/webhooks").text
        assert "crm.example.org" in browser.get(PAGE).text
        assert "s3cret" not in browser.get(PAGE).text + browser.get("/finance/webhooks").text
        assert PAGE not in re.findall(r'action="([^"]+)"', browser.get(PAGE).text)
        assert act(browser, "disabled").status_code == 403
    assert receiver(site).disabled_at is None


def test_older_deliveries_are_on_further_pages(site: FinanceSite) -> None:
    """The page shows fifty deliveries, and a link to the older ones."""
    admin, desk = site.signed_in(Role.ADMIN), desk_of(site)
    desk.add("https://crm.example.org/")
    for number in range(51):
        gift = give(site.database)
        tell(site.database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{number}", recorded_at=NOW)
    desk.find()
    page = admin.get(PAGE).text
    assert page.count("msg_") == 50
    (older,) = re.findall(r'rel="next" href="[^"]+\?before=(\d+)"', page)
    assert admin.get(f"{PAGE}?before={older}").text.count("msg_") == 1


def test_reasons_are_translated(site: FinanceSite) -> None:
    """The stored reason of a failure is shown in the reader's language."""
    admin, desk = site.signed_in(Role.ADMIN), open_desk(site.database, cipher=None)
    desk.add("https://crm.example.org/")
    confirm(site, desk)
    desk.send()
    admin.post("/finance/language", data=fields(admin.get(PAGE)) | {"language": "fr-CA"})
    page = admin.get(PAGE).text
    assert "Son secret ne peut pas être déchiffré" in page
    assert "L’argent est arrivé" in page
