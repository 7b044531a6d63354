"""Runs the matcher on all open bank lines, and stores its suggestions with each line.

The matcher reads tens of thousands of gifts, so it runs outside of any transaction that writes. Its
result for a line is not stored if somebody has decided about the line meanwhile.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from donate.bank.matching.candidates import MatchingWorld
from donate.bank.matching.inputs import Band, BankLine, LineClass
from donate.bank.matching.line_texts import read_line
from donate.bank.matching.matcher import match_lines
from donate.bank.matching.suggestions import LineMatch, Suggestion
from donate.bank.reconciliation.candidate_queries import (
    gifts_to_match,
    known_payers,
    marked_transfers,
    net_received,
    open_lines,
    read_until,
    stored_suggestions,
)
from donate.bank.reconciliation.matching_runs import note_matching_run, what_to_compare
from donate.bank.reconciliation.stripe_moves.queries import expected_moves
from donate.bank.statements.models import RecordedLine
from donate.bank.transfer_mails.queries import usable_mails
from donate.storage.bulk_writes import table_of
from donate.storage.collector import collector_paused
from donate.storage.database import Database

LOOK_BACK: Final = timedelta(days=400)
"""Only gifts and marked transfers from this period before now are compared with lines."""
_LINES_AT_A_TIME: Final = 500
_LINE: Final = table_of(RecordedLine)


@dataclass(frozen=True, slots=True)
class StoredSuggestion:
    """A suggestion in stored form.

    `received` is the money that each gift had received when the suggestion was made.
    """

    suggestion: Suggestion
    received: Mapping[UUID, int]

    @property
    def key(self) -> str:
        """A hash of the parts and of `received`. Forms send it to name the suggestion."""
        said = self.to_json()
        named = json.dumps([said["parts"], said["received"]], sort_keys=True)
        return hashlib.sha256(named.encode()).hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        """Return the suggestion as values that can be stored as JSON."""
        received = {str(gift_id): minor for gift_id, minor in self.received.items()}
        return self.suggestion.to_json() | {"received": received}


def read_suggestions(line: RecordedLine) -> list[StoredSuggestion]:
    """Return the suggestions that are stored with a line, best one first."""
    return [
        StoredSuggestion(
            Suggestion.from_json(each),
            {UUID(gift_id): minor for gift_id, minor in each["received"].items()},
        )
        for each in json.loads(line.suggestions)
    ]


def lines_by_mail(session: Session) -> dict[int, int]:
    """Map the id of each Interac e-mail in a stored suggestion to the id of its open line."""
    line = _LINE.c
    # Suggestions without an e-mail have `null` as their `mail_id`.
    with_mail = [line.suggestions.like(f'%"mail_id": {digit}%') for digit in "123456789"]
    statement = sa.select(line.id, line.suggestions).where(
        line.explained_minor != line.amount_minor, sa.or_(*with_mail)
    )
    found: dict[int, int] = {}
    for line_id, suggestions in session.connection().execute(statement.order_by(line.id)):
        for each in json.loads(suggestions):
            if each["mail_id"] is not None:
                found.setdefault(each["mail_id"], line_id)
    return found


def suggest_for_open_lines(
    database: Database, codes: Iterable[str], *, now: datetime
) -> dict[Band, int]:
    """Match all open lines, store what has changed, and return how many lines each band has."""
    with collector_paused():
        return _suggest(database, tuple(codes), now)


def _suggest(database: Database, codes: tuple[str, ...], now: datetime) -> dict[Band, int]:
    with database.reading_snapshot() as session:
        inputs = what_to_compare(session)
        before = stored_suggestions(session)
        lines = open_lines(session)
        new = [line for line in lines if before[line.id].values[0] is None]
        world = read_world(session, now, new) if lines else MatchingWorld()
        received = {
            gift.id: gift.amount.amount_minor - gift.missing.amount_minor for gift in world.gifts
        }
        # Staff may have marked a transfer for an older gift, which is not among these gifts.
        received |= net_received(session, {one.gift_id for one in world.marked} - received.keys())
    matches = match_lines(lines, world, codes=codes)
    changed = [
        (line_id, before[line_id].version, values)
        for line_id, match in matches.items()
        if (values := _values(match, received)) != before[line_id].values
    ]
    for start in range(0, len(changed), _LINES_AT_A_TIME):
        with database.writing() as session:
            _store(session, changed[start : start + _LINES_AT_A_TIME])
    with database.writing() as session:
        note_matching_run(session, inputs, now)
    counts = dict.fromkeys(Band, 0)
    for match in matches.values():
        counts[match.band] += 1
    return counts


def read_world(session: Session, now: datetime, new_lines: Iterable[BankLine]) -> MatchingWorld:
    """Read the gifts, e-mails and everything else with which lines are compared.

    `new_lines` are the lines that were never matched. They show which accounts get e-Transfers.
    """
    since = now - LOOK_BACK
    get_transfers = {
        line.account
        for line in new_lines
        if read_line(line).line_class is LineClass.INCOMING_TRANSFER
    }
    return MatchingWorld(
        mails=usable_mails(session),
        gifts=gifts_to_match(session, since),
        marked=marked_transfers(session, since),
        payers=known_payers(session),
        moves=expected_moves(session, since),
        read_until=read_until(session, get_transfers),
    )


def _values(match: LineMatch, received: Mapping[UUID, int]) -> tuple[LineClass, Band, str]:
    stored = [
        StoredSuggestion(
            suggestion,
            {
                part.gift_id: received[part.gift_id]
                for part in suggestion.parts
                if hasattr(part, "gift_id")
            },
        )
        for suggestion in match.suggestions
    ]
    text = json.dumps([each.to_json() for each in stored], ensure_ascii=False)
    return match.line_class, match.band, text


def _store(
    session: Session, changed: Iterable[tuple[int, int, tuple[LineClass, Band, str]]]
) -> None:
    statement = (
        sa.update(_LINE)
        .where(
            _LINE.c.id == sa.bindparam("line_id"),
            _LINE.c.version == sa.bindparam("seen_version"),
        )
        .values(
            line_class=sa.bindparam("new_class"),
            band=sa.bindparam("new_band"),
            suggestions=sa.bindparam("new_suggestions"),
        )
    )
    rows = [
        {
            "line_id": line_id,
            "seen_version": version,
            "new_class": line_class,
            "new_band": band,
            "new_suggestions": suggestions,
        }
        for line_id, version, (line_class, band, suggestions) in changed
    ]
    session.connection().execute(statement, rows)
