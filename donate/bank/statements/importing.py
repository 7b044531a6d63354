"""Records a bank statement: the whole file, or nothing of it. The caller commits.

Each account's row is locked while its lines are compared. So if two people import overlapping files
at once, each line is still added only once.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from donate.bank.shapes.statement import Statement, StatementLine
from donate.bank.statements.identity import identity_of
from donate.bank.statements.models import AccountFile, BankAccount, RecordedLine, StatementFile
from donate.bank.statements.planning import (
    AccountPart,
    ChosenAccounts,
    ImportPlan,
    account_problem,
    days_of,
    plan_import,
)
from donate.bank.statements.queries import known_lines
from donate.errors import N_, BadInput, Conflict
from donate.storage.bulk_writes import insert_new

_OTHER_PLAN: Final = N_("Please compare: this is what an import does now. Nothing was imported.")
_DAYS_TO_COME: Final = N_(
    "This file has a line of %(day)s, which is in the future. Please check whether the day or the "
    "month stands first."
)
_ADDED_MEANWHILE: Final = N_(
    "Someone has just added the account “%(name)s”, or an account with the same number. Please try "
    "again."
)
_REFUSED: Final = N_("Nothing was imported, because of rows that cannot be read: %(count)s.")
_UNDECIDED: Final = N_(
    "Nothing was imported. Please decide about each line that may be recorded already: %(count)s."
)


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """What a person chose for an import.

    `same` says for each doubtful row, by its number, whether it is the recorded line. `seen` is the
    digest of the plan that the person saw; None if nobody saw a plan.
    """

    accounts: ChosenAccounts = field(default_factory=dict)
    same: Mapping[int, bool] = field(default_factory=dict)
    seen: str | None = None


def import_statement(
    session: Session,
    statement: Statement,
    choices: ImportChoices,
    *,
    file_name: str,
    sha256: str,
    actor: str,
    now: datetime,
) -> tuple[StatementFile, ImportPlan]:
    """Record the new lines of a file, and the file itself as evidence.

    `sha256` is the hash of the file as the bank wrote it. Raises Conflict if the plan is no longer
    the one that the person saw. Raises BadInput if a row was refused, an account is not chosen, or
    a doubtful row is not decided. In all these cases nothing is recorded.
    """
    same = choices.same
    plan = plan_import(session, statement, chosen=choices.accounts, sha256=sha256, lock=True)
    if choices.seen is not None and choices.seen != plan.digest:
        raise Conflict(_OTHER_PLAN)
    _refuse_open_questions(plan, same)
    _refuse_days_to_come(statement, now)
    lines = [line for part in plan.parts for line in part.lines]
    added = {
        id(part): [
            *part.comparison.new,
            *(d.line for d in part.comparison.doubts if not same[d.line.row]),
        ]
        for part in plan.parts
    }
    new_count = sum(map(len, added.values()))
    first, last = days_of(lines)
    file = StatementFile(
        sha256=sha256,
        name=file_name[-200:],
        shape=statement.shape,
        encoding=statement.encoding,
        content=statement.masked,
        first_day=first,
        last_day=last,
        new_count=new_count,
        known_count=len(lines) - new_count,
        imported_by=actor,
        imported_at=now,
    )
    session.add(file)
    session.flush()
    for part in plan.parts:
        _record_part(session, part, added[id(part)], file, actor=actor, now=now)
    return file, plan


def _refuse_open_questions(plan: ImportPlan, same: Mapping[int, bool]) -> None:
    if plan.refused:
        raise BadInput("file", _REFUSED, {"count": str(len(plan.refused))})
    unchosen = account_problem(plan)
    if unchosen:
        raise unchosen
    undecided = [doubt for doubt in plan.doubts if doubt.line.row not in same]
    if undecided:
        raise BadInput("doubts", _UNDECIDED, {"count": str(len(undecided))})


def _refuse_days_to_come(statement: Statement, now: datetime) -> None:
    last = max(line.day for line in statement.lines)
    if last > now.date() + timedelta(days=1):
        raise BadInput("file", _DAYS_TO_COME, {"day": last.isoformat()})


def _record_part(
    session: Session,
    part: AccountPart,
    added: list[StatementLine],
    file: StatementFile,
    *,
    actor: str,
    now: datetime,
) -> None:
    account = part.account or BankAccount(
        name=part.new_name, currency=part.currency, added_by=actor, added_at=now
    )
    if part.label and not account.label:
        account.label = part.label
    _save_account(session, account)
    assert account.id is not None
    assert file.id is not None
    first, last = part.covers
    covered = AccountFile(file_id=file.id, account_id=account.id, first_day=first, last_day=last)
    session.add(covered)
    insert_new(session, RecordedLine, _new_rows(session, account.id, added, file.id))


def _save_account(session: Session, account: BankAccount) -> None:
    try:
        with session.begin_nested():
            session.add(account)
            session.flush()
    except IntegrityError as error:
        raise Conflict(_ADDED_MEANWHILE, {"name": account.name}) from error


def _new_rows(
    session: Session, account_id: int, lines: list[StatementLine], file_id: int
) -> list[dict[str, Any]]:
    if not lines:
        return []
    counts: dict[Any, int] = defaultdict(int)
    for known in known_lines(session, account_id, *days_of(lines)):
        counts[known.identity] += 1
    rows = []
    for line in sorted(lines, key=lambda line: line.row):
        identity = identity_of(line)
        counts[identity] += 1
        rows.append(
            {
                "account_id": account_id,
                "day": line.day,
                "amount_minor": line.amount.amount_minor,
                "currency": line.amount.currency,
                "text": line.text,
                "text_key": identity.text_key,
                "nth": counts[identity],
                "bank_reference": line.bank_reference,
                "balance_minor": line.balance_minor,
                "file_id": file_id,
                "row": line.row,
                "explained_minor": 0,
                "line_class": None,
                "band": None,
                "suggestions": "[]",
                "version": 1,
            }
        )
    return rows
