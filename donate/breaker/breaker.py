"""Decides whether a gift may be opened, before the gift is stored and before Stripe is asked.

A network that exceeds its own limit is refused. A limit that strangers can use up for others (of
all networks together, a giving code or a mailbox) refuses nobody: above it, each visitor first has
to pass a challenge. `levels.py` has the rules.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from donate.breaker.challenge import Challenges
from donate.breaker.counters import FOR_AN_HOUR, add_counts, window_sums
from donate.breaker.levels import (
    FORM_MOST,
    LaneLimits,
    level_of,
    level_of_code,
    level_set_by,
    pressure_in,
    pressure_name,
    pressure_names,
)
from donate.breaker.models import Lane, Level
from donate.breaker.providers import ChallengeProvider
from donate.breaker.switch import switch_position
from donate.breaker.turned_away import AttemptOutcome, TurnedAway
from donate.clock import Clock
from donate.errors import ChallengeNeeded, TooManyAttempts
from donate.gifts.donor_profiles.mailboxes import folded_mailbox
from donate.gifts.queries import gift_by_form_key
from donate.regions.modes import Mode
from donate.storage.database import Database
from donate.web.limits.networks import networks_of
from donate.web.refusals import REFUSALS, Refusal

RETRY_AFTER_S: Final = 600
"""The same for every refusal, so that card testers do not learn which limit they exceeded."""

Limits = Mapping[Lane, LaneLimits]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who wants to open a gift: the network address, the form, and the proof of a challenge.

    `form` identifies the form: it is the form's nonce, a gift's token or a program's idempotency
    key. `answer` comes from the widget of a challenge provider (`providers.py`). A trusted visitor
    is a program with a staff token, and needs no proof.
    """

    address: str
    form: str
    proof: str = ""
    answer: str = ""
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt to open a gift, with the names of the counts that it adds one to."""

    lane: Lane
    code: str
    networks: tuple[str, ...]
    mailbox: str
    form: str
    """The name of the form's count; empty if the attempts of one form are not limited."""

    @property
    def hour(self) -> str:
        """The name under which the attempts of an hour of the widest network are counted."""
        return f"{self.lane} in an hour from {self.networks[-1]}"

    @property
    def own(self) -> dict[str, str]:
        """The name of the count for each network that the visitor's address belongs to."""
        return {network: network_count(self.lane, network) for network in self.networks}

    def all_names(self) -> list[str]:
        opened = [pressure_name(self.lane, "opened", code) for code in ("", self.code)]
        form = [self.form] if self.form else []
        return [*self.own.values(), self.mailbox, *form, *opened]

    def names_read(self) -> list[str]:
        pressure = pressure_names(self.lane) + pressure_names(self.lane, self.code)
        return [*self.all_names(), self.hour, *pressure]


class Breaker:
    """Counts gifts, and refuses or challenges those above the limits. Each process has a Breaker.

    The counts are in the database, so all processes share them.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: Limits,
        challenges: Challenges,
        provider: ChallengeProvider | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self.limits: Final = limits
        self._challenges = challenges
        self.provider: Final = provider
        self.turned_away: Final = TurnedAway()

    def admit_once(
        self, mode: Mode, code: str, email: str, visitor: Visitor, *, form_key: str
    ) -> bool:
        """Count a gift that is about to be opened, as `admit` does and with the same errors.

        If this form key has already opened the gift, count nothing. Return whether it is new. If it
        is not, the caller opens no further session for it without counting that with `admit`.
        """
        if self._has_opened(form_key):
            return False
        try:
            # A form that is sent twice opens only one gift, so the form needs no limit.
            self.admit(mode, code, email, visitor, counts_form=False)
        except (ChallengeNeeded, TooManyAttempts):
            # The form or request may have been sent twice, and the other one opened the gift.
            if self._has_opened(form_key):
                return False
            raise
        return True

    def _has_opened(self, form_key: str) -> bool:
        with self._database.reading() as session:
            return gift_by_form_key(session, form_key) is not None

    def admit(
        self, mode: Mode, code: str, email: str, visitor: Visitor, *, counts_form: bool = True
    ) -> None:
        """Count a gift that is about to be opened.

        If `counts_form` is true, also count it for the form, which has a limit of its own. Raises
        TooManyAttempts, ChallengeNeeded or DatabaseBusy; then no gift was counted.
        """
        now, lane = self._clock.now(), lane_of(mode)
        networks = networks_of(visitor.address)
        attempt = _Attempt(
            lane,
            code,
            tuple(networks),
            mailbox=f"{lane} mailbox {_hash(folded_mailbox(email))}",
            form=f"{lane} form {_hash(visitor.form)}" if counts_form else "",
        )
        # A busy database says nothing about the visitor, so such an attempt has no outcome.
        outcome: AttemptOutcome | None = None
        try:
            # Check first without writing, so that a flood of refused attempts writes nothing.
            with self._database.reading() as session:
                level, sums = self._check(session, attempt, now)
            # No transaction is open here, because a provider may take seconds to answer.
            passed = self._pass_challenge(attempt, visitor, level, sums, now=now)
            with self._database.writing() as session:
                names = attempt.all_names() + ([f"challenge {passed}"] if passed else [])
                add_counts(session, dict.fromkeys(names, 1), now)
                add_counts(session, {attempt.hour: 1}, now + FOR_AN_HOUR)
                # Count again under the lock: of many attempts at once, all but the last are known.
                self._refuse_beyond(session, attempt, level, passed, now=now)
            outcome = AttemptOutcome.OPENED
        except ChallengeNeeded:
            outcome = AttemptOutcome.ASKED
            raise
        except TooManyAttempts:
            outcome = AttemptOutcome.REFUSED
            why = "too many card gifts" if lane is Lane.STRIPE else "too many gifts"
            REFUSALS.note(Refusal(why, networks[-1]))
            raise
        finally:
            if outcome:
                self.turned_away.note(lane, code, networks[-1], outcome)

    def level(self, session: Session, lane: Lane) -> Level:
        """Return the current level of a lane. The levels of single giving codes are left out."""
        sums = window_sums(session, pressure_names(lane), self._clock.now())
        automatic = level_of(lane, pressure_in(sums, lane), self.limits[lane].in_all)
        return level_set_by(switch_position(session), lane, automatic)

    def _check(
        self, session: Session, attempt: _Attempt, now: datetime
    ) -> tuple[Level, Counter[str]]:
        """Return the level and the counts. Raises TooManyAttempts if they leave no room."""
        lane, code, limits = attempt.lane, attempt.code, self.limits[attempt.lane]
        sums = window_sums(session, attempt.names_read(), now)
        level = level_set_by(
            switch_position(session),
            lane,
            max(
                level_of(lane, pressure_in(sums, lane), limits.in_all),
                level_of_code(lane, pressure_in(sums, lane, code), limits.in_all),
            ),
        )
        _refuse_above(sums, attempt, limits, level, one_more=1)
        if level is Level.PAUSED:
            raise _refusal()
        return level, sums

    def _pass_challenge(
        self,
        attempt: _Attempt,
        visitor: Visitor,
        level: Level,
        sums: Counter[str],
        *,
        now: datetime,
    ) -> str | None:
        """Return the id of the challenge that was passed; None if there is none.

        Raises ChallengeNeeded.
        """
        limits = self.limits[attempt.lane]
        is_challenged = (
            level is Level.CHALLENGED
            or sums[attempt.mailbox] >= limits.for_mailbox
            or sums[attempt.hour] >= limits.in_an_hour
        )
        if visitor.is_trusted or not is_challenged:
            return None
        smallest = attempt.networks[0]
        subject = f"{attempt.lane} {smallest} {visitor.form}"
        passed = self._challenges.passed(
            visitor.proof, subject, now, or_else=lambda: self._has_answered(visitor)
        )
        if passed is None:
            tried = max(sums[name] for name in attempt.own.values())
            raise self._challenges.new(subject, tried=tried, now=now)
        return passed

    def _has_answered(self, visitor: Visitor) -> bool:
        return self.provider is not None and self.provider.accepts(visitor)

    def _refuse_beyond(
        self,
        session: Session,
        attempt: _Attempt,
        level: Level,
        passed: str | None,
        *,
        now: datetime,
    ) -> None:
        once = f"challenge {passed}"
        names = [*attempt.own.values(), attempt.form, once]
        sums = window_sums(session, names, now)
        _refuse_above(sums, attempt, self.limits[attempt.lane], level, one_more=0)
        if passed and sums[once] > 1:
            raise _refusal()


def _refuse_above(
    sums: Counter[str], attempt: _Attempt, limits: LaneLimits, level: Level, *, one_more: int
) -> None:
    for network, name in attempt.own.items():
        if sums[name] + one_more > limits.for_network(network, level):
            raise _refusal()
    if sums[attempt.form] + one_more > FORM_MOST:
        raise _refusal()


def lane_of(mode: Mode) -> Lane:
    """Return the lane whose limits apply to gifts in this mode."""
    return Lane.STRIPE if mode.through_stripe else Lane.OTHER


def network_count(lane: Lane, network: str = "") -> str:
    """Return the name of a network's count. Without a network, return the prefix of these names."""
    return f"{lane} from {network}"


def _refusal() -> TooManyAttempts:
    return TooManyAttempts("too many attempts", RETRY_AFTER_S)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
