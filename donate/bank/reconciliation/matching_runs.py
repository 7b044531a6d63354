"""Summarizes the data that the matcher compares, and records what its last run compared."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session

from donate.bank.reconciliation.models import MatchingRun
from donate.bank.statements.models import RecordedLine
from donate.bank.transfer_mails.models import MailCheck, TransferMailFile
from donate.gifts.models import GiftFact
from donate.storage.bulk_writes import insert_new, table_of
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

SETTLED_AFTER: Final = timedelta(minutes=1)
"""After this time, every transaction that was open during a run has ended."""

_LINE: Final = table_of(RecordedLine).c
_FACT: Final = table_of(GiftFact).c
_MAIL: Final = table_of(TransferMailFile).c
_PAYOUT: Final = table_of(StripePayout).c
_BALANCE: Final = table_of(BalanceTransaction).c
_RUN: Final = table_of(MatchingRun)


@dataclass(frozen=True, slots=True)
class MatcherInputs:
    """How many lines are open, and a short summary of the data to compare."""

    open_lines: int
    summary: str


def what_to_compare(session: Session) -> MatcherInputs:
    """Summarize the open lines, and the gifts, e-mails and Stripe's moves to compare them with.

    The ids and versions are enough: every change to a gift is a new fact, and every decision about
    a line increases the line's version.
    """
    lines = _row(
        session,
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.max(_LINE.id), 0),
            sa.func.coalesce(sa.func.sum(_LINE.version), 0),
        ).where(_LINE.explained_minor != _LINE.amount_minor),
    )
    waiting = _MAIL.mail_check == MailCheck.WAITING
    found = {
        "lines": lines,
        "facts": _row(session, sa.select(sa.func.max(_FACT.id))),
        "mails": _row(session, sa.select(sa.func.max(_MAIL.id))),
        "waiting": _row(session, sa.select(sa.func.count()).where(waiting)),
        "payouts": _row(
            session,
            sa.select(
                sa.func.count(),
                sa.func.count().filter(_PAYOUT.status == "canceled"),
                sa.func.count().filter(_PAYOUT.status == "failed"),
                sa.func.count().filter(_PAYOUT.trace_id != ""),
            ),
        ),
        "balance": _row(session, sa.select(sa.func.max(_BALANCE.id))),
    }
    return MatcherInputs(int(lines[0]), json.dumps(found))


def _row(session: Session, statement: sa.Executable) -> list[int]:
    return [int(value or 0) for value in session.connection().execute(statement).one()]


def last_matching_run(session: Session) -> MatchingRun | None:
    """Return the last run of the matcher over all open lines; None before the first."""
    return session.get(MatchingRun, 1, populate_existing=True)


def note_matching_run(session: Session, inputs: MatcherInputs, now: datetime) -> None:
    """Record what a run compared.

    Also record that it is settled, if a run at least `SETTLED_AFTER` ago compared the same.
    """
    first = {"id": 1, "seen": inputs.summary, "ran_at": now, "is_settled": False}
    insert_new(session, MatchingRun, [first])
    saw_other = _RUN.c.seen != inputs.summary
    is_recent = _RUN.c.ran_at > now - SETTLED_AFTER
    statement = (
        sa.update(_RUN)
        .where(_RUN.c.id == 1)
        .values(
            seen=inputs.summary,
            ran_at=sa.case((saw_other, now), (is_recent, _RUN.c.ran_at), else_=now),
            is_settled=sa.case(
                (saw_other, sa.false()), (is_recent, _RUN.c.is_settled), else_=sa.true()
            ),
        )
    )
    session.connection().execute(statement)
