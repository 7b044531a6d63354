"""Each accounting program reads from its files exactly the entries that were written."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings

from donate.bank.shapes.statement import Sentence
from donate.books.accounts import load_chart
from donate.books.chart import Account, Chart
from donate.books.journal.bookings import Booking
from donate.books.journal.entry import JournalEntry, JournalLine
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.books.journal_files.programs import JournalProgram as Program
from donate.books.journal_files.texts import short_number
from donate.books.journal_files.writer import JournalFile, write_journal
from donate.errors import Conflict
from donate.money import Money
from donate.web.templating import translations
from tests.books.booking_samples import FIRST, at_bank, booking_lists, movement, of_stripe
from tests.books.journal_readers import read_all

EACH_PROGRAM = pytest.mark.parametrize("program", Program)
CHART = load_chart()
NAMES_NONE = [program for program in Program if not program.layout.names_currency]
WITH_FUND = CHART.model_copy(
    update={"classes": {"building": "Building, new"}, "xero_tracking": "Fund"}
)
ODD_NAMES = [
    *("=1+1", '"', "\r\n1060,5.00", "@SUM(A1)", "Ærø Œuvre – “été”", "教会"),
    *("\x00\u202e", "x" * 900),
]
FEW: list[Booking] = [
    movement(amount_minor=500_000),
    movement("refund", -2_550),
    movement(amount_minor=1, fund="building"),
    of_stripe("moon, fee", -7, category="=lunar"),
    at_bank("stripe", 4_825, day=FIRST + timedelta(30)),
]


def code_of(program: Program, account: Account, role: Role) -> str:
    """Return what the program knows an account by."""
    match program:
        case Program.QUICKBOOKS:
            return account.name
        case Program.XERO:
            return "1061" if role is Role.BANK else account.number
        case Program.SAGE50:
            return account.number
        case Program.GNUCASH:
            return account.path or ""


def expected(
    entries: list[JournalEntry], program: Program
) -> list[tuple[date, list[tuple[str, Decimal]]]]:
    """Return the day, accounts and amounts of each entry, by currency, day and number."""
    return [
        (
            entry.day,
            [
                (
                    code_of(program, CHART.account(line.account), line.account.role),
                    Money(line.amount_minor, entry.currency).decimal,
                )
                for line in entry.lines
            ],
        )
        for entry in sorted(entries, key=lambda one: (one.currency, one.day, one.number))
    ]


def written(bookings: list[Booking], program: Program, chart: Chart = CHART) -> list[JournalFile]:
    return write_journal(journal_of(bookings), program, chart, period="2026-10")


def text_of(files: list[JournalFile]) -> str:
    return "".join(file.content.decode() for file in files)


def refusal(entries: list[JournalEntry], program: Program, chart: Chart = CHART) -> str:
    with pytest.raises(Conflict) as refused:
        write_journal(entries, program, chart, period="2026-10")
    return str(refused.value)


def long_entry(lines: int, number: str = "STR-2026-10-01-CAD") -> JournalEntry:
    """Return an entry with an even number of lines."""
    pair = (
        JournalLine(AccountKey(Role.STRIPE_FEES, "CAD"), 1, Sentence("fee")),
        JournalLine(AccountKey(Role.STRIPE_CLEARING, "CAD"), -1, Sentence("fee")),
    )
    return JournalEntry(number, FIRST, Sentence("words"), pair * (lines // 2))


@EACH_PROGRAM
@settings(max_examples=60, deadline=None)
@given(booking_lists())
def test_a_program_reads_what_was_written(program: Program, bookings: list[Booking]) -> None:
    """Every entry is read back with its day, its accounts and its amounts, in any currency."""
    # Stripe's amounts in dinars are multiples of ten, so that they have two decimals.
    refused = {"KWD"} if program.layout.names_currency else {"KWD", "USD", "JPY"}
    entries = [entry for entry in journal_of(bookings) if entry.currency not in refused]
    files = write_journal(entries, program, CHART, period="2026-10")
    read = [(entry.day, entry.lines) for entry in read_all(files, program)]
    assert read == expected(entries, program)
    again = write_journal(entries[::-1], program, CHART, period="2026-10")
    assert again == files


@pytest.mark.parametrize("program", [Program.QUICKBOOKS, Program.GNUCASH])
def test_a_currency_has_files_of_its_own(program: Program) -> None:
    """Each currency is in files of its own, with its own decimals."""
    bookings = [movement(currency=currency, amount_minor=5_120) for currency in ("JPY", "KWD")]
    files = written([*bookings, movement()], program)
    assert [file.name for file in files] == [
        f"{program}-2026-10-{currency}.csv" for currency in ("CAD", "JPY", "KWD")
    ]
    amounts = [entry.lines[0][1] for entry in read_all(files, program)]
    assert amounts == [Decimal(50), Decimal(5_120), Decimal("5.12")]


def test_a_file_that_names_no_currency_has_only_that_of_the_books() -> None:
    """Xero and Sage 50 would import dollars as euros, so they get only the books' currency."""
    assert NAMES_NONE == [Program.XERO, Program.SAGE50]
    entries = journal_of([movement(currency="USD"), movement()])
    for program in NAMES_NONE:
        said = refusal(entries, program)
        assert said.startswith(f"Files for {program.layout.name} name no currency")
        assert "it would import USD as CAD. Please enter the entries in USD by hand" in said
        (file,) = write_journal(entries[:1], program, CHART, period="2026-10")
        assert file.name.startswith(f"{program}-2026-10-CAD")


@pytest.mark.parametrize("program", NAMES_NONE)
def test_an_amount_is_never_rounded(program: Program) -> None:
    """An amount with more decimals than the program takes is refused, with its entry."""
    in_dinars = CHART.model_copy(update={"currency": "KWD"})
    said = refusal(journal_of([movement(currency="KWD", amount_minor=5_125)]), program, in_dinars)
    assert "DON-2026-10-01-KWD has 5.125 KWD" in said


def test_a_full_file_for_quickbooks() -> None:
    """Number and date are on each line, one side is empty, and a comma is in quotes."""
    assert text_of(written([*FEW[:1], FEW[3]], Program.QUICKBOOKS)) == (
        "*JournalNo,*JournalDate,*AccountName,*Debits,*Credits,Description,Name,Currency,"
        "Location,Class\r\n"
        "DON-2026-10-01-CAD,10/01/2026,Gifts receivable from Stripe,5000.00,,Gifts received,,"
        "CAD,,\r\n"
        "DON-2026-10-01-CAD,10/01/2026,Donations,,5000.00,Gifts received,,CAD,,\r\n"
        'STR-2026-10-01-CAD,10/01/2026,Stripe clearing,,0.07,"Stripe: moon, fee (=lunar), to be '
        'assigned",,CAD,,\r\n'
        'STR-2026-10-01-CAD,10/01/2026,Suspense,0.07,,"Stripe: moon, fee (=lunar), to be '
        'assigned",,CAD,,\r\n'
    )


def test_a_full_file_for_xero() -> None:
    """The amount has a sign, the day is first, and the tax rate is named."""
    assert text_of(written([FEW[2], FEW[4]], Program.XERO, WITH_FUND)) == (
        "*Narration,*Date,Description,*AccountCode,*TaxRate,*Amount,TrackingName1,TrackingOption1,"
        "TrackingName2,TrackingOption2\r\n"
        "DON-2026-10-01-CAD-BUILDING Gifts for the fund building,01/10/2026,Gifts received,1110,"
        "Tax Exempt,0.01,,,,\r\n"
        "DON-2026-10-01-CAD-BUILDING Gifts for the fund building,01/10/2026,Gifts received,4010,"
        'Tax Exempt,-0.01,Fund,"Building, new",,\r\n'
        "BNK-2026-10-31-CAD-MAIN Bank account main,31/10/2026,Stripe payouts and debits,1061,"
        "Tax Exempt,48.25,,,,\r\n"
        "BNK-2026-10-31-CAD-MAIN Bank account main,31/10/2026,Stripe payouts and debits,1074,"
        "Tax Exempt,-48.25,,,,\r\n"
    )


def test_xero_gets_an_option_only_with_its_category() -> None:
    """Classes for QuickBooks alone name no tracking category, so Xero gets no option either."""
    chart = WITH_FUND.model_copy(update={"xero_tracking": None})
    assert "Building, new" not in text_of(written([FEW[2]], Program.XERO, chart))
    assert "Building, new" in text_of(written([FEW[2]], Program.QUICKBOOKS, chart))


def test_a_full_file_for_sage_50() -> None:
    """A line with date, source and comment comes first, then one for each account."""
    assert text_of(written([FEW[2], FEW[4]], Program.SAGE50)) == (
        '10-01-26,"DON-2026-10-XII4E24R","DON-2026-10-01-CAD-BUILDING Gifts for the fund building"'
        "\r\n"
        "1110,0.01\r\n"
        "4010,-0.01\r\n"
        '10-31-26,"BNK-2026-10-5R3EFPY5","BNK-2026-10-31-CAD-MAIN Bank account main"\r\n'
        "1060,48.25\r\n"
        "1074,-48.25\r\n"
    )


def test_a_full_file_for_gnucash() -> None:
    """Every line has the id of its transaction, and the full path of its account."""
    assert text_of(written(FEW[:2], Program.GNUCASH)) == (
        "Date,Transaction ID,Number,Description,Transaction Commodity,Memo,Account,Amount\r\n"
        "2026-10-01,DON-2026-10-01-CAD,DON-2026-10-01-CAD,Gifts without a fund,CAD,Gifts received,"
        "Assets:Current Assets:Gifts receivable from Stripe,5000.00\r\n"
        "2026-10-01,DON-2026-10-01-CAD,DON-2026-10-01-CAD,Gifts without a fund,CAD,Gifts received,"
        "Income:Donations,-5000.00\r\n"
        "2026-10-01,DON-2026-10-01-CAD,DON-2026-10-01-CAD,Gifts without a fund,CAD,"
        "Refunds of gifts,Assets:Current Assets:Gifts receivable from Stripe,-25.50\r\n"
        "2026-10-01,DON-2026-10-01-CAD,DON-2026-10-01-CAD,Gifts without a fund,CAD,"
        "Refunds of gifts,Income:Refunds of donations,25.50\r\n"
    )


@pytest.mark.parametrize(("program", "most"), [(Program.XERO, 300), (Program.QUICKBOOKS, 1_000)])
def test_an_entry_is_never_split(program: Program, most: int) -> None:
    """Files are as full as the program allows, and each entry is whole in one file."""
    size = 80
    count = most // size + 2
    entries = [long_entry(size, f"STR-{place:02d}") for place in range(count)]
    files = write_journal(entries, program, CHART, period="2026-10")
    assert [file.name for file in files] == [f"{program}-2026-10-CAD-{n}.csv" for n in (1, 2)]
    assert len(files[0].content.splitlines()) == most // size * size + 1
    assert len(list(read_all(files, program))) == count


def test_an_entry_that_fits_in_no_file_is_refused() -> None:
    """An entry with more lines than a file may have is refused; one with as many is written."""
    said = refusal([long_entry(302)], Program.XERO)
    assert (
        "Xero takes at most 300 lines in a file, but the entry STR-2026-10-01-CAD has 302" in said
    )
    (file,) = write_journal([long_entry(300)], Program.XERO, CHART, period="2026-10")
    assert len(file.content.splitlines()) == 301


@EACH_PROGRAM
def test_french_texts_keep_their_accents_if_the_program_takes_them(program: Program) -> None:
    """A French file has its accents; Sage 50 gets the same letters without them."""
    entries = journal_of([at_bank("deposit", 700), movement("refund", -5, fund="building")])
    files = write_journal(
        entries, program, CHART, period="2026-10", translate=translations("fr-CA").gettext
    )
    if program is Program.SAGE50:
        assert "Dons pour le fonds building" in text_of(files)
    elif program is Program.GNUCASH:
        assert "Dépôts de chèques et d’espèces" in text_of(files)
    assert [len(entry.lines) for entry in read_all(files, program)] == [2, 2]


@EACH_PROGRAM
@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_text_breaks_a_file(program: Program, name: str) -> None:
    """A type of Stripe may have any name: no cell becomes a formula, and no line is added."""
    files = written([of_stripe(name, -7), movement()], program)
    entries = list(read_all(files, program))
    assert [len(entry.lines) for entry in entries] == [2, 2]


def test_sage_50_gets_ascii_letters() -> None:
    """Letters with accents lose them, quotes become straight, and others become question marks."""
    sentence = Sentence("Œuvre de Noël – “été”, Straße, 教会")
    entry = JournalEntry("A-1", FIRST, sentence, long_entry(2).lines)
    (file,) = write_journal([entry], Program.SAGE50, CHART, period="2026-10")
    assert b"\"A-1 OEuvre de Noel - 'ete', Strasse, ??\"" in file.content


def test_a_short_number_stays_the_same() -> None:
    """A number that is too long gets an end from its hash; different numbers stay different."""
    numbers = [f"PAY-2026-10-01-CAD-po_{place}" for place in range(2_000)]
    short = [short_number(number, 20) for number in numbers]
    assert len(set(short)) == 2_000
    assert {len(number) for number in short} == {20}
    assert short[0] == short_number(numbers[0], 20) == "PAY-2026-10-T3OJEMAP"
    assert short_number("DON-2026-10-01-CAD", 20) == "DON-2026-10-01-CAD"


@EACH_PROGRAM
def test_two_entries_with_one_number_are_refused(program: Program) -> None:
    """Two entries that the program would read as one are refused."""
    assert "could not tell" in refusal([long_entry(2), long_entry(4)], program)


def test_xero_takes_no_bank_account() -> None:
    """A bank account without a clearing account for Xero is refused, with what to do."""
    bank = CHART.accounts[Role.BANK].model_copy(update={"xero_code": None})
    chart = CHART.model_copy(update={"accounts": {**CHART.accounts, Role.BANK: bank}})
    entries = journal_of([at_bank("fee", -100)])
    assert "Please set xero_code of the account “Chequing”" in refusal(entries, Program.XERO, chart)


def test_sage_50_takes_numbers_of_digits() -> None:
    """An account whose number is not four to eight digits is refused for Sage 50."""
    fees = CHART.accounts[Role.BANK_FEES].model_copy(update={"number": "56-10"})
    chart = CHART.model_copy(update={"accounts": {**CHART.accounts, Role.BANK_FEES: fees}})
    entries = journal_of([at_bank("fee", -100)])
    assert "correct the number of “Bank charges”" in refusal(entries, Program.SAGE50, chart)


@EACH_PROGRAM
def test_no_entries_give_no_file(program: Program) -> None:
    """Without entries, there is no file."""
    assert written([], program) == []
