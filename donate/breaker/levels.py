"""Decides how strictly gifts are treated, from the counts of the last ten minutes. Pure functions.

The level is computed from the counts each time, not stored, so it falls again when the counts do.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from donate.breaker.models import Lane, Level, SwitchPosition

MOST_DECLINES: Final = 10
"""This many unexplained declines in ten minutes mean that somebody is testing cards."""
MANY_DECLINES: Final = 40
"""This many unexplained declines mean that the testers pass the challenges, so the lane pauses."""
PASSED_BEFORE_PAUSE: Final = 3
"""Gifts through Stripe pause if unpaid gifts reach this many times `in_all`: then the attackers
evidently pass the challenges."""
ASKED_TO_STAY: Final = 30
"""Gifts stay challenged as long as networks fail this many challenges in ten minutes. A network
counts at most once a minute, so that one alone cannot keep everybody challenged."""
SHARE_OF_A_CODE: Final = 2 / 3
"""The share of `in_all` at which the gifts of one giving code are challenged. It is below 1, so
that an attack with one code does not cause challenges for the other codes."""
A_SIXTH: Final = 6
"""The limit of a mailbox is `per_network` divided by this. So is a network's while its lane is not
calm."""
FORM_MOST: Final = 10
"""The most gifts that one form, or one gift's page, may open within ten minutes."""


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """The limits of a lane: how many gifts within ten minutes.

    A network with more than `per_network` gifts is refused. If all networks together have `in_all`
    unpaid gifts, everybody is challenged.
    """

    per_network: int
    in_all: int

    def for_network(self, network: str, level: Level) -> int:
        """Return the limit for a network. An IPv6 /48 may be several sites, so its limit is double.

        The limit is lower while the level is not calm.
        """
        whole = self.per_network * (2 if network.endswith("/48") else 1)
        return whole if level is Level.CALM else max(1, whole // A_SIXTH)

    @property
    def in_an_hour(self) -> int:
        """Above this, each gift of a network is challenged, if it may open one at all.

        So whoever uses up each ten minutes of a network does not fill the database. A /48 has no
        more than others here, because nothing is refused for it.
        """
        return self.per_network

    @property
    def for_mailbox(self) -> int:
        """Once a mailbox has this many gifts, each further gift is challenged.

        Anybody can type anybody's address, so gifts are not refused because of a mailbox.
        """
        return max(1, self.per_network // A_SIXTH)


@dataclass(frozen=True, slots=True)
class Pressure:
    """What happened in the last ten minutes in a lane, or with one giving code in it.

    `asked` counts the networks that were challenged and did not pass, each once a minute, and
    `challenged` all their attempts.
    """

    opened: int = 0
    paid: int = 0
    declined: int = 0
    asked: int = 0
    challenged: int = 0
    refused: int = 0

    @property
    def turned_away(self) -> int:
        """Attempts that opened nothing."""
        return self.challenged + self.refused

    @property
    def unpaid(self) -> int:
        """How many gifts were opened but not paid. Most honest donors pay within minutes."""
        return max(0, self.opened - self.paid)

    @property
    def unexplained_declines(self) -> int:
        """How many declines there were, less one for each paid gift: that many are normal."""
        return max(0, self.declined - self.paid)


_PARTS: Final = tuple(Pressure.__dataclass_fields__)


def pressure_name(lane: Lane, part: str, code: str = "") -> str:
    """Return the name under which a field of Pressure is counted, for a giving code or for all."""
    return f"{lane} {part} {code}".strip()


def pressure_names(lane: Lane, code: str = "") -> list[str]:
    """Return the names of the counts from which Pressure is read, one for each of its fields."""
    return [pressure_name(lane, part, code) for part in _PARTS]


def pressure_in(sums: Counter[str], lane: Lane, code: str = "") -> Pressure:
    """Return the Pressure whose fields are these sums."""
    return Pressure(**{part: sums[pressure_name(lane, part, code)] for part in _PARTS})


def level_of(lane: Lane, pressure: Pressure, in_all: int) -> Level:
    """Return the level for this pressure. `in_all` is the limit for all networks together.

    Only gifts through Stripe are ever paused.
    """
    if lane is Lane.STRIPE and (
        pressure.unexplained_declines >= MANY_DECLINES
        or pressure.unpaid >= PASSED_BEFORE_PAUSE * in_all
    ):
        return Level.PAUSED
    is_pressed = (
        pressure.unexplained_declines >= MOST_DECLINES
        or pressure.unpaid >= in_all
        or pressure.asked >= ASKED_TO_STAY
    )
    return Level.CHALLENGED if is_pressed else Level.CALM


def level_of_code(lane: Lane, pressure: Pressure, in_all: int) -> Level:
    """Return the level for one giving code and its pressure. It is never above CHALLENGED."""
    return min(Level.CHALLENGED, level_of(lane, pressure, max(1, int(in_all * SHARE_OF_A_CODE))))


def level_set_by(switch: SwitchPosition, lane: Lane, automatic: Level) -> Level:
    """Return the level in force: the one that staff set with the switch, or else `automatic`.

    The position PAUSE pauses only gifts through Stripe.
    """
    match switch:
        case SwitchPosition.CALM:
            return Level.CALM
        case SwitchPosition.PAUSE if lane is Lane.STRIPE:
            return Level.PAUSED
        case _:
            return automatic
