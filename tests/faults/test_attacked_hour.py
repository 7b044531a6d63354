"""An hour of attack by the service's clock, with a fifth of the usual limits."""

from donate.breaker.levels import LaneLimits
from tests.faults.attacked_hour import MOST_BYTES, attacked_town
from tests.real_parts import Sqlite

LIMITS = {"card": LaneLimits(12, 40), "interac": LaneLimits(24, 80)}


def test_an_hour_of_attack(database_url: str) -> None:
    """It leaves few gifts, staff see it in a minute, donors give, and it is calm soon after."""
    attack(database_url, "1,000 networks", opened=26)


def test_an_hour_from_one_network(sqlite: Sqlite) -> None:
    """A network opens in an hour what it may open in ten minutes, and not six times as much."""
    attack(sqlite.fresh_url(), "one /48", opened=12)


def attack(url: str, pattern: str, *, opened: int) -> None:
    with attacked_town(url, LIMITS) as town:
        hour = town.attack(pattern, "card", 60)
        assert hour.answers[201] == opened
        assert set(hour.answers) <= {201, 403, 429}
        assert hour.is_well, list(hour.lines())
        if town.parts.database.is_sqlite:
            assert hour.grown_bytes < MOST_BYTES / 5, list(hour.lines())
