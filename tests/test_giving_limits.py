"""Rate limits on new gifts, against people who test stolen cards."""

from datetime import UTC, datetime, timedelta

import pytest

from donate.errors import TooManyAttempts
from donate.regions.modes import Mode
from donate.web.giving_limits import WINDOW, AttemptCounter, GivingLimits

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def admitted(counter: AttemptCounter, address: str, now: datetime = NOW) -> bool:
    try:
        counter.count(address, now)
    except TooManyAttempts:
        return False
    return True


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:100::1", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("no address", "no address", True),
    ],
)
def test_a_network_is_counted_as_one(first: str, second: str, same: bool) -> None:
    """Rate limits count an IPv4 address, or a /56 of IPv6 addresses, as one network."""
    counter = AttemptCounter(per_network=1, in_all=10)
    assert admitted(counter, first)
    assert admitted(counter, second) is not same


def test_the_limit_for_all_networks_holds() -> None:
    """The limit for all networks together holds, however many networks requests come from."""
    counter = AttemptCounter(per_network=5, in_all=600)
    results = [admitted(counter, f"198.51.{n // 250}.{n % 250}") for n in range(10_000)]
    assert sum(results) == 600
    assert counter.refused(NOW) == 9_400


def test_the_next_window_begins_anew() -> None:
    """A network that reached its limit is admitted again when the time window has passed."""
    counter = AttemptCounter(per_network=1, in_all=10)
    assert admitted(counter, "203.0.113.7")
    assert not admitted(counter, "203.0.113.7", NOW + timedelta(minutes=9))
    assert admitted(counter, "203.0.113.7", NOW + WINDOW)
    assert counter.refused(NOW + WINDOW) == 0


def test_other_ways_stay_open_when_cards_are_refused() -> None:
    """A network at its limit for card gifts can still give in other ways, up to another limit."""
    limits = GivingLimits(cards=AttemptCounter(1, 10), gifts=AttemptCounter(2, 10))
    limits.count(Mode.CARD, "203.0.113.7", NOW)
    with pytest.raises(TooManyAttempts):
        limits.count(Mode.CARD, "203.0.113.7", NOW)
    limits.count(Mode.INTERAC, "203.0.113.7", NOW)
    with pytest.raises(TooManyAttempts):
        limits.count(Mode.INTERAC, "203.0.113.7", NOW)
