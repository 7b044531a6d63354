"""Remembers which donor staff chose for a payer's name. Forgets it if the decision is undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, delete

from donate.bank.matching.line_texts import payer_key
from donate.bank.reconciliation.models import LinePart, TaughtPayer
from donate.bank.statements.models import RecordedLine
from donate.gifts.models import Gift
from donate.storage.bulk_writes import insert_new

_MAX_NAME: Final = 200


def teach_payer(
    session: Session,
    line: RecordedLine,
    parts: Sequence[LinePart],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Remember which donor a person chose for the payer's name in a line."""
    name = _name_in(line)
    gift_ids = [part.gift_id for part in parts if part.gift_id and not part.is_return]
    gifts = [session.get_one(Gift, gift_id) for gift_id in gift_ids]
    donors = {gift.profile_id for gift in gifts}
    if not name or len(donors) != 1:
        return
    row = {"name": name, "profile_id": donors.pop(), "taught_by": actor, "taught_at": now}
    insert_new(session, TaughtPayer, [row])


def forget_payer(session: Session, line: RecordedLine, part: LinePart) -> None:
    """Forget which donor was chosen for the payer, because the part is undone.

    The next decision about this payer is remembered again.
    """
    if part.gift_id is None or part.is_return:
        return
    gift = session.get_one(Gift, part.gift_id)
    session.execute(
        delete(TaughtPayer).where(
            col(TaughtPayer.name) == _name_in(line), col(TaughtPayer.profile_id) == gift.profile_id
        )
    )


def _name_in(line: RecordedLine) -> str:
    return payer_key(line.text)[:_MAX_NAME]
