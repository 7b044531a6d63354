"""The texts of the cells for one line of a journal entry."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.books.chart import Account, Chart
from donate.books.journal.entry import JournalEntry, JournalLine
from donate.books.journal.roles import AccountRole
from donate.books.journal_files.layout import Content, FileColumn, JournalLayout
from donate.books.journal_files.texts import short_number, write_amount
from donate.errors import N_, Conflict
from donate.money import Money

_SAGE_NUMBER: Final = re.compile("[0-9]{4,8}")


@dataclass(frozen=True, slots=True)
class LineTexts:
    """One line of a journal entry, with everything that is needed to write its cells."""

    layout: JournalLayout
    chart: Chart
    translate: Callable[[str], str]
    entry: JournalEntry
    line: JournalLine

    def text(self, column: FileColumn) -> str:
        """Return the text of a cell. Raises Conflict if the program would not accept it."""
        if column.content is Content.NUMBER:
            return short_number(self.entry.number, column.most)
        return _TEXTS[column.content](self)

    @property
    def account(self) -> Account:
        """The account of the line."""
        return self.chart.account(self.line.account)

    @property
    def fund_class(self) -> str:
        """The accounting class for the line's fund; empty if there is none."""
        return self.chart.classes.get(self.line.fund, "")

    @property
    def tracking(self) -> tuple[str, str]:
        """The Xero tracking category and the fund's option in it; both empty if one is missing."""
        both = (self.chart.xero_tracking or "", self.fund_class)
        return both if all(both) else ("", "")

    @property
    def description(self) -> str:
        """What the entry is about."""
        return self._words(self.entry.description)

    @property
    def memo(self) -> str:
        """What the line is about, and how many movements it adds up."""
        times = f" ({self.line.times})" if self.line.times > 1 else ""
        return f"{self._words(self.line.memo)}{times}"

    def _words(self, sentence: Sentence) -> str:
        return self.translate(sentence.message) % sentence.values

    def amount(self, amount_minor: int) -> str:
        """Return an amount of the line as text; "" for zero."""
        if amount_minor == 0:
            return ""
        money = Money(amount_minor, self.line.account.currency)
        decimals, name = self.layout.decimals, self.layout.name
        return write_amount(money, decimals, program=name, number=self.entry.number)

    @property
    def xero_code(self) -> str:
        """The code of the line's account in Xero."""
        account = self.account
        if self.line.account.role is AccountRole.BANK and account.xero_code is None:
            message = N_(
                "Xero takes no journal on a bank account. Please set xero_code of the account "
                "“%(account)s” in your chart of accounts to the code of a clearing account."
            )
            raise Conflict(message, {"account": account.name})
        return account.xero_code or account.number

    @property
    def sage_number(self) -> str:
        """The number of the line's account in Sage 50."""
        if not _SAGE_NUMBER.fullmatch(self.account.number):
            message = N_(
                "Sage 50 takes account numbers of four to eight digits. Please correct the number "
                "of “%(account)s” in your chart of accounts."
            )
            raise Conflict(message, {"account": self.account.name})
        return self.account.number


_TEXTS: Final[Mapping[Content, Callable[[LineTexts], str]]] = {
    Content.NOTHING: lambda _: "",
    Content.DATE: lambda one: one.entry.day.strftime(one.layout.date_form),
    Content.DESCRIPTION: lambda one: one.description,
    Content.NARRATION: lambda one: f"{one.entry.number} {one.description}",
    Content.MEMO: lambda one: one.memo,
    Content.ACCOUNT_NAME: lambda one: one.account.name,
    Content.ACCOUNT_PATH: lambda one: one.account.full_path,
    Content.ACCOUNT_NUMBER: lambda one: one.sage_number,
    Content.XERO_CODE: lambda one: one.xero_code,
    Content.DEBIT: lambda one: one.amount(one.line.debit_minor),
    Content.CREDIT: lambda one: one.amount(one.line.credit_minor),
    Content.AMOUNT: lambda one: one.amount(one.line.amount_minor),
    Content.CURRENCY: lambda one: one.entry.currency,
    Content.TAX_RATE: lambda one: one.chart.xero_tax_rate,
    Content.FUND_CLASS: lambda one: one.fund_class,
    Content.TRACKING_NAME: lambda one: one.tracking[0],
    Content.TRACKING_OPTION: lambda one: one.tracking[1],
}
