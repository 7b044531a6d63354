"""OFX and QFX files are read as they come: with wrong headers, unclosed tags and odd zones."""

import logging

import pytest

from donate.errors import BadInput
from tests.bank.shapes.reading import CARD, lines_of, read, refusals, said, sample, skips

TRANSACTION = (
    "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260709<TRNAMT>25.00<FITID>1<NAME>E-TRANSFER</STMTTRN>"
)
BEFORE = "<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>CAD<BANKACCTFROM><ACCTID>5001111"
AFTER = "</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"


def ofx(*transactions: str, header: str = HEADER) -> str:
    return f"{header}{BEFORE}</BANKACCTFROM><BANKTRANLIST>{''.join(transactions)}{AFTER}"


def test_a_file_with_unclosed_tags_is_read() -> None:
    """CIBC's SGML is read; the date is what its digits say, whatever zone stands behind them."""
    statement = read(sample("cibc.ofx"))
    assert (statement.shape, statement.encoding, statement.warnings) == ("ofx", "cp1252", ())
    assert lines_of(statement) == [
        (1, "2026-10-11", 2500, "INTERNET TRANSFER 000000203995;Internet Banking"),
        (2, "2026-10-12", -695, "Frais de gestion à payer & taxes"),
    ]
    assert [line.bank_reference for line in statement.lines] == ["11001", ""]
    assert {line.account for line in statement.lines} == {"**********4567"}
    assert (str(statement.first_day), str(statement.last_day)) == ("2026-10-01", "2026-10-15")
    assert statement.masked == sample("cibc.ofx")


def test_several_accounts_stand_in_one_file() -> None:
    """TD's QFX holds all accounts; a FITID may repeat, and a missing NAME is not inherited."""
    statement = read(sample("td.qfx"))
    assert lines_of(statement) == [
        (1, "2026-07-09", 2500, "E-TRANSFER ***uJP"),
        (2, "2026-07-09", 2500, "E-TRANSFER"),
        (3, "2026-07-10", -300, "FEE"),
    ]
    assert [(line.account, line.amount.currency) for line in statement.lines] == [
        ("***1111", "CAD"),
        ("***1111", "CAD"),
        ("***2222", "USD"),
    ]
    assert {line.bank_reference for line in statement.lines} == {"7"}


def test_version_2_is_read() -> None:
    """OFX 2 in XML is read with entities and CDATA; the card's number is masked."""
    statement = read(sample("version-2.ofx"))
    assert lines_of(statement) == [(1, "2026-07-09", 1200, "Rémi <Exemple> Don & merci")]
    assert statement.lines[0].account == "************4242"
    assert statement.masked == sample("version-2.ofx").replace(CARD.encode(), b"*" * 12 + b"4242")


@pytest.mark.parametrize(
    ("header", "warning"),
    [
        ("", "lacks OFXHEADER, DATA, VERSION, ENCODING, CHARSET."),
        ("OFXHEADER:100\nDATA:OFXSGML\nENCODING:USASCII\nCHARSET:1252\n", "lacks VERSION."),
        ("DATA:OFXSGML VERSION:102 ENCODING:USASCII CHARSET:1252 ", "lacks OFXHEADER."),
        ("\n\r\n \nOFXHEADER: 100\nDATA: OFXSGML\nVERSION:102\nCHARSET:1252\n", "lacks ENCODING."),
    ],
)
def test_missing_header_lines_are_told_and_do_no_harm(header: str, warning: str) -> None:
    """A header with lines missing is read all the same, and staff see which."""
    statement = read(ofx(TRANSACTION, header=header))
    assert lines_of(statement) == [(1, "2026-07-09", 2500, "E-TRANSFER")]
    assert warning in said(statement.warnings[0])


@pytest.mark.parametrize(
    ("charset", "encoding", "warnings"),
    [
        ("1252", "cp1252", []),
        ("ISO-8859-1", "cp1252", []),
        ("1252", "utf-8", ["The file says that it is Windows-1252, but it was read as UTF-8."]),
        (
            "NONE",
            "cp1252",
            ["The file was read as Windows-1252. Please check the accents, such as in “REÇU”."],
        ),
        ("NONE", "utf-8", []),
    ],
)
def test_the_encoding_is_told_apart(charset: str, encoding: str, warnings: list[str]) -> None:
    """The declared character set is followed, unless the bytes show another one."""
    text = ofx(TRANSACTION.replace("E-TRANSFER", "REÇU"), header=HEADER.replace("1252", charset))
    statement = read(text.encode(encoding))
    assert (statement.encoding, lines_of(statement)[0][3]) == (encoding, "REÇU")
    assert [said(warning) for warning in statement.warnings] == warnings


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("20260709", "20260231"), "The date 20260231 does not exist."),
        (("20260709", "09/07/2026"), "The date 09/07/2026 cannot be read."),
        (("20260709", "18991231"), "The date 18991231 is not between 1990 and 2100."),
        (("<DTPOSTED>20260709", ""), "The row has no date."),
        (("<TRNAMT>25.00", ""), "The row has no amount."),
        (("25.00", "25.00.1"), "The amount 25.00.1 cannot be read."),
        (("<FITID>", "<CURRENCY><CURSYM>XXQ</CURRENCY><FITID>"), "“XXQ” is not a currency."),
    ],
)
def test_a_bad_transaction_is_refused(change: tuple[str, str], reason: str) -> None:
    """A transaction that cannot be read is refused with its reason; the others are read."""
    statement = read(ofx(TRANSACTION, TRANSACTION.replace(*change), TRANSACTION))
    assert refusals(statement) == {2: reason}
    assert [line.row for line in statement.lines] == [1, 3]


def test_odd_transactions_are_skipped_with_a_reason() -> None:
    """A zero amount and a pending transaction are no lines."""
    pending = TRANSACTION.replace("STMTTRN", "STMTTRNP")
    statement = read(ofx(TRANSACTION.replace("25.00", "0.00"), TRANSACTION, pending))
    assert skips(statement) == {
        1: "The amount is zero.",
        3: "The bank has not booked this row yet.",
    }
    assert [line.row for line in statement.lines] == [2]


def test_a_transaction_outside_an_account_is_refused() -> None:
    """A transaction of an investment account is not dropped silently."""
    elsewhere = f"<INVSTMTRS><INVBANKTRAN>{TRANSACTION}</INVBANKTRAN></INVSTMTRS></OFX>"
    statement = read(ofx(TRANSACTION).replace("</OFX>", elsewhere))
    assert refusals(statement) == {2: "The transaction belongs to no bank account of the file."}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("A < B & C", "A < B & C"),
        ("Ren&eacute;e &#38; Co", "Renée & Co"),
        ("a&nbsp;b  c", "a b c"),
        (f"CARD {CARD}", "CARD ************4242"),
        ("REF 1234567890123456", "REF 1234567890123456"),
    ],
)
def test_names_are_read_as_meant(name: str, text: str) -> None:
    """Entities and stray signs are text; card numbers are masked and other numbers kept."""
    statement = read(ofx(TRANSACTION.replace("E-TRANSFER", name)))
    assert lines_of(statement)[0][3] == text
    assert CARD.encode() not in statement.masked


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (ofx(TRANSACTION)[:-30], "The file is cut short."),
        (ofx(TRANSACTION)[:-7] + TRANSACTION[:40], "The file is cut short."),
        (ofx(TRANSACTION).replace("</STMTTRN>", "</STMTRS>"), "The OFX file is damaged."),
        (ofx("junk" + TRANSACTION), "The OFX file is damaged."),
        (HEADER + "<OFX>" + "<A>" * 500 + "</A>" * 500 + "</OFX>", "The OFX file is damaged."),
        (HEADER, "The OFX file is damaged."),
        (HEADER + "<OFX></OFX>", "The file has no statement of a bank account."),
        (ofx(TRANSACTION * 50_001), "The file has more than 50,000 transactions."),
    ],
    ids=["end", "start", "order", "junk", "deep", "header only", "no account", "too many"],
)
def test_a_damaged_file_gets_a_sentence(content: str, sentence: str) -> None:
    """A file that is cut short or damaged is refused, with nothing read from it."""
    with pytest.raises(BadInput) as caught:
        read(content)
    assert caught.value.field == "file"
    assert sentence in caught.value.message


def test_no_name_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Reading a file logs nothing of what it says, even at the finest level."""
    with caplog.at_level(logging.DEBUG):
        read(sample("td.qfx"))
    assert "E-TRANSFER" not in caplog.text


def test_a_quiet_month_is_a_statement() -> None:
    """A statement without transactions is read, with the days that it covers."""
    statement = read(ofx("<DTSTART>20260701<DTEND>20260731"))
    assert statement.lines == ()
    assert (str(statement.first_day), str(statement.last_day)) == ("2026-07-01", "2026-07-31")
