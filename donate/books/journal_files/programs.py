"""The file formats of the accounting programs, with links to the documentation of each."""

from enum import StrEnum
from typing import Final

from donate.books.journal_files.layout import Content, FileColumn, JournalLayout


class JournalProgram(StrEnum):
    """An accounting program that imports journals."""

    QUICKBOOKS = "quickbooks"
    XERO = "xero"
    SAGE50 = "sage50"
    GNUCASH = "gnucash"

    @property
    def layout(self) -> JournalLayout:
        """The file format that this program accepts."""
        return _LAYOUTS[self]


# https://quickbooks.intuit.com/learn-support/en-au/help-article/import-export-files/
# import-journal-entries-quickbooks-online/L4tQBwbs7_AU_en_AU: the columns, and a subaccount as
# `Parent account:Subaccount`; account numbers have to be off during the import. The number and the
# date are on every line. Lengths:
# https://support.transactionpro.com/kb/article/492-journal-entry-import-fields-for-transaction-pro-online/
# The limit of 1,000 lines: https://www.importcsv.com/blog/quickbooks-csv-format
_QUICKBOOKS: Final = JournalLayout(
    name="QuickBooks Online",
    extension="csv",
    date_form="%m/%d/%Y",
    most_lines=1_000,
    columns=(
        FileColumn("*JournalNo", Content.NUMBER, 21),
        FileColumn("*JournalDate", Content.DATE),
        FileColumn("*AccountName", Content.ACCOUNT_NAME),
        FileColumn("*Debits", Content.DEBIT),
        FileColumn("*Credits", Content.CREDIT),
        FileColumn("Description", Content.MEMO, 4_000),
        FileColumn("Name", Content.NOTHING),
        FileColumn("Currency", Content.CURRENCY),
        FileColumn("Location", Content.NOTHING),
        FileColumn("Class", Content.FUND_CLASS),
    ),
)

# https://help.xero.com/int/ManualJournalsImport: the columns, dates as dd/mm/yyyy, 300 lines in a
# file, a positive amount for a debit; lines with the same narration and date are one journal.
# https://help.xero.com/nz/Q_JournalBankAcc: no manual journal on a bank account.
# https://github.com/XeroAPI/xero-python/blob/master/xero_python/accounting/models/manual_journal.py:
# no field for a currency either, so each amount is in the currency of the books.
_XERO: Final = JournalLayout(
    name="Xero",
    extension="csv",
    date_form="%d/%m/%Y",
    decimals=2,
    most_lines=300,
    columns=(
        FileColumn("*Narration", Content.NARRATION),
        FileColumn("*Date", Content.DATE),
        FileColumn("Description", Content.MEMO),
        FileColumn("*AccountCode", Content.XERO_CODE),
        FileColumn("*TaxRate", Content.TAX_RATE),
        FileColumn("*Amount", Content.AMOUNT),
        FileColumn("TrackingName1", Content.TRACKING_NAME),
        FileColumn("TrackingOption1", Content.TRACKING_OPTION),
        FileColumn("TrackingName2", Content.NOTHING),
        FileColumn("TrackingOption2", Content.NOTHING),
    ),
)

# https://help-sage50.na.sage.com/en-ca/core/2017/Content/Import_Export/
# ImportingGeneralJournalEntries.htm: a line with date, source (20 characters) and comment (75), and
# then one for each account; a positive amount for a debit. Straight quotation marks, a period and
# two decimals: https://ca-kb.sage.com/portal/app/portlets/results/view2.jsp?k2dockey=220924250010186
# The first line may name another currency, but only with its exchange rate to that of the books,
# and recorded amounts have no such rate.
_SAGE50: Final = JournalLayout(
    name="Sage 50",
    extension="txt",
    date_form="%m-%d-%y",
    has_header=False,
    is_ascii=True,
    decimals=2,
    entry_columns=(
        FileColumn("date", Content.DATE),
        FileColumn("source", Content.NUMBER, 20, is_quoted=True),
        FileColumn("comment", Content.NARRATION, 75, is_quoted=True),
    ),
    columns=(
        FileColumn("account", Content.ACCOUNT_NUMBER),
        FileColumn("amount", Content.AMOUNT),
    ),
)

# The headers are names of the columns of GnuCash's importer for transactions with several splits:
# https://github.com/Gnucash/gnucash/blob/stable/gnucash/import-export/csv-imp/gnc-imp-props-tx.cpp
# A transaction is the lines with the same id, date, number, description, notes and currency.
_GNUCASH: Final = JournalLayout(
    name="GnuCash",
    extension="csv",
    date_form="%Y-%m-%d",
    columns=(
        FileColumn("Date", Content.DATE),
        FileColumn("Transaction ID", Content.NUMBER),
        FileColumn("Number", Content.NUMBER),
        FileColumn("Description", Content.DESCRIPTION),
        FileColumn("Transaction Commodity", Content.CURRENCY),
        FileColumn("Memo", Content.MEMO),
        FileColumn("Account", Content.ACCOUNT_PATH),
        FileColumn("Amount", Content.AMOUNT),
    ),
)

_LAYOUTS: Final = {
    JournalProgram.QUICKBOOKS: _QUICKBOOKS,
    JournalProgram.XERO: _XERO,
    JournalProgram.SAGE50: _SAGE50,
    JournalProgram.GNUCASH: _GNUCASH,
}
