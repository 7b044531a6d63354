"""Writes the log of attacks: when they began and ended, each change of level, and the networks.

The caller commits. The log is only for people to read: the breaker itself decides by the counts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import case, delete, func, select as select_columns
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from donate.breaker.counters import minute_of
from donate.breaker.levels import Pressure
from donate.breaker.models import Attack, AttackNetwork, AttackStep, Lane, Level
from donate.breaker.turned_away import OTHERS, AttemptOutcome
from donate.storage.bulk_writes import insert_new, table_of

MOST_NETWORKS: Final = 1_000
"""The most networks that get a row of their own in an attack; one row counts all others."""
NETWORKS_KEPT: Final = 100
"""How many networks keep their row after an attack: those with the most attempts."""
NAMES_KEPT: Final = timedelta(days=90)
"""Rows of networks are deleted this long after the attack, as an address can identify a person."""
_PIECE: Final = 500

_NETWORK = table_of(AttackNetwork)
_OUTCOMES: Final = tuple(AttemptOutcome)
_GOING_ON: Final = (
    select(Attack)
    .where(col(Attack.ended_at).is_(None))
    .order_by(col(Attack.level).desc(), col(Attack.id))
)

T = TypeVar("T")
Tries = Mapping[str, Counter[AttemptOutcome]]
"""For each network, how many of its attempts had which outcome."""


def open_attack(session: Session, lane: Lane, *, lock: bool = False) -> Attack | None:
    """Return the attack that is going on in a lane, or None. `lock` locks its row."""
    attack = select(Attack).where(Attack.lane == lane, col(Attack.ended_at).is_(None))
    return session.exec(attack.with_for_update() if lock else attack).one_or_none()


def open_attacks(session: Session) -> Sequence[Attack]:
    """Return the attacks that go on, the strictest level first."""
    return session.exec(_GOING_ON).all()


def begin_attack(session: Session, lane: Lane, *, now: datetime) -> Attack:
    """Begin an attack in a lane and return it. If another process just began one, return that."""
    values = {"lane": lane, "level": Level.CALM, "began_at": now}
    insert_new(session, Attack, [values | dict.fromkeys(_OUTCOMES, 0)])
    attack = open_attack(session, lane, lock=True)
    assert attack is not None
    return attack


def note_step(
    session: Session, attack: Attack, level: Level, pressure: Pressure, *, now: datetime
) -> None:
    """Record a change of level, with the counts of the last ten minutes that caused it."""
    assert attack.id is not None
    attack.level = level
    session.add(
        AttackStep(
            attack_id=attack.id,
            at=now,
            level=level,
            unpaid=pressure.unpaid,
            declined=pressure.declined,
            asked=pressure.asked,
            refused=pressure.refused,
        )
    )


def note_networks(session: Session, attack: Attack, tries: Tries, *, now: datetime) -> int:
    """Add the attempts in `tries` to an attack and to the rows of their networks.

    Return how many networks were challenged for the first time in this minute. All networks without
    a row of their own count as one. The caller has locked the attack, so that two processes do not
    count the same network.
    """
    assert attack.id is not None
    minute = minute_of(now)
    known = _known(session, attack.id, tries)
    room = MOST_NETWORKS - _how_many(session, attack.id)
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    newly_asked = 0
    for network, outcomes in tries.items():
        is_known = network in known or network == OTHERS
        room -= not is_known
        key = network if is_known or room >= 0 else OTHERS
        row = rows[key]
        row.update(outcomes)
        if outcomes[AttemptOutcome.ASKED]:
            newly_asked += max(known.get(key, 0), row["minute"]) < minute
            row["minute"] = minute
    for outcome in _OUTCOMES:
        total = sum(outcomes[outcome] for outcomes in tries.values())
        setattr(attack, outcome, getattr(attack, outcome) + total)
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for piece in _pieces(list(rows.items())):
        insert = dialect.insert(_NETWORK).values(
            [
                {"attack_id": attack.id, "network": network, "minute": row["minute"]}
                | {outcome: row[outcome] for outcome in _OUTCOMES}
                for network, row in piece
            ]
        )
        new = insert.excluded
        later = new.minute > _NETWORK.c.minute
        session.connection().execute(
            insert.on_conflict_do_update(
                index_elements=["attack_id", "network"],
                set_={outcome: _NETWORK.c[outcome] + new[outcome] for outcome in _OUTCOMES}
                | {"minute": case((later, new.minute), else_=_NETWORK.c.minute)},
            )
        )
    return newly_asked


def end_attack(session: Session, attack: Attack, *, now: datetime) -> None:
    """End an attack, and delete the rows of all networks but those with the most attempts."""
    attack.ended_at = now
    tried = col(AttackNetwork.opened) + col(AttackNetwork.asked) + col(AttackNetwork.refused)
    kept = (
        select_columns(col(AttackNetwork.id))
        .where(col(AttackNetwork.attack_id) == attack.id)
        .order_by(tried.desc(), col(AttackNetwork.id))
        .limit(NETWORKS_KEPT)
    )
    session.execute(
        delete(AttackNetwork).where(
            col(AttackNetwork.attack_id) == attack.id,
            col(AttackNetwork.id).not_in(kept.scalar_subquery()),
        )
    )


def forget_old_networks(session: Session, now: datetime) -> None:
    """Delete the rows of networks of attacks that ended more than NAMES_KEPT ago."""
    old = select_columns(col(Attack.id)).where(col(Attack.ended_at) < now - NAMES_KEPT)
    session.execute(delete(AttackNetwork).where(col(AttackNetwork.attack_id).in_(old)))


def _known(session: Session, attack_id: int, tries: Tries) -> dict[str, int]:
    found: dict[str, int] = {}
    for piece in _pieces(list(dict.fromkeys([*tries, OTHERS]))):
        rows = session.execute(
            select_columns(col(AttackNetwork.network), col(AttackNetwork.minute)).where(
                col(AttackNetwork.attack_id) == attack_id, col(AttackNetwork.network).in_(piece)
            )
        )
        found |= {row.network: row.minute for row in rows}
    return found


def _how_many(session: Session, attack_id: int) -> int:
    count = select(func.count()).where(AttackNetwork.attack_id == attack_id)
    return session.exec(count).one()


def _pieces(things: list[T]) -> Iterator[list[T]]:
    for at in range(0, len(things), _PIECE):
        yield things[at : at + _PIECE]
