"""A copy of the database does not lead to Stripe's payment pages, which lead back to gifts."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from donate.clock import FixedClock
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import OpenCheckout
from tests.links import LINK_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of, session_requests, sessions
from tests.stripe_gateway.gifts_and_events import give
from tests.stripe_gateway.refund_desk import QUICK

NEW_KEY = LINK_KEY[::-1]


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[StripeClient]:
    client = client_of(sandbox, **QUICK)
    yield client
    client.close()


def test_the_address_of_stripes_page_is_encrypted(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """The database has the address only encrypted, and the donor is still sent back to it."""
    gift = give(database, attempts=0)
    clock = FixedClock(datetime.now(UTC))
    url = checkouts_of(database, client, clock).open_for(gift)
    with database.reading() as session:
        stored = session.exec(select(OpenCheckout.url)).one()
    assert "http" not in stored
    assert url.rpartition("/")[2] not in stored
    both = checkouts_of(database, client, clock, keys=(NEW_KEY, LINK_KEY))
    assert both.open_for(gift) == checkouts_of(database, client, clock).open_for(gift) == url
    assert len(session_requests(sandbox)) == 1


def test_without_the_key_a_new_page_is_opened(
    database: Database, sandbox: RunningSandbox, client: StripeClient
) -> None:
    """If no key decrypts the address, the session is expired before another one is opened."""
    gift = give(database, attempts=0)
    clock = FixedClock(datetime.now(UTC))
    old = checkouts_of(database, client, clock).open_for(gift)
    after = checkouts_of(database, client, clock, keys=(NEW_KEY,))
    new = after.open_for(gift)
    assert new != old
    assert sessions(sandbox) == {"expired": 1, "open": 1}
    assert after.open_for(gift) == new
