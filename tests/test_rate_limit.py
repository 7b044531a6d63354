"""Who tries cards by the thousand is slowed down; a congregation is not."""

from datetime import UTC, datetime, timedelta

import pytest

from donate.errors import TooManyAttempts
from donate.regions.modes import Mode
from donate.web.rate_limit import WINDOW, AttemptCounter, GivingLimits

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def admitted(tries: AttemptCounter, address: str, now: datetime = NOW) -> bool:
    try:
        tries.count(address, now)
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
    """An IPv4 address counts for itself, an IPv6 address for its /56."""
    tries = AttemptCounter(per_network=1, in_all=10)
    assert admitted(tries, first)
    assert admitted(tries, second) is not same


def test_ten_thousand_from_everywhere_stop_at_the_limit_for_all() -> None:
    """Tries from ten thousand networks are admitted up to the limit for all, and no further."""
    tries = AttemptCounter(per_network=5, in_all=600)
    begun = [admitted(tries, f"198.51.{n // 250}.{n % 250}") for n in range(10_000)]
    assert sum(begun) == 600
    assert tries.refused(NOW) == 9_400


def test_the_next_window_begins_anew() -> None:
    """When the window is over, the same network is admitted again."""
    tries = AttemptCounter(per_network=1, in_all=10)
    assert admitted(tries, "203.0.113.7")
    assert not admitted(tries, "203.0.113.7", NOW + timedelta(minutes=9))
    assert admitted(tries, "203.0.113.7", NOW + WINDOW)
    assert tries.refused(NOW + WINDOW) == 0


def test_other_ways_stay_open_when_cards_are_refused() -> None:
    """Card gifts have a limit of their own, within that for all gifts."""
    limits = GivingLimits(cards=AttemptCounter(1, 10), gifts=AttemptCounter(2, 10))
    limits.count(Mode.CARD, "203.0.113.7", NOW)
    with pytest.raises(TooManyAttempts):
        limits.count(Mode.CARD, "203.0.113.7", NOW)
    limits.count(Mode.INTERAC, "203.0.113.7", NOW)
    with pytest.raises(TooManyAttempts):
        limits.count(Mode.INTERAC, "203.0.113.7", NOW)
