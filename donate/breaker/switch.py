"""The switch with which staff set the breaker's level, or let it decide. The caller commits."""

from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from donate.breaker.models import BreakerSwitch, SwitchPosition

_NEWEST: Final = select(BreakerSwitch).order_by(col(BreakerSwitch.id).desc()).limit(1)


def newest_switch(session: Session) -> BreakerSwitch | None:
    """Return the setting in force; None if nobody has ever set the switch."""
    return session.exec(_NEWEST).first()


def switch_position(session: Session) -> SwitchPosition:
    """Return the position of the switch; AUTOMATIC if nobody has ever set it."""
    switch = newest_switch(session)
    return switch.position if switch else SwitchPosition.AUTOMATIC


def set_switch(session: Session, position: SwitchPosition, set_by: str, *, now: datetime) -> None:
    """Set the switch. `set_by` is `staff:<id>`, or `shell` for the command line."""
    session.add(BreakerSwitch(position=position, set_by=set_by, set_at=now))
