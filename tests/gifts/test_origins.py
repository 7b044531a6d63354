"""From which network a gift was opened."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.gifts.origins import KEPT, GiftOrigin, OriginForgetter, origin_of
from donate.storage.database import Database
from tests.gifts.samples import NOW, choose


def open_from(session: Session, address: str, key: str = "form-1") -> Gift:
    return open_gift(session, choose(), key, now=NOW, address=address)


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::4", "2001:db8:1::/48"), ("", "unknown")],
)
def test_a_gift_has_an_origin(database: Database, address: str, network: str) -> None:
    """A gift keeps the IPv4 address or IPv6 /48 from which it was opened first."""
    with database.writing() as session:
        gift = open_from(session, address)
        assert origin_of(session, gift.id) == network
    with database.writing() as session:
        assert open_from(session, "198.51.100.9").id == gift.id
        assert origin_of(session, gift.id) == network


def test_an_origin_is_forgotten(database: Database) -> None:
    """After eight days the origin of a gift is deleted; the job looks once an hour."""
    with database.writing() as session:
        gift = open_from(session, "203.0.113.7")
    clock = FixedClock(NOW + KEPT - timedelta(seconds=1))
    job = OriginForgetter(database, clock)
    assert job.forget_due() == 0
    clock.instant = NOW + KEPT
    assert (job.forget_due(), OriginForgetter(database, clock).forget_due()) == (0, 1)
    with database.reading() as session:
        assert session.exec(select(GiftOrigin)).all() == []
        assert origin_of(session, gift.id) == ""
