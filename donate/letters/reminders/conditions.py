"""Says in SQL of which gifts a donor may be reminded.

A reminder asks for money, so Canada's anti-spam law (CASL, S.C. 2010, c. 23) could apply to it. A
message of a registered charity whose primary purpose is to raise funds is exempt (SOR/2013-221,
s. 3(g)). A charity that is not registered may rely on the law's rules. So every reminder follows
them in any case: it says who sends it (s. 6(2)(a), (b)), has a way to stop it that costs nothing
(s. 6(2)(c), s. 11), and stopping has effect at once, where the law allows ten business days.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, or_, select
from sqlmodel import Session

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.status import STILL_PAYABLE, StatusName
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.regions.modes import Mode
from donate.storage.bulk_writes import table_of

# An e-mail address gets at most one reminder in this time.
QUIET: Final = timedelta(days=30)
# Above these limits, assume that somebody is testing stolen cards with another person's address,
# and send no reminder. MAX_UNFINISHED counts the donor's other unfinished gifts.
MAX_DECLINES: Final = 2
MAX_UNFINISHED: Final = 3

_GIFT, _FACT, _LETTER = table_of(Gift).c, table_of(GiftFact).c, table_of(Letter).c
_OTHER: Final = table_of(Gift).alias("other").c
_THROUGH_STRIPE: Final = [mode for mode in Mode if mode.through_stripe]
_IS_SAME_DONOR: Final = and_(_OTHER.profile_id == _GIFT.profile_id, _OTHER.id != _GIFT.id)


def remindable() -> tuple[ColumnElement[bool], ...]:
    """Return the SQL conditions under which a gift gets a reminder.

    The statement needs a value for the parameter `quiet_since`. The conditions do not check whether
    the donor stopped reminders, because SQL cannot hash the e-mail address.
    """
    return (
        _GIFT.status == StatusName.LAPSED,
        _GIFT.mode.in_(_THROUGH_STRIPE),
        or_(_GIFT.pledge_id.is_(None), _GIFT.pledge_id == _GIFT.id),
        _facts(FactKind.CHECKOUT_OPENED) > 0,
        _facts(FactKind.PAYMENT_DECLINED) <= MAX_DECLINES,
        not_(_gave_since()),
        not_(_was_reminded_lately()),
        _unfinished_gifts() < MAX_UNFINISHED,
    )


def is_remindable(session: Session, gift_id: uuid.UUID, written_at: datetime) -> bool:
    """Whether a gift meets the conditions for a reminder that was stored at `written_at`."""
    parameters = {"gift_id": gift_id, "quiet_since": written_at - QUIET}
    return session.connection().execute(_OF_ONE_GIFT, parameters).first() is not None


def _facts(kind: FactKind) -> ColumnElement[int]:
    counted = select(func.count(_FACT.id))
    return counted.where(_FACT.gift_id == _GIFT.id, _FACT.kind == kind).scalar_subquery()


def _gave_since() -> ColumnElement[bool]:
    """Return the SQL condition that the donor opened or paid another gift since this one."""
    is_later = or_(_OTHER.opened_at >= _GIFT.opened_at, _OTHER.received_on >= _GIFT.opened_on)
    return select(_OTHER.id).where(_IS_SAME_DONOR, is_later).exists()


def _was_reminded_lately() -> ColumnElement[bool]:
    return (
        select(_LETTER.id)
        .where(
            _LETTER.gift_id == _OTHER.id,
            _IS_SAME_DONOR,
            _LETTER.kind == LetterKind.UNFINISHED,
            _LETTER.state.in_([LetterState.WAITING, LetterState.SENT]),
            _LETTER.written_at > bindparam("quiet_since"),
        )
        .exists()
    )


def _unfinished_gifts() -> ColumnElement[int]:
    """Return an SQL count of the donor's other unfinished gifts since `quiet_since`."""
    return (
        select(func.count(_OTHER.id))
        .where(
            _IS_SAME_DONOR,
            _OTHER.mode.in_(_THROUGH_STRIPE),
            _OTHER.status.in_(STILL_PAYABLE),
            _OTHER.opened_at > bindparam("quiet_since"),
        )
        .scalar_subquery()
    )


_OF_ONE_GIFT: Final = select(_GIFT.id).where(_GIFT.id == bindparam("gift_id"), *remindable())
