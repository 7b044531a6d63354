"""Staff send themselves a test of an e-mail whose text they write."""

from dataclasses import replace

from donate.errors import MailUnavailable
from donate.storage.database import Database
from tests.finance.finance_site import OPTIONS, FinanceSite, open_site
from tests.finance.text_desk import PAGE, acts_on_texts, send_text, stored_texts
from tests.letters.mailer import SENDER, LocalMailServer, plain, run_mail_server, smtp_to


def mailing(database: Database, mail_server: LocalMailServer) -> FinanceSite:
    options = replace(OPTIONS, mail_from=SENDER, new_carrier=lambda: smtp_to(mail_server))
    return open_site(database, options=options)


def test_a_test_goes_to_oneself_only(database: Database) -> None:
    """A test has the typed text, and goes to the person who is signed in and to nobody else."""
    with run_mail_server() as mail_server:
        site = mailing(database, mail_server)
        browser = site.signed_in(email="zoe@example.org")
        page = send_text(browser, "test", email="victim@example.org", to="victim@example.org")
        assert "Test sent to zoe@example.org. Nothing is saved yet." in page.text
        send_text(browser, "test")
    assert mail_server.recipients == ["zoe@example.org"] * 2
    first, second = mail_server.messages
    assert first["Subject"] == "[Test] Your $50.00 for the roof"
    assert "Thank you, Alex Example" in plain(first)
    assert first["Message-ID"] != second["Message-ID"]
    assert stored_texts(site) == []
    assert acts_on_texts(site) == [("letter_test_sent", "LWCAN en-CA")] * 2


def test_tests_are_limited(database: Database) -> None:
    """After ten tests in an hour a person gets a sentence, and no e-mail; others may send."""
    with run_mail_server() as mail_server:
        site = mailing(database, mail_server)
        browser = site.signed_in(email="zoe@example.org")
        for _ in range(10):
            assert send_text(browser, "test").status_code == 200
        refused = send_text(browser, "test")
        assert refused.status_code == 409
        assert "You’ve sent many tests." in refused.text
        assert 'value="Your {amount} for the roof"' in refused.text
        assert len(mail_server.messages) == 10
        assert send_text(site.signed_in(email="ann@example.org"), "test").status_code == 200
        site.wait(minutes=59)
        assert send_text(browser, "test").status_code == 409
        site.wait(minutes=2)
        assert send_text(site.signed_in(email="bob@example.org"), "test").status_code == 200


def test_a_test_that_fails_is_told(site: FinanceSite, database: Database) -> None:
    """Without a mail server there is no button; one that refuses gives a sentence."""
    browser = site.signed_in()
    assert "Send me a test" not in browser.get(PAGE).text
    assert send_text(browser, "test").status_code == 409
    assert acts_on_texts(site) == []

    class Broken:
        def carry(self, message: object) -> None:
            raise MailUnavailable("it is broken")

        def hang_up(self) -> None:
            pass

    options = replace(OPTIONS, mail_from=SENDER, new_carrier=Broken)
    browser = open_site(database, options=options).signed_in()
    assert "Send me a test" in browser.get(PAGE).text
    page = send_text(browser, "test")
    assert page.status_code == 409
    assert "The mail server didn’t accept the test." in page.text
