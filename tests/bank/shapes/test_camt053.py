"""CAMT.053 statements: booked entries only, with their direction, details and stated days."""

from collections.abc import Sequence

import pytest

from donate.errors import BadInput
from tests.bank.shapes.reading import CARD, lines_of, read, refusals, said, sample, skips

V2 = sample("camt053-v2.xml").decode()


@pytest.mark.parametrize("name", ["camt053-v2.xml", "camt053-v8.xml"])
def test_both_versions_are_read(name: str) -> None:
    """Versions 2 and 8 give the same lines: credits, reversals, batches with their details."""
    statement = read(sample(name))
    assert lines_of(statement) == [
        (1, "2026-07-09", 2500, "INTERAC e-Transfer Jane Exámple Gift LWCAN"),
        (2, "2026-07-10", -1500, "REVERSAL Returned item"),
        (3, "2026-07-11", 2000, "A Example 12.00 B Example 8.00"),
    ]
    assert skips(statement) == {4: "The bank has not booked this row yet."}
    assert [line.bank_reference for line in statement.lines] == ["R-100", "", ""]
    assert {line.account for line in statement.lines} == {"********0001"}
    assert (str(statement.first_day), str(statement.last_day)) == ("2026-07-08", "2026-07-31")
    assert (statement.shape, statement.warnings) == ("camt053", ())
    assert statement.masked == sample(name)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("25.00", "25.001"), "The amount 25.001 cannot be read."),
        (("25.00", "-25.00"), "The amount -25.00 cannot be read."),
        (('Ccy="CAD">25', 'Ccy="XXQ">25'), "“XXQ” is not a currency."),
        (
            (">CRDT</CdtDbtInd><Sts>", ">IN</CdtDbtInd><Sts>"),
            "“IN” does not say whether money came in or went out.",
        ),
        (("BOOK", "MAYBE"), "The status “MAYBE” does not say whether the bank has booked the row."),
        (("<BookgDt><Dt>2026-07-09</Dt></BookgDt>", ""), "The row has no date."),
        (("2026-07-09", "2026-02-30"), "The date 2026-02-30 does not exist."),
        (("2026-07-09", "2101-07-09"), "The date 2101-07-09 is not between 1990 and 2100."),
    ],
)
def test_a_bad_entry_is_refused(change: tuple[str, str], reason: str) -> None:
    """An entry that cannot be read is refused with its reason; the others are read."""
    statement = read(V2.replace(*change, 1))
    assert refusals(statement) == {1: reason}
    assert [line.row for line in statement.lines] == [2, 3]


def test_entries_that_are_no_lines_are_skipped() -> None:
    """An entry for information and one of zero are skipped with their reasons."""
    text = V2.replace("BOOK", "INFO", 1).replace(">15.00<", ">0.00000<")
    assert skips(read(text)) == {
        1: "The bank gives this row as information only.",
        2: "The amount is zero.",
        4: "The bank has not booked this row yet.",
    }


def test_decimals_that_are_zero_are_no_fraction() -> None:
    """An amount with five decimals is exact if the last three are zero."""
    assert lines_of(read(V2.replace(">25.00<", ">25.00000<")))[0][2] == 2500


def test_entries_that_do_not_add_up_come_with_a_warning() -> None:
    """If opening balance and entries do not give the closing balance, staff are told."""
    warnings = read(V2.replace("1030.00", "1031.00")).warnings
    assert [said(warning) for warning in warnings] == [
        "The entries do not add up to the closing balance. Some may be missing."
    ]


def test_the_stated_period_is_what_the_file_covers() -> None:
    """A period with times is taken as written, without converting the zone."""
    period = (
        "<FrToDt><FrDtTm>2026-07-01T00:00:00-04:00</FrDtTm>"
        "<ToDtTm>2026-07-31T23:59:59-04:00</ToDtTm></FrToDt><Acct>"
    )
    statement = read(V2.replace("<Acct>", period))
    assert (str(statement.first_day), str(statement.last_day)) == ("2026-07-01", "2026-07-31")


def test_card_numbers_are_masked() -> None:
    """A card number in a note is masked in the line and in the evidence."""
    statement = read(V2.replace("Gift LWCAN", f"Gift {CARD}"))
    assert lines_of(statement)[0][3].endswith("Gift ************4242")
    assert CARD.encode() not in statement.masked


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("ISO-8859-1", "cp1252"), ("windows-1252", "cp1252"), ("UTF-16", "utf-16")],
)
def test_the_declared_encoding_is_followed(declared: str, codec: str) -> None:
    """A statement in another encoding than UTF-8 is read with its accents."""
    content = V2.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(codec)
    statement = read(content)
    assert "Exámple" in lines_of(statement)[0][3]
    assert statement.masked == content


def bomb() -> str:
    """Return a statement whose nested entities would fill the memory."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    return V2.replace(
        "<Document", f'<!DOCTYPE x [<!ENTITY a0 "aaaa">{entities}]><Document'
    ).replace("Gift LWCAN", "&a11;")


def outside(url: str) -> str:
    """Return a statement that asks the parser to read something else."""
    document_type = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{url}">]><Document'
    return V2.replace("<Document", document_type).replace("Gift LWCAN", "&a;")


@pytest.mark.parametrize(
    "content",
    [
        bomb().encode(),
        bomb().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        outside("file:///etc/passwd").encode(),
        outside("http://127.0.0.1/secret").encode(),
        V2.replace("<Document", '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><Document').encode(),
        V2.replace("<Document", "<! DOCTYPE x []><Document").encode(),
    ],
    ids=["bomb", "bomb in UTF-16", "file", "network", "DTD", "space"],
)
def test_entities_are_refused(content: bytes) -> None:
    """A file that defines entities is refused before it is parsed, in any encoding."""
    with pytest.raises(BadInput) as caught:
        read(content)
    assert "defines entities" in caught.value.message


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([("</Document>", "")], "damaged or cut short"),
        ([("Gift LWCAN", "Gift & LWCAN")], "damaged or cut short"),
        ([("Gift LWCAN", "<a>" * 400 + "</a>" * 400)], "damaged or cut short"),
        ([("BkToCstmrStmt", "BkToCstmrAcctRpt")], "has no CAMT.053 statement"),
        ([("<Stmt>", "<Other>"), ("</Stmt>", "</Other>")], "has no CAMT.053 statement"),
    ],
    ids=["cut short", "bad entity", "deep", "another message", "no statement"],
)
def test_a_damaged_file_gets_a_sentence(changes: Sequence[tuple[str, str]], sentence: str) -> None:
    """XML that is damaged, or no statement, is refused with a sentence."""
    text = V2
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(BadInput) as caught:
        read(text)
    assert caught.value.field == "file"
    assert sentence in caught.value.message
