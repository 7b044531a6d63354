"""Plans an import: compares a statement with the recorded lines. It records nothing itself."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from sqlmodel import Session, select

from donate.bank.shapes.statement import RefusedRow, Statement, StatementLine
from donate.bank.statements.identity import Doubt, FileComparison, compare_lines, day_part
from donate.bank.statements.models import BankAccount
from donate.bank.statements.queries import (
    account_by_label,
    account_by_name,
    has_file,
    known_lines,
    recorded_parts,
)
from donate.errors import N_, BadInput

_NO_LINES: Final = N_("This file has no booked lines.")
_OTHER_LABEL: Final = N_(
    "This file is from the account %(label)s, but the files of “%(name)s” are from %(known)s. "
    "Please choose another account."
)
_OTHER_CURRENCY: Final = N_("The account “%(name)s” is in %(currency)s, but the file is not.")
_WHICH_ACCOUNT: Final = N_(
    "This file does not say which account it is from. Please choose the account, or name a new one."
)
_WHICH_OF_LABEL: Final = N_(
    "The account %(label)s is new. Please choose which account it is, or name a new one."
)
_ONE_TWICE: Final = N_("This file has several accounts. Please choose another one for each.")

ChosenAccounts = Mapping[tuple[str, str], str]
"""Maps the label and currency of lines in a file to the name of the account that was chosen."""


@dataclass(frozen=True, slots=True)
class AccountPart:
    """The lines of a file that belong to one account.

    `account` is None if the account is new. Then `new_name` is its name, or empty until it is
    chosen. `has_to_choose` says whether staff have to choose the account, because the file does not
    name a known one. `covers` are the first and the last day that the file covers for the account.
    """

    label: str
    currency: str
    lines: tuple[StatementLine, ...]
    covers: tuple[date, date]
    account: BankAccount | None
    new_name: str
    has_to_choose: bool
    comparison: FileComparison

    @property
    def name(self) -> str:
        """The name of the account; empty if it still has to be chosen."""
        return self.account.name if self.account else self.new_name


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import of a file would do."""

    parts: tuple[AccountPart, ...]
    refused: tuple[RefusedRow, ...]

    @property
    def new_count(self) -> int:
        """How many lines are new."""
        return sum(len(part.comparison.new) for part in self.parts)

    @property
    def known_count(self) -> int:
        """How many lines are already recorded."""
        return sum(len(part.comparison.known) for part in self.parts)

    @property
    def doubts(self) -> list[Doubt]:
        """The lines for which only a person can decide whether they are already recorded."""
        return [doubt for part in self.parts for doubt in part.comparison.doubts]

    @property
    def digest(self) -> str:
        """A hash of the whole plan. A form sends it to say which plan the person saw."""
        said = [
            (
                *(part.label, part.currency, part.name, part.comparison.recorded_count),
                [line.row for line in part.comparison.new],
                [line.row for line in part.comparison.known],
                [(doubt.line.row, doubt.kind) for doubt in part.comparison.doubts],
            )
            for part in self.parts
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def plan_import(
    session: Session,
    statement: Statement,
    *,
    chosen: ChosenAccounts = MappingProxyType({}),
    sha256: str,
    lock: bool = False,
) -> ImportPlan:
    """Compare a statement with the recorded lines. Raises BadInput if `chosen` cannot be right.

    `chosen` has names of accounts for labels that no account has yet; the label is empty if the
    file names no account. If there is no account with the chosen name, it will be a new account.
    `sha256` is the hash of the file: if the account already has this file, all its lines are
    already recorded.
    """
    if not statement.lines and not statement.refused:
        raise BadInput("file", _NO_LINES)
    grouped: dict[tuple[str, str], list[StatementLine]] = defaultdict(list)
    for line in statement.lines:
        grouped[line.account, line.amount.currency].append(line)
    parts = []
    for (label, currency), lines in sorted(grouped.items()):
        account, new_name = account_by_label(session, label, currency), ""
        has_to_choose = account is None
        if account is None:
            new_name = chosen.get((label, currency), "")
            account = _check_choice(account_by_name(session, new_name), label, currency)
        if account and lock:
            session.exec(select(BankAccount).where(BankAccount.id == account.id).with_for_update())
        covers = _covered(statement, lines)
        comparison = _compare(session, account, lines, covers, sha256)
        parts.append(
            AccountPart(
                *(label, currency, tuple(lines), covers, account, new_name),
                has_to_choose=has_to_choose,
                comparison=comparison,
            )
        )
    _refuse_one_account_twice(parts)
    return ImportPlan(tuple(parts), statement.refused)


def _refuse_one_account_twice(parts: Sequence[AccountPart]) -> None:
    names = [part.name for part in parts if part.name]
    if len(set(names)) < len(names):
        raise BadInput("account", _ONE_TWICE)


def _check_choice(chosen: BankAccount | None, label: str, currency: str) -> BankAccount | None:
    if chosen is None:
        return None
    if chosen.currency != currency:
        values = {"name": chosen.name, "currency": chosen.currency}
        raise BadInput("account", _OTHER_CURRENCY, values)
    if label and chosen.label not in ("", label):
        values = {"label": label, "name": chosen.name, "known": chosen.label}
        raise BadInput("account", _OTHER_LABEL, values)
    return chosen


def _compare(
    session: Session,
    account: BankAccount | None,
    lines: list[StatementLine],
    covers: tuple[date, date],
    sha256: str,
) -> FileComparison:
    if account is None or account.id is None:
        return FileComparison(new=tuple(lines), known=(), doubts=(), recorded_count=0)
    days = {line.day for line in lines}
    recorded = known_lines(session, account.id, min(days), max(days))
    if has_file(session, account.id, sha256):
        return FileComparison((), tuple(lines), (), recorded_count=len(recorded))
    return compare_lines(
        lines,
        recorded,
        covered={day: day_part(day, *covers) for day in days},
        recorded_parts=recorded_parts(session, account.id, days),
    )


def _covered(statement: Statement, lines: list[StatementLine]) -> tuple[date, date]:
    first, last = days_of(lines)
    return min(statement.first_day or first, first), max(statement.last_day or last, last)


def days_of(lines: Sequence[StatementLine]) -> tuple[date, date]:
    """Return the first and the last day of these lines."""
    days = [line.day for line in lines]
    return min(days), max(days)


def account_problem(plan: ImportPlan) -> BadInput | None:
    """Return the problem to show if an account still has to be chosen, or None."""
    part = next((part for part in plan.parts if not part.name), None)
    if part is None:
        return None
    return BadInput(
        "account", _WHICH_OF_LABEL if part.label else _WHICH_ACCOUNT, {"label": part.label}
    )
