"""Accepts a suggestion of the matcher for a line. The caller commits."""

from datetime import datetime
from typing import Final

from sqlmodel import Session

from donate.bank.matching.suggestions import (
    PayGift,
    SuggestedPart,
    TiePayout,
    TieTopUp,
    TieTransfer,
)
from donate.bank.reconciliation.deciding import (
    DecidedPart,
    GiftPart,
    PayoutPart,
    TopUpPart,
    decide_line,
)
from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.payers import teach_payer
from donate.bank.reconciliation.releasing import lock_gifts, lock_line
from donate.bank.reconciliation.suggesting import StoredSuggestion, read_suggestions
from donate.bank.transfer_mails.models import InteracTransfer
from donate.errors import N_, Conflict
from donate.gifts.models import Gift

_GONE: Final = N_("This suggestion no longer stands. Please look again.")
_GIFT_CHANGED: Final = N_("A gift of this suggestion has changed meanwhile. Please look again.")


def accept_suggestion(
    session: Session,
    line_id: int,
    key: str,
    *,
    version: int,
    actor: str,
    now: datetime,
    was_certain: bool = False,
) -> list[LinePart]:
    """Record the parts of a suggestion. `key` identifies the suggestion that the person saw.

    Raises Conflict if the line no longer has this suggestion, if one of the gifts has received or
    lost money since the suggestion was made, or if Interac's e-mail explains another line now.
    """
    line = lock_line(session, line_id)
    chosen = next((each for each in read_suggestions(line) if each.key == key), None)
    if chosen is None:
        raise Conflict(_GONE)
    mail_id = chosen.suggestion.mail_id
    mail = session.get(InteracTransfer, mail_id, with_for_update=True) if mail_id else None
    # Lock the gifts before reading them, or two lines could pay one gift at the same moment.
    lock_gifts(session, chosen.received)
    _check_gifts(session, chosen)
    parts = decide_line(
        session,
        line_id,
        [_decided(part) for part in chosen.suggestion.parts],
        version=version,
        actor=actor,
        now=now,
        interac_reference=mail.interac_reference if mail else "",
        was_certain=was_certain,
    )
    if mail:
        if mail.bank_line_id not in (None, line_id):
            raise Conflict(_GONE)
        mail.bank_line_id = line_id
        session.add(mail)
    if not was_certain:
        teach_payer(session, line, parts, actor=actor, now=now)
    return parts


def _check_gifts(session: Session, chosen: StoredSuggestion) -> None:
    for gift_id, received in chosen.received.items():
        gift = session.get(Gift, gift_id, populate_existing=True)
        if gift is None or gift.net_minor != received:
            raise Conflict(_GIFT_CHANGED)


def _decided(part: SuggestedPart) -> DecidedPart:
    match part:
        case PayGift():
            return GiftPart(part.gift_id, part.amount.amount_minor)
        case TieTransfer():
            return GiftPart(part.gift_id, part.amount.amount_minor, part.source_id)
        case TiePayout():
            return PayoutPart(part.payout_id, part.amount.amount_minor)
        case TieTopUp():
            return TopUpPart(part.top_up_id, part.amount.amount_minor)
