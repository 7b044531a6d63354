"""Accented domains, over a real mail server that has no SMTPUTF8."""

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


def written_to(organisation: str) -> Regions:
    """Return the regions with this address of the organisation."""
    regions = load_regions()
    region = regions["LWCAN"]
    known = region.organisation.model_copy(update={"email": organisation})
    return Regions({**regions, "LWCAN": region.model_copy(update={"organisation": known})})


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
    """Sender, donor and organisation may have accented domains: the letter arrives."""
    database = Database(sqlite.fresh_url())
    settings = make_settings(
        "sqlite://", smtp_url=f"smtp://127.0.0.1:{plain_office.port}", mail_from=sender
    )
    carrier = _carrier_of(settings)
    assert carrier
    desk = open_desk(database, carrier, regions=written_to(organisation))
    outbox = Outbox(
        database,
        written_to(organisation),
        desk.clock,
        carrier,
        sender=settings.mail_from,
        public_url=SITE,
    )
    give(database, mode="interac", email="zoe@bücher.example")
    sent(replace(desk, outbox=outbox))
    (message,) = plain_office.taken
    assert plain_office.recipients == ["zoe@xn--bcher-kva.example"]
    assert message["From"].addresses[0].addr_spec == "dons@xn--glise-9ra.example"
    assert message["Message-ID"].endswith("@xn--glise-9ra.example>")
    found = message["Reply-To"]
    assert (found and found.addresses[0].addr_spec) == reply_to
    database.close()


def sent(desk: Desk) -> None:
    desk.write()
    assert desk.states() == [("instructions", "sent")]
