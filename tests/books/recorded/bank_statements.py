"""The bank account of a charity's year: lines with balances, statements, and what staff decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from donate.bank.received_transfers import Transfer, mark_received, transfers_in_force
from donate.bank.reconciliation.deciding import (
    DecidedPart,
    GiftPart,
    NoGiftPart,
    PayoutPart,
    ReturnPart,
    TopUpPart,
    decide_line,
    undo_part,
)
from donate.bank.reconciliation.models import LinePart, NoGiftReason
from donate.bank.shapes.statement import StatementLine
from donate.bank.statements.importing import ImportChoices, import_statement
from donate.bank.statements.models import RecordedLine
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from donate.money import Money
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout
from tests.bank.statements.lines import statement

if TYPE_CHECKING:
    from tests.books.recorded.charity_year import CharityYear

_texts = count(1)
# What staff decide about a line once they see it.
Decision = Callable[[int], "list[DecidedPart]"]


class YearsBank:
    """An account in one currency. Its lines are seen only when a statement is imported."""

    def __init__(self, year: CharityYear, currency: str) -> None:
        self.year = year
        self.currency = currency
        self.balance = 10_000
        self.lines: list[tuple[StatementLine, Decision]] = []

    def line(self, amount: int, decide: Decision) -> None:
        """Let the bank book a line today."""
        self.balance += amount
        self.year.changed(self.currency, at_bank=amount)
        text = f"LINE {next(_texts)}"
        one = StatementLine(
            row=len(self.lines) + 1,
            day=self.year.day,
            amount=Money(amount, self.currency),
            text=text,
            balance_minor=self.balance,
        )
        self.lines.append((one, decide))

    def import_lines(self) -> None:
        """Import all lines since the last statement, and decide what they are."""
        lines, self.lines = self.lines, []
        if not lines:
            return
        name = f"{self.currency} chequing"
        given: dict[str, Any] = {"first_day": lines[0][0].day, "last_day": self.year.day}
        with self.year.database.writing() as session:
            import_statement(
                session,
                statement(*(line for line, _ in lines), **given),
                ImportChoices({("", self.currency): name}),
                file_name="statement.csv",
                sha256=token_hex(32),
                actor="staff:1",
                now=self.year.now + timedelta(days=1),
            )
        for line, decide in lines:
            with self.year.database.reading() as session:
                row = session.exec(select(RecordedLine).where(RecordedLine.text == line.text)).one()
            assert row.id
            self.decide(row.id, decide(row.id))

    def decide(self, line_id: int, parts: list[DecidedPart]) -> None:
        if not parts:
            return
        with self.year.database.writing() as session:
            version = session.get_one(RecordedLine, line_id).version
            decide_line(
                session, line_id, parts, version=version, actor="staff:1", now=self.year.now
            )

    def pays(self, *gifts: tuple[Gift, int]) -> Decision:
        """Return the decision that a line pays these gifts, each with an amount."""
        day = self.year.day

        def decide(_line: int) -> list[DecidedPart]:
            for gift, amount in gifts:
                self.year.changes[gift.currency, day].update(confirmed=amount)
            return [GiftPart(gift.id, amount) for gift, amount in gifts]

        return decide

    def no_gift(self, reason: NoGiftReason, amount: int) -> None:
        self.line(amount, lambda _: [NoGiftPart(reason, amount)])

    def payout_arrives(self, payout_id: str, amount: int) -> None:
        """Bring a payout, take the money of a negative one, or take a failed one back."""

        def decide(_line: int) -> list[DecidedPart]:
            with self.year.database.reading() as session:
                statement_ = select(StripePayout).where(StripePayout.payout_id == payout_id)
                row = session.exec(statement_).one()
            assert row.id
            self.year.changes[self.currency, day].update(in_transit=-amount)
            return [PayoutPart(row.id, amount)]

        day = self.year.day
        self.line(amount, decide)

    def topped_up(self, txn_id: str, amount: int) -> None:
        """Send money to Stripe."""

        def decide(_line: int) -> list[DecidedPart]:
            with self.year.database.reading() as session:
                found = select(BalanceTransaction).where(BalanceTransaction.txn_id == txn_id)
                row = session.exec(found).one()
            assert row.id
            self.year.changes[self.currency, day].update(in_transit=amount)
            return [TopUpPart(row.id, -amount)]

        day = self.year.day
        self.line(-amount, decide)

    def transfer(self, amount: int) -> None:
        gift = self.year.open(self.currency, amount, "interac")
        self.year.in_days(1, lambda: self.line(amount, self.pays((gift, amount))))

    def split_transfer(self, amount: int) -> None:
        """One line pays two gifts, and some cents are left over."""
        one = self.year.open(self.currency, amount, "interac")
        two = self.year.open(self.currency, 500, "interac")
        self.line(amount + 507, self.pays((one, amount), (two, 500)))

    def joined_transfer(self, amount: int) -> None:
        """Two lines pay one gift, three days apart."""
        gift = self.year.open(self.currency, amount, "interac")
        self.line(100, self.pays((gift, 100)))
        rest = amount - 100
        self.year.in_days(3, lambda: self.line(rest, self.pays((gift, rest))))

    def marked_by_hand(self, amount: int) -> None:
        """Staff mark a transfer before its line arrives."""
        gift = self.year.open(self.currency, amount, "interac")
        reference = f"CA{gift.reference[-7:]}{amount}"
        transfer = Transfer(self.year.day, Money(amount, self.currency), reference, "")
        with self.year.database.writing() as session:
            row = session.get_one(Gift, gift.id)
            mark_received(session, row, transfer, actor="staff:1", now=self.year.now)
        self.year.changed(self.currency, confirmed=amount)
        source = f"{reference.replace('-', '')}#0"
        self.year.in_days(
            2, lambda: self.line(amount, lambda _: [GiftPart(gift.id, amount, source)])
        )

    def returned_transfer(self, amount: int) -> None:
        """Staff send a transfer back to its donor three days later."""
        gift = self.year.open(self.currency, amount, "interac")
        self.line(amount, self.pays((gift, amount)))

        def send_back() -> None:
            day = self.year.day

            def decide(_line: int) -> list[DecidedPart]:
                with self.year.database.reading() as session:
                    (received,) = transfers_in_force(facts_of(session, gift.id))
                self.year.changes[self.currency, day].update(confirmed=-amount)
                return [ReturnPart(gift.id, -amount, received.source_id)]

            self.line(-amount, decide)

        self.year.in_days(3, send_back)

    def undone_transfer(self, amount: int) -> None:
        """Staff tie a line to the wrong gift, and undo it: nothing was confirmed on its day."""
        gift = self.year.open(self.currency, amount, "interac")

        def decide(line_id: int) -> list[DecidedPart]:
            self.decide(line_id, [GiftPart(gift.id, amount)])
            with self.year.database.writing() as session:
                part = session.exec(select(LinePart).where(col(LinePart.line_id) == line_id)).one()
                assert part.id
                undo_part(session, part.id, "wrong", actor="staff:1", now=self.year.now)
            return []

        self.line(amount, decide)

    def deposit(self, amount: int) -> None:
        self.no_gift(NoGiftReason.DEPOSIT, amount)

    def bank_fee(self, amount: int) -> None:
        self.no_gift(NoGiftReason.BANK_FEE, -amount)

    def interest(self, amount: int) -> None:
        self.no_gift(NoGiftReason.INTEREST, amount)

    def own_transfer(self, amount: int) -> None:
        self.no_gift(NoGiftReason.OWN_TRANSFER, -amount)

    def money_returned(self, amount: int) -> None:
        self.no_gift(NoGiftReason.MONEY_RETURNED, -amount)

    def unexplained_line(self, amount: int) -> None:
        self.line(amount, lambda _: [])
