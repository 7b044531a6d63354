"""Attempts to open gifts, for the tests of the breaker."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from donate.breaker.attack_queries import LoggedAttack, recent_attacks
from donate.breaker.breaker import Breaker, Visitor
from donate.breaker.challenge import Challenges, has_worked
from donate.breaker.levels import LaneLimits
from donate.breaker.models import Lane, Level
from donate.breaker.watching import AttackWatch
from donate.clock import Clock, FixedClock
from donate.errors import ChallengeNeeded, TooManyAttempts
from donate.regions.modes import Mode
from donate.storage.database import Database

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# A fifth of the usual limits, so that the tests are quick.
CARDS = LaneLimits(per_network=12, in_all=40)
OTHERS = LaneLimits(per_network=24, in_all=80)


def breaker_for(
    database: Database, clock: Clock, cards: LaneLimits = CARDS, others: LaneLimits = OTHERS
) -> Breaker:
    limits = {Lane.STRIPE: cards, Lane.OTHER: others}
    return Breaker(database, clock, limits, Challenges("a secret for tests", least_bits=4))


def work_for(needed: ChallengeNeeded) -> str:
    """Do the work of a challenge as a donor's browser does, and return the proof."""
    works = (str(number) for number in count())
    work = next(each for each in works if has_worked(needed.token, each, needed.bits))
    return f"{needed.token}:{work}"


@dataclass
class Crowd:
    """People and bots who try to open gifts, through one process of a service."""

    database: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    cards: LaneLimits = CARDS
    others: LaneLimits = OTHERS
    answers: Counter[str] = field(default_factory=Counter)
    needed: ChallengeNeeded | None = None

    def __post_init__(self) -> None:
        self.breaker = breaker_for(self.database, self.clock, self.cards, self.others)
        self.watch = AttackWatch(self.database, self.clock, self.breaker, ["LWCAN", "LWUSA"])
        self._numbers = count()

    def attempt(
        self,
        address: str,
        mode: Mode = Mode.CARD,
        *,
        email: str = "",
        form: str = "",
        proof: str = "",
        code: str = "LWCAN",
        trusted: bool = False,
    ) -> str:
        """Try to open a gift; return "opened", "challenged" or "refused"."""
        number = next(self._numbers)
        visitor = Visitor(address, form or f"form {number}", proof, is_trusted=trusted)
        try:
            self.breaker.admit(mode, code, email or f"{number}@example.org", visitor)
        except TooManyAttempts:
            answer = "refused"
        except ChallengeNeeded as needed:
            self.needed = needed
            answer = "challenged"
        else:
            answer = "opened"
        self.answers[answer] += 1
        return answer

    def give_honestly(self, address: str, mode: Mode = Mode.CARD) -> int:
        """Give as a person does; return the number of steps."""
        if self.attempt(address, mode, form=address) == "opened":
            return 1
        assert self.needed is not None
        assert self.attempt(address, mode, form=address, proof=work_for(self.needed)) == "opened"
        return 2

    def wait(self, **how_long: float) -> None:
        """Let time pass, during which the worker watches each minute."""
        end = self.clock.instant + timedelta(**how_long)
        while self.clock.instant + timedelta(minutes=1) < end:
            self.clock.instant += timedelta(minutes=1)
            self.watch.watch_due()
        self.clock.instant = end
        self.watch.watch_due()

    def log(self) -> list[LoggedAttack]:
        with self.database.reading() as session:
            return recent_attacks(session, 10)

    def level(self, lane: Lane = Lane.STRIPE) -> Level:
        with self.database.reading() as session:
            return self.breaker.level(session, lane)


def address_in(number: int) -> str:
    """Return an IPv4 address of its own for each number."""
    return f"198.{18 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
