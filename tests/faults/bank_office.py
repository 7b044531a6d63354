"""The office that keeps the books of past months, and what must be true once its work is done."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlmodel import Session, col, func, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine, StatementFile
from donate.books.months.queries import closed_months
from donate.errors import DatabaseBusy
from donate.finance.models import StaffAct
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.faults.clerk import Clerk
from tests.faults.past_months import CASH, FEE, PastMonth
from tests.faults.people import Person

NOTHING: Final[Mapping[str, int]] = {}


class Office:
    """The clerks who import, decide about and close these months, one after another."""

    def __init__(self, database: Database, months: Sequence[PastMonth]) -> None:
        self.database = database
        self.months = months

    def keep_books(self, person: Person) -> None:
        """Do what is next, until all months are closed or the person has to stop."""
        clerk = Clerk(person.request, person.people.staff_token)
        while not person.people.is_finishing and self.do_next(clerk):
            pass

    def change_mind(self, person: Person) -> None:
        """Undo some part of a line, and then accept what is certain."""
        try:
            with self.database.reading() as session:
                parts = session.exec(
                    select(LinePart).where(col(LinePart.undone_at).is_(None))
                ).all()
        except DatabaseBusy:
            return
        clerk = Clerk(person.request, person.people.staff_token)
        if parts and person.rng.random() < 0.3:
            clerk.undo(person.rng.choice(parts))
        clerk.accept_certain(clerk.certain_form())

    def do_next(self, clerk: Clerk) -> bool:
        """Import a file, decide about lines, or close a month; return whether there was work.

        What is next is read from the database alone, so that it does not matter when the service
        was killed.
        """
        try:
            with self.database.reading() as session:
                month, missing = self._next_month(session)
                lines = _open_lines(session)
        except DatabaseBusy:
            return True
        if missing:
            clerk.import_statement(missing[0])
        elif (form := clerk.certain_form())["lines"]:
            clerk.accept_certain(form)
        elif lines and lines[0].text in (CASH, FEE):
            clerk.note(lines[0])
        elif lines:  # a part of it was undone, and what is left is no longer certain
            clerk.accept_best(lines[0])
        elif month:
            clerk.close(month.month)
        else:
            return False
        return True

    def is_done(self) -> bool:
        try:
            with self.database.reading() as session:
                return len(closed_months(session)) == len(self.months)
        except DatabaseBusy:
            return False

    def _next_month(self, session: Session) -> tuple[PastMonth | None, list[bytes]]:
        """Return the first month that is not closed, and its files that are not imported."""
        closed = {row.month for row in closed_months(session)}
        month = next((one for one in self.months if one.month.number not in closed), None)
        imported = set(session.exec(select(StatementFile.sha256)))
        files = month.files if month else []
        return month, [one for one in files if hashlib.sha256(one).hexdigest() not in imported]

    def find_errors(self, left_open: Mapping[str, int] = NOTHING) -> Iterator[str]:
        """Yield a sentence for each line, part, gift, file or month that is not there once.

        `left_open` says how many lines of which text nobody has explained.
        """
        with self.database.reading_snapshot() as session:
            yield from self._wrong_lines(session, left_open)
            for gift in session.exec(select(Gift)):
                if (gift.received_minor, gift.status, gift.flags) != (
                    *(gift.amount_minor, "confirmed", ""),
                ):
                    yield f"{gift.reference} got {gift.received_minor}, {gift.status} {gift.flags}"
            acts = Counter(session.exec(select(StaffAct.act)))
            parts = session.exec(select(LinePart)).all()
            closed = [row.month for row in closed_months(session)]
            files = session.exec(select(func.count()).select_from(StatementFile)).one()
        if sorted(closed) != [one.month.number for one in self.months]:
            yield f"closed are {closed}"
        undone = sum(part.undone_at is not None for part in parts)
        for what, count, noted in (
            ("files", files, acts["statement_imported"]),
            ("parts", len(parts), acts["bank_line_tied"] + acts["bank_line_no_gift"]),
            ("undone parts", undone, acts["bank_line_undone"]),
            ("closed months", len(closed), acts["month_closed"]),
        ):
            if count != noted:
                yield f"{count} {what}, but {noted} acts about them"

    def _wrong_lines(self, session: Session, left_open: Mapping[str, int]) -> Iterator[str]:
        wanted: Counter[tuple[object, ...]] = Counter(
            (row.day, row.text, row.amount, row.balance) for one in self.months for row in one.rows
        )
        lines = session.exec(select(RecordedLine)).all()
        found: Counter[tuple[object, ...]] = Counter(
            (one.day, one.text, one.amount_minor, one.balance_minor) for one in lines
        )
        if wanted != found:
            yield f"lines that lack: {wanted - found}, lines too many: {found - wanted}"
        rows = session.exec(select(LinePart.line_id).where(col(LinePart.undone_at).is_(None)))
        parts = Counter(rows)
        still_open: Counter[str] = Counter()
        for line in lines:
            assert line.id is not None
            if line.open_amount.amount_minor:
                still_open[line.text] += 1
            elif parts[line.id] != (2 if line.text.startswith("WIRE") else 1):
                yield f"line {line.id} has {parts[line.id]} parts"
        if still_open != left_open:
            yield f"these lines are open: {dict(still_open)}"


def _open_lines(session: Session) -> list[RecordedLine]:
    is_open = col(RecordedLine.explained_minor) != col(RecordedLine.amount_minor)
    return list(session.exec(select(RecordedLine).where(is_open).order_by(col(RecordedLine.id))))
