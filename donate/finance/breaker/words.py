"""What staff read about the breaker, in English and French."""

from collections.abc import Mapping
from typing import Final

from sqlmodel import Session

from donate.breaker.attack_log import open_attacks
from donate.breaker.models import Lane, Level, SwitchPosition
from donate.breaker.switch import switch_position
from donate.errors import N_
from donate.web.templating import Localizer

LANES: Final[Mapping[Lane, str]] = {
    Lane.STRIPE: N_("Cards and bank debits"),
    Lane.OTHER: N_("Interac and other ways"),
}
LEVELS: Final[Mapping[Level, str]] = {
    Level.CALM: N_("Calm"),
    Level.CHALLENGED: N_("One more step"),
    Level.PAUSED: N_("Paused"),
}
POSITIONS: Final[Mapping[SwitchPosition, str]] = {
    SwitchPosition.AUTOMATIC: N_("Automatic: raised by attacks, and calm again by itself"),
    SwitchPosition.PAUSE: N_("Pause cards and bank debits; other ways stay open"),
    SwitchPosition.CALM: N_("Calm: nobody is asked for one more step"),
}
_SET_BY_HAND: Final[Mapping[SwitchPosition, str]] = {
    SwitchPosition.PAUSE: N_(
        "Card payments are paused by hand. Donors can still give in other ways."
    ),
    SwitchPosition.CALM: N_(
        "The protection against card testing is switched off by hand. Only the limits for single "
        "networks hold."
    ),
}
_BY_ITSELF: Final[Mapping[tuple[Lane, Level], str]] = {
    (Lane.STRIPE, Level.PAUSED): N_(
        "Someone is testing stolen cards. Card payments are paused until it stops. Donors can "
        "still give in other ways."
    ),
    (Lane.STRIPE, Level.CHALLENGED): N_(
        "Someone is testing stolen cards. Each card gift takes one more step until it stops."
    ),
    (Lane.OTHER, Level.CHALLENGED): N_(
        "Someone is sending many gifts that aren’t real. Each gift takes one more step until it "
        "stops."
    ),
}
_FEW_NETWORKS: Final = N_(
    "Someone is trying many gifts from few networks. These are held back. Everybody else gives as "
    "usual."
)


def breaker_sentence(session: Session, _: Localizer) -> str:
    """Return a sentence about an attack or about the switch.

    It is empty if there is no attack and the switch is set to automatic.
    """
    by_hand = _SET_BY_HAND.get(switch_position(session))
    if by_hand:
        return _(by_hand)
    attacks = open_attacks(session)
    if not attacks:
        return ""
    return _(_BY_ITSELF.get((attacks[0].lane, Level(attacks[0].level)), _FEW_NETWORKS))
