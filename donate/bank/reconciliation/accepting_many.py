"""Accepts many certain suggestions at once, in a few SQL statements. The caller commits.

`accept_suggestion` needs 27 SQL statements for a line. But nearly every certain line pays one gift
with its whole amount. Such lines are checked and recorded together here, and only the others one by
one with `accept_suggestion`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from donate.bank.matching.inputs import Band
from donate.bank.matching.suggestions import PayGift
from donate.bank.received_transfers import Transfer, bank_reference_key, received_fact
from donate.bank.reconciliation.accepting import accept_suggestion
from donate.bank.reconciliation.candidate_queries import net_received
from donate.bank.reconciliation.models import LinePart, PartKind
from donate.bank.reconciliation.releasing import lock_lines
from donate.bank.reconciliation.suggesting import StoredSuggestion, read_suggestions
from donate.bank.statements.models import RecordedLine
from donate.bank.transfer_mails.models import InteracTransfer
from donate.errors import N_, BadInput, Conflict
from donate.gifts.facts import FactKind
from donate.gifts.ledger import LockedGift, LockedGifts, Outcome, record_facts
from donate.gifts.models import GiftFact
from donate.regions.modes import BY_HAND

_CHANGED_MEANWHILE = N_("Someone has changed one of these lines meanwhile. Please try again.")


@dataclass(frozen=True, slots=True)
class CertainLine:
    """A certain suggestion as a page showed it: its line, the version of the line, and its key."""

    line_id: int
    version: int
    key: str


@dataclass(frozen=True, slots=True)
class _WholeLine:
    """A line that pays one gift with its whole amount, and the transfer to record for it."""

    line: RecordedLine
    part: PayGift
    mail: InteracTransfer | None
    transfer: Transfer

    @property
    def source_id(self) -> str:
        """The source of the fact, if the bank reference was never used before."""
        return f"{bank_reference_key(self.transfer.bank_reference)}#0"


def accept_certain(
    session: Session, shown: Sequence[CertainLine], *, actor: str, now: datetime
) -> list[LinePart]:
    """Record what these suggestions say if they are still certain; return the parts of the lines.

    A suggestion is left out if its line, gift or e-mail has changed since it was shown. Raises
    Conflict if another transaction changes one of them at the same time. Then nothing is recorded.
    """
    lines = lock_lines(session, (each.line_id for each in shown))
    chosen = [
        (line, stored)
        for each in shown
        if (line := lines.get(each.line_id)) and (stored := _certain_of(line, each))
    ]
    whole = _unused(session, _whole_lines(session, chosen))
    parts = _record(session, whole, _received(chosen), actor=actor, now=now)
    done = {one.line.id for one in whole}
    for each in shown:
        if each.line_id in lines and each.line_id not in done:
            parts += _accept_alone(session, each, lines[each.line_id], actor=actor, now=now)
    return parts


def _certain_of(line: RecordedLine, shown: CertainLine) -> StoredSuggestion | None:
    if line.band is not Band.CERTAIN or line.version != shown.version:
        return None
    return next((one for one in read_suggestions(line) if one.key == shown.key), None)


def _received(chosen: Sequence[tuple[RecordedLine, StoredSuggestion]]) -> dict[UUID, int]:
    return {gift: minor for _, stored in chosen for gift, minor in stored.received.items()}


def _whole_lines(
    session: Session, chosen: Sequence[tuple[RecordedLine, StoredSuggestion]]
) -> list[_WholeLine]:
    """Return the lines that pay one gift with their whole amount. Locks their e-mails.

    Leave out lines that share their gift or their e-mail with another chosen line.
    """
    mail_ids = Counter(stored.suggestion.mail_id for _, stored in chosen)
    gift_ids = Counter(gift for _, stored in chosen for gift in stored.received)
    wanted = col(InteracTransfer.id).in_([mail for mail in mail_ids if mail is not None])
    query = select(InteracTransfer).where(wanted).order_by(col(InteracTransfer.id))
    query = query.with_for_update().execution_options(populate_existing=True)
    mails = {mail.id: mail for mail in session.exec(query)}
    found = []
    for line, stored in chosen:
        parts, mail_id = stored.suggestion.parts, stored.suggestion.mail_id
        mail = mails.get(mail_id)
        is_free = mail_id is None or (
            mail is not None and mail.bank_line_id is None and mail_ids[mail_id] == 1
        )
        match parts:
            case [PayGift() as part] if (
                is_free and part.amount == line.open_amount and gift_ids[part.gift_id] == 1
            ):
                reference = mail.interac_reference if mail else f"LINE {line.id}"
                transfer = Transfer(line.day, part.amount, reference, line.text)
                found.append(_WholeLine(line, part, mail, transfer))
    return found


def _unused(session: Session, whole: Sequence[_WholeLine]) -> list[_WholeLine]:
    """Return the lines whose bank reference no line and no member of staff has used before."""
    times = Counter(one.source_id for one in whole)
    statement = select(GiftFact.source_id).where(
        GiftFact.kind == FactKind.TRANSFER_RECEIVED, col(GiftFact.source_id).in_(times)
    )
    used = set(session.exec(statement))
    return [one for one in whole if one.source_id not in used and times[one.source_id] == 1]


def _record(
    session: Session,
    whole: list[_WholeLine],
    received: Mapping[UUID, int],
    *,
    actor: str,
    now: datetime,
) -> list[LinePart]:
    """Record the transfers of the lines in `whole` whose gift is unchanged.

    Remove the other lines from the list `whole`. `received` is the money that each gift had when
    its suggestion was made, in minor units.
    """
    locked = LockedGifts(session)
    locked.lock(one.part.gift_id for one in whole)
    net = net_received(session, [one.part.gift_id for one in whole])
    whole[:] = [
        one
        for one in whole
        if (gift := locked.get(one.part.gift_id))
        and _may_get(gift, one)
        and net[gift.id] == received[gift.id]
    ]
    entries = [
        (
            one.part.gift_id,
            received_fact(one.transfer, one.source_id, locked[one.part.gift_id].time_zone, actor),
        )
        for one in whole
    ]
    outcomes = record_facts(session, entries, now=now, locked=locked)
    if any(outcome is not Outcome.RECORDED for outcome in outcomes):
        raise Conflict(_CHANGED_MEANWHILE)
    parts = []
    for one in whole:
        assert one.line.id is not None
        parts.append(
            LinePart(
                line_id=one.line.id,
                kind=PartKind.GIFT,
                amount_minor=one.part.amount.amount_minor,
                gift_id=one.part.gift_id,
                source_id=one.source_id,
                made_transfer=True,
                was_certain=True,
                decided_by=actor,
                decided_at=now,
            )
        )
        one.line.explained_minor += one.part.amount.amount_minor
        one.line.version += 1
        if one.mail:
            one.mail.bank_line_id = one.line.id
    session.add_all(parts)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(_CHANGED_MEANWHILE) from error
    return parts


def _may_get(gift: LockedGift, one: _WholeLine) -> bool:
    return gift.mode in BY_HAND and gift.currency == one.line.currency


def _accept_alone(
    session: Session, shown: CertainLine, line: RecordedLine, *, actor: str, now: datetime
) -> list[LinePart]:
    if line.band is not Band.CERTAIN:
        return []
    try:
        with session.begin_nested():
            return accept_suggestion(
                session,
                shown.line_id,
                shown.key,
                version=shown.version,
                actor=actor,
                now=now,
                was_certain=True,
            )
    except (BadInput, Conflict):
        return []  # somebody has changed the line or the gift since, so a person decides
