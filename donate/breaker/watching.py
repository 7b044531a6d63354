"""The background job that writes the log of attacks every second, and deletes old counts."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlmodel import Session

from donate.breaker.attack_log import (
    begin_attack,
    end_attack,
    forget_old_networks,
    note_networks,
    note_step,
    open_attack,
)
from donate.breaker.breaker import Breaker, network_count
from donate.breaker.counters import (
    add_counts,
    minute_of,
    prune_counts,
    sums_beginning_with,
    window_sums,
)
from donate.breaker.levels import (
    Pressure,
    level_of,
    level_of_code,
    pressure_in,
    pressure_name,
    pressure_names,
)
from donate.breaker.models import Lane, Level
from donate.breaker.turned_away import AttemptOutcome, Noted
from donate.clock import Clock
from donate.errors import DonateError
from donate.storage.database import Database

log = logging.getLogger(__name__)

MANY_TURNED_AWAY: Final = 100
"""So many attempts in ten minutes that open nothing are logged as an attack, even if they trouble
nobody else."""

_TURNED_AWAY: Final = {"challenged": AttemptOutcome.ASKED, "refused": AttemptOutcome.REFUSED}


class AttackWatch:
    """Notices when attacks begin, change and end. `codes` are all giving codes."""

    def __init__(
        self, database: Database, clock: Clock, breaker: Breaker, codes: Collection[str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._breaker = breaker
        self._codes = tuple(codes)
        self._pruned = 0
        self._challenged = 0

    def watch_due(self) -> int:
        """Bring the log up to date. Raises DatabaseBusy.

        Always returns 0 ("no work found"), which makes the worker pause before the next run.
        """
        now, not_written = self._clock.now(), self._breaker.turned_away.take()
        try:
            for lane in Lane:
                own = Counter({one: n for one, n in not_written.items() if one.lane is lane})
                with self._database.reading() as session:
                    has_news = self._has_news(session, lane, own, now)
                if has_news:
                    with self._database.writing() as session:
                        self._record(session, lane, own, now)
                # A lane that is committed is not given back, or its attempts would count twice.
                not_written -= own
                self._challenged += sum(
                    count for one, count in own.items() if one.outcome is AttemptOutcome.ASKED
                )
        except DonateError:
            self._breaker.turned_away.give_back(not_written)
            raise
        if minute_of(now) != self._pruned:
            self._each_minute(now)
        return 0

    def _has_news(self, session: Session, lane: Lane, noted: Counter[Noted], now: datetime) -> bool:
        if any(one.outcome is not AttemptOutcome.OPENED for one in noted):
            return True
        attack = open_attack(session, lane)
        level, pressure, _ = self._levels(session, lane, now)
        if attack is None:
            return _is_attack(level, pressure)
        return bool(noted) or level != attack.level or not _is_attack(level, pressure)

    def _record(self, session: Session, lane: Lane, noted: Counter[Noted], now: datetime) -> None:
        turned_away = Counter(
            {
                pressure_name(lane, part): sum(n for one, n in noted.items() if one.outcome is what)
                for part, what in _TURNED_AWAY.items()
            }
        )
        add_counts(session, turned_away, now)
        level, pressure, strict = self._levels(session, lane, now)
        attack = open_attack(session, lane, lock=True)
        if attack is None:
            if not _is_attack(level, pressure):
                return
            attack = begin_attack(session, lane, now=now)
            # `_opened_before` counts the opened gifts, these included, so leave them out here.
            tries = _tries(
                {one: n for one, n in noted.items() if one.outcome is not AttemptOutcome.OPENED}
            )
            for network, count in self._opened_before(session, lane, now).items():
                tries[network][AttemptOutcome.OPENED] += count
            note_step(session, attack, level, pressure, now=now)
            log.warning("an attack on gifts by %s began: %s", lane, level.name.lower())
        else:
            tries = _tries(noted)
            if level != attack.level:
                note_step(session, attack, level, pressure, now=now)
                log.warning("gifts by %s are now %s", lane, level.name.lower())
        asked = note_networks(session, attack, tries, now=now)
        codes = {one.code for one in noted if one.outcome is AttemptOutcome.ASKED}
        names = [pressure_name(lane, "asked", code) for code in strict if code in codes | {""}]
        add_counts(session, dict.fromkeys(names, asked), now)
        if not _is_attack(level, pressure):
            end_attack(session, attack, now=now)
            log.warning("the attack on gifts by %s is over", lane)

    def _levels(
        self, session: Session, lane: Lane, now: datetime
    ) -> tuple[Level, Pressure, set[str]]:
        """Return the strictest level, the lane's pressure, and the giving codes that are not calm.

        The empty code stands for the lane as a whole.
        """
        names = [name for code in ("", *self._codes) for name in pressure_names(lane, code)]
        sums, in_all = window_sums(session, names, now), self._breaker.limits[lane].in_all
        pressure = pressure_in(sums, lane)
        levels = {"": level_of(lane, pressure, in_all)} | {
            code: level_of_code(lane, pressure_in(sums, lane, code), in_all) for code in self._codes
        }
        strict = {code for code, level in levels.items() if level is not Level.CALM}
        return max(levels.values()), pressure, strict

    def _opened_before(self, session: Session, lane: Lane, now: datetime) -> dict[str, int]:
        """Return how many gifts each network opened in the last ten minutes.

        An attack is noticed only after some of its gifts were opened.
        """
        opened = sums_beginning_with(session, network_count(lane), now)
        return {net: n for net, n in opened.items() if not net.endswith(("/64", "/56"))}

    def _each_minute(self, now: datetime) -> None:
        with self._database.writing() as session:
            prune_counts(session, now)
            forget_old_networks(session, now)
        if self._challenged:
            log.warning("challenged %s gifts in a minute", self._challenged)
        self._challenged = 0
        self._pruned = minute_of(now)


def _is_attack(level: Level, pressure: Pressure) -> bool:
    return level is not Level.CALM or pressure.turned_away >= MANY_TURNED_AWAY


def _tries(noted: Mapping[Noted, int]) -> defaultdict[str, Counter[AttemptOutcome]]:
    tries: defaultdict[str, Counter[AttemptOutcome]] = defaultdict(Counter)
    for one, count in noted.items():
        tries[one.network][one.outcome] += count
    return tries
