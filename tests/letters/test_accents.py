"""E-mails with accented domains, through a real mail server without SMTPUTF8."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from donate.app import _carrier_of
from donate.letters.outbox import Outbox
from donate.regions.regions import Regions, load_regions
from donate.storage.database import Database
from tests.letters.post import SITE, Desk, PostOffice, a_post_office, open_desk
from tests.real_parts import Sqlite, make_settings
from tests.stripe_gateway.given import give


@pytest.fixture
def plain_office() -> Iterator[PostOffice]:
    with a_post_office(enable_SMTPUTF8=False) as office:
        yield office


def with_address(address: str) -> Regions:
    """Return the regions, with this address for the organisation."""
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
def test_a_letter_leaves_from_an_accented_domain(
    sqlite: Sqlite,
    plain_office: PostOffice,
    sender: str,
    organisation: str,
    reply_to: str | None,
) -> None:
    """Sender, donor and organisation may all have accented domains."""
    database = Database(sqlite.fresh_url())
    settings = make_settings(
        "sqlite://", smtp_url=f"smtp://127.0.0.1:{plain_office.port}", mail_from=sender
    )
    carrier = _carrier_of(settings)
    assert carrier
    desk = open_desk(database, carrier, regions=with_address(organisation))
    outbox = Outbox(
        database,
        with_address(organisation),
        desk.clock,
        carrier,
        sender=settings.mail_from,
        public_url=SITE,
    )
    give(database, mode="interac", email="zoe@bücher.example")
    check_sent(replace(desk, outbox=outbox))
    (message,) = plain_office.taken
    assert plain_office.recipients == ["zoe@xn--bcher-kva.example"]
    assert message["From"].addresses[0].addr_spec == "dons@xn--glise-9ra.example"
    assert message["Message-ID"].endswith("@xn--glise-9ra.example>")
    header = message["Reply-To"]
    assert (header and header.addresses[0].addr_spec) == reply_to
    database.close()


def check_sent(desk: Desk) -> None:
    desk.write()
    assert desk.states() == [("instructions", "sent")]
