"""The worker sends a one-time link to the address, and tries again while the donor waits."""

import logging
from email.message import EmailMessage

import pytest

from donate.donors.own_page.link_mail import RETRY_AFTER
from donate.errors import MailRefused, MailUnavailable
from donate.storage.claiming import LEASE
from tests.donors.own_page.site import ANN, STRANGER, OwnPageSite, link_in
from tests.gifts.samples import NOW
from tests.letters.mailer import markup, plain
from tests.links import token_of


def sent(site: OwnPageSite) -> list[EmailMessage]:
    return site.carrier.messages


def test_a_link_goes_to_the_address(site: OwnPageSite) -> None:
    """A known address gets one e-mail with the link, and the request is done."""
    site.give()
    site.ask("Ann@Example.com")
    site.send()
    (message,) = sent(site)
    assert (message["To"], message["Subject"]) == (ANN, "Your link to see your gifts")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] == "partnership@loveworldcan.ca"
    assert link_in(message).endswith("?lang=en-CA")
    assert site.requests() == []


def test_the_email_tells_nothing_about_gifts(sqlite_site: OwnPageSite) -> None:
    """The e-mail has neither the donor's name nor anything about a gift."""
    gift = sqlite_site.give(mode="interac")
    sqlite_site.link_for()
    for text in (plain(sent(sqlite_site)[0]), markup(sent(sqlite_site)[0])):
        for secret in ("Ann Lee", "$50", token_of(gift), gift.reference):
            assert secret not in text
        assert "If that wasn’t you, you can ignore it." in text
        assert "because a gift was made" not in text


def test_the_email_is_in_the_language_of_the_page(sqlite_site: OwnPageSite) -> None:
    """Whoever asks on the French page gets a French e-mail, whose link opens a French page."""
    sqlite_site.give(language="en-CA")
    link = sqlite_site.link_for(lang="fr-CA")
    (message,) = sent(sqlite_site)
    assert message["Content-Language"] == "fr-CA"
    assert message["Subject"] == "Votre lien pour voir vos dons"
    assert "Afficher mes dons" in sqlite_site.get(link).text
    assert "20 minutes" in plain(message)


def test_a_limited_address_gets_no_email(site: OwnPageSite) -> None:
    """The fourth request within an hour is answered the same, and causes no e-mail."""
    site.give()
    answers = []
    for _ in range(4):
        answers.append(site.ask().headers["location"])
        site.send()
    assert len(sent(site)) == 3
    assert len(set(answers)) == 1
    assert site.requests() == []


def test_a_link_is_tried_again_as_a_new_one(site: OwnPageSite) -> None:
    """If the mail server is away, the donor gets a new link later, and the first one is deleted."""
    site.give()
    site.carrier.errors = [MailUnavailable("away")]
    site.ask()
    assert site.mailer.send_due() == 0
    assert (sent(site), site.links()) == ([], [])
    site.send()
    assert sent(site) == []
    site.clock.instant = NOW + RETRY_AFTER.pauses[0]
    site.send()
    assert len(site.links()) == len(sent(site)) == 1
    assert site.post(link_in(sent(site)[0])).status_code == 303


def test_a_link_that_may_have_arrived_still_works(sqlite_site: OwnPageSite) -> None:
    """If the connection broke after the e-mail, it may have arrived, so its link is kept."""
    site = sqlite_site
    site.give()
    site.carrier.errors = [MailUnavailable("broke", may_have_acted=True)]
    site.ask()
    site.send()
    assert len(site.links()) == 1
    site.clock.instant = NOW + RETRY_AFTER.pauses[0]
    site.send()
    assert len(site.links()) == 2


def test_a_refused_link_is_not_tried_again(site: OwnPageSite) -> None:
    """If the mail server refuses the address for good, the request and its link are deleted."""
    site.give()
    site.carrier.errors = [MailRefused("550")]
    site.ask()
    site.send()
    assert (site.requests(), site.links(), sent(site)) == ([], [], [])


def test_a_link_is_given_up(sqlite_site: OwnPageSite) -> None:
    """After the last attempt the request is deleted."""
    site = sqlite_site
    site.give()
    site.carrier.errors = [MailUnavailable("away")] * 20
    site.ask()
    for number, pause in enumerate(RETRY_AFTER.pauses, 1):
        site.send()
        assert site.requests()[0]["tries"] == number
        site.clock.instant += pause
    site.send()
    assert site.requests() == []
    assert len(site.carrier.errors) == 20 - len(RETRY_AFTER.pauses) - 1


def test_a_request_of_a_dead_worker_is_taken_by_another(site: OwnPageSite) -> None:
    """A claimed request is left alone for two minutes, and then taken by another worker."""
    site.give()
    site.ask()
    assert site.mailer._claim()
    site.send()
    assert sent(site) == []
    site.clock.instant = NOW + LEASE
    site.send()
    assert len(sent(site)) == 1


def test_one_broken_request_does_not_block_the_others(sqlite_site: OwnPageSite) -> None:
    """Requests are taken in turn: while one waits for its next attempt, others are sent."""
    site = sqlite_site
    site.give()
    site.give("bo@example.com")
    site.carrier.errors = [MailUnavailable("away")]
    site.ask()
    site.ask("bo@example.com")
    site.send()
    site.send()
    assert [message["To"] for message in sent(site)] == ["bo@example.com"]


def test_logs_name_nobody(site: OwnPageSite, caplog: pytest.LogCaptureFixture) -> None:
    """No log has an address or a token, also when sending fails."""
    caplog.set_level(logging.DEBUG)
    site.give()
    site.carrier.errors = [MailUnavailable("away"), MailRefused("550")]
    site.ask(STRANGER)
    site.ask()
    for _ in range(3):
        site.send()
        site.wait(minutes=1)
    link = site.link_for()
    site.post(link)
    site.get("/my-gifts")
    # The client of the tests logs the URLs that it requests; the service does not.
    lines = [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    assert any("one-time link" in line for line in lines)
    cookie = site.browser.cookies["donate_my_gifts"]
    token = link.partition("?")[0].rpartition("/")[2]
    secrets = (ANN, STRANGER, token, cookie)
    assert [line for line in lines if any(secret in line for secret in secrets)] == []
