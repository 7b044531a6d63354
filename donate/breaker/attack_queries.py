"""Reads the log of attacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, select

from donate.breaker.models import Attack, AttackNetwork, AttackStep

NETWORKS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class LoggedAttack:
    """An attack, its changes of level (oldest first), and the networks with the most attempts."""

    attack: Attack
    steps: Sequence[AttackStep]
    networks: Sequence[AttackNetwork]


def recent_attacks(session: Session, most: int) -> list[LoggedAttack]:
    """Return up to `most` attacks, newest first."""
    attacks = session.exec(select(Attack).order_by(col(Attack.id).desc()).limit(most)).all()
    return [_logged(session, attack) for attack in attacks]


def _logged(session: Session, attack: Attack) -> LoggedAttack:
    steps = select(AttackStep).where(AttackStep.attack_id == attack.id)
    tried = col(AttackNetwork.opened) + col(AttackNetwork.asked) + col(AttackNetwork.refused)
    networks = (
        select(AttackNetwork)
        .where(AttackNetwork.attack_id == attack.id)
        .order_by(tried.desc(), col(AttackNetwork.id))
        .limit(NETWORKS_SHOWN)
    )
    return LoggedAttack(
        attack,
        steps=session.exec(steps.order_by(col(AttackStep.id))).all(),
        networks=session.exec(networks).all(),
    )
