"""The kinds of e-mail that follow from facts, with the conditions in SQL."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, not_, or_, select

from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift, GiftFact
from donate.gifts.offline.models import OfflineEntry
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.letters.transfers import ARRIVAL_KINDS
from donate.regions.modes import BY_HAND, OFFLINE
from donate.storage.bulk_writes import table_of

_GIFT, _FACT, _LETTER = table_of(Gift).c, table_of(GiftFact).c, table_of(Letter).c
_IS_LATER_MONTH: Final = and_(_GIFT.pledge_id.is_not(None), _GIFT.pledge_id != _GIFT.id)
_UNDONE: Final = table_of(GiftFact).alias("undone").c
_IS_UNDONE: Final = (
    select(_UNDONE.id)
    .where(_UNDONE.kind == FactKind.TRANSFER_UNDONE, _UNDONE.source_id == _FACT.source_id)
    .exists()
)
_IS_BY_HAND: Final = _GIFT.mode.in_(sorted(BY_HAND))
_IS_OFFLINE: Final = _GIFT.mode.in_(OFFLINE)
_ENTRY: Final = table_of(OfflineEntry).c
# Whether staff chose to send thanks for a cheque or cash, and there is an e-mail address.
_WANTS_THANKS: Final = (
    select(_ENTRY.id)
    .where(_ENTRY.gift_id == _GIFT.id, _ENTRY.sends_thanks, _ENTRY.donor_email != "")
    .exists()
)
_DONOR: Final = table_of(Donor).c
# Whether the donor has an e-mail address. If staff opened the gift for a transfer that arrived, the
# donor may have none.
_HAS_ADDRESS: Final = (
    select(_DONOR.id).where(_DONOR.id == _GIFT.donor_id, _DONOR.email != "").exists()
)
_OPENED: Final = table_of(GiftFact).alias("opened").c
WAS_CHOSEN: Final = (
    select(_OPENED.id)
    .where(
        _OPENED.gift_id == _GIFT.id,
        _OPENED.kind == FactKind.GIFT_OPENED,
        _OPENED.actor == "donor",
    )
    .exists()
)
"""Whether the donor opened the gift. Staff open gifts for money that arrived unannounced."""
# Whether an e-mail had already stated an amount when staff undid the transfer.
_WAS_TOLD: Final = (
    select(_LETTER.id)
    .where(
        _LETTER.gift_id == _GIFT.id,
        _LETTER.kind.in_(ARRIVAL_KINDS),
        _LETTER.knew < _FACT.id,
    )
    .exists()
)
# Whether an e-mail about this gift said that money went back, whichever bank line it was about.
_WAS_TOLD_OF_A_RETURN: Final = (
    select(_LETTER.id)
    .where(
        _LETTER.gift_id == _GIFT.id,
        _LETTER.kind == LetterKind.REFUND,
        _LETTER.state == LetterState.SENT,
    )
    .exists()
)


def is_written(
    kind: LetterKind, occasion: ColumnElement[str], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the SQL condition that the gift has an e-mail of this kind and occasion."""
    return (
        select(_LETTER.id)
        .where(
            _LETTER.gift_id == _GIFT.id,
            _LETTER.kind == kind,
            _LETTER.occasion == occasion,
            *conditions,
        )
        .exists()
    )


@dataclass(frozen=True, slots=True)
class LetterTrigger:
    """A kind of e-mail, and the kinds of fact that cause it.

    If `each` is true, there is one e-mail for each fact source, otherwise one for each gift. Set
    `told_late` for facts that may be weeks old when they are recorded, such as transfers on bank
    statements or failed refunds. `waits` delays the e-mail, because staff can undo the fact. `only`
    is a further condition in SQL.
    """

    kind: LetterKind
    facts: tuple[FactKind, ...]
    each: bool = True
    told_late: bool = False
    waits: bool = False
    only: ColumnElement[bool] | None = None


TRIGGERS: Final = (
    LetterTrigger(LetterKind.THANK_YOU, (FactKind.PAYMENT_SUCCEEDED,), each=False),
    LetterTrigger(
        LetterKind.THANK_YOU,
        (FactKind.TRANSFER_RECEIVED,),
        told_late=True,
        waits=True,
        only=and_(not_(_IS_UNDONE), or_(and_(not_(_IS_OFFLINE), _HAS_ADDRESS), _WANTS_THANKS)),
    ),
    # If a bank returns a cheque, staff write to the donor themselves.
    LetterTrigger(
        LetterKind.CORRECTION,
        (FactKind.TRANSFER_UNDONE,),
        waits=True,
        only=and_(_WAS_TOLD, not_(_IS_OFFLINE)),
    ),
    LetterTrigger(LetterKind.UNDER_WAY, (FactKind.PAYMENT_PROCESSING,)),
    LetterTrigger(LetterKind.CONFIRM_ACCOUNT, (FactKind.ACCOUNT_TO_CONFIRM,)),
    LetterTrigger(LetterKind.FAILED, (FactKind.PAYMENT_FAILED,), only=not_(_IS_LATER_MONTH)),
    LetterTrigger(LetterKind.MONTH_FAILED, (FactKind.PAYMENT_FAILED,), only=_IS_LATER_MONTH),
    # Send no e-mail if the pledge ended before its first payment arrived.
    LetterTrigger(LetterKind.PLEDGE_ENDED, (FactKind.PLEDGE_ENDED,), only=_GIFT.received_minor > 0),
    LetterTrigger(LetterKind.REFUND, (FactKind.REFUND_SUCCEEDED,), only=not_(_IS_BY_HAND)),
    # Staff recorded that a transfer was sent back, and can undo that.
    LetterTrigger(
        LetterKind.REFUND,
        (FactKind.REFUND_SUCCEEDED,),
        told_late=True,
        waits=True,
        only=and_(_IS_BY_HAND, _HAS_ADDRESS),
    ),
    # Only a donor who got an e-mail about the refund needs one about its end.
    LetterTrigger(
        LetterKind.REFUND_FAILED,
        (FactKind.REFUND_FAILED,),
        told_late=True,
        only=and_(
            not_(_IS_BY_HAND),
            is_written(LetterKind.REFUND, _FACT.source_id, _LETTER.state == LetterState.SENT),
        ),
    ),
    # Staff undid a bank line that sent a transfer back. They may be about to tie it to another one.
    LetterTrigger(
        LetterKind.NOT_SENT_BACK,
        (FactKind.REFUND_FAILED,),
        told_late=True,
        waits=True,
        only=and_(_IS_BY_HAND, _WAS_TOLD_OF_A_RETURN),
    ),
)
"""Which facts cause which e-mails."""
