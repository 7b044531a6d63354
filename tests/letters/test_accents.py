"""E-mails with accented domains, through a real mail server without SMTPUTF8."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from donate.letters.sending.outbox import Outbox
from donate.regions.regions import Regions, load_regions
from donate.storage.database import Database
from donate.wiring.from_settings import carrier_of
from tests.letters.mailer import SITE, LocalMailServer, Mailer, open_mailer, run_mail_server
from tests.links import links_at
from tests.real_parts import Sqlite, make_settings
from tests.stripe_gateway.gifts_and_events import give


@pytest.fixture
def ascii_mail_server() -> Iterator[LocalMailServer]:
    with run_mail_server(enable_SMTPUTF8=False) as mail_server:
        yield mail_server


def with_address(address: str) -> Regions:
    """Return the regions, with this e-mail address for LWCAN's organisation."""
    regions = load_regions()
    region = regions["LWCAN"]
    with_email = region.organisation.model_copy(update={"email": address})
    return Regions({**regions, "LWCAN": region.model_copy(update={"organisation": with_email})})


@pytest.mark.parametrize("sender", ["dons@église.example", "dons@xn--glise-9ra.example"])
@pytest.mark.parametrize(
    ("organisation", "reply_to"),
    [
        ("info@église.example", "info@xn--glise-9ra.example"),
        ("église@example.org", None),
    ],
)
def test_a_letter_is_sent_from_an_accented_domain(
    sqlite: Sqlite,
    ascii_mail_server: LocalMailServer,
    sender: str,
    organisation: str,
    reply_to: str | None,
) -> None:
    """An e-mail can be sent if the domains of sender, donor and organisation are accented."""
    database = Database(sqlite.fresh_url())
    settings = make_settings(
        "sqlite://", smtp_url=f"smtp://127.0.0.1:{ascii_mail_server.port}", mail_from=sender
    )
    carrier = carrier_of(settings)
    assert carrier
    mailer = open_mailer(database, carrier, regions=with_address(organisation))
    outbox = Outbox(
        database,
        with_address(organisation),
        mailer.clock,
        carrier,
        sender=settings.mail_from,
        links=links_at(SITE),
    )
    give(database, mode="interac", email="zoe@bücher.example")
    check_sent(replace(mailer, outbox=outbox))
    (message,) = ascii_mail_server.messages
    assert ascii_mail_server.recipients == ["zoe@xn--bcher-kva.example"]
    assert message["From"].addresses[0].addr_spec == "dons@xn--glise-9ra.example"
    assert message["Message-ID"].endswith("@xn--glise-9ra.example>")
    header = message["Reply-To"]
    assert (header and header.addresses[0].addr_spec) == reply_to
    database.close()


def check_sent(mailer: Mailer) -> None:
    mailer.run()
    assert mailer.states() == [("instructions", "sent")]
