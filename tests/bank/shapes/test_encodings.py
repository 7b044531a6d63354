"""Encodings are told apart, inferred only with a warning, and else refused with a sentence."""

import pytest

from donate.bank.shapes.decoding import MAX_FILE_BYTES
from donate.errors import BadInput
from tests.bank.shapes.reading import lines_of, read, said, sample

ROW = "07/09/2026,Dépôt à Montréal,,25.00,1025.00\r\n"
LINE = [(1, "2026-07-09", 2500, "Dépôt à Montréal")]


@pytest.mark.parametrize(
    ("encoding", "mark", "warns"),
    [
        ("utf-8", b"", False),
        ("utf-8", b"\xef\xbb\xbf", False),
        ("utf-16-le", b"\xff\xfe", False),
        ("utf-16-be", b"\xfe\xff", False),
        ("utf-16-le", b"", True),
        ("utf-16-be", b"", True),
        ("cp1252", b"", True),
    ],
)
def test_each_encoding_is_told_apart(encoding: str, mark: bytes, warns: bool) -> None:
    """Each encoding of a bank is read with its accents; what is inferred comes with a warning."""
    content = mark + ROW.encode(encoding)
    statement = read(content)
    assert lines_of(statement) == LINE
    assert statement.encoding == encoding
    assert [said(w) for w in statement.warnings if "“Dépôt”" in said(w)] == [
        said(w) for w in statement.warnings
    ]
    assert bool(statement.warnings) == warns
    assert statement.masked == content


@pytest.mark.parametrize("encoding", ["mac-roman", "cp850", "cp437"])
def test_an_encoding_that_cannot_be_told_is_refused(encoding: str) -> None:
    """Accents of an old Mac or DOS file are not read as other characters."""
    with pytest.raises(BadInput, match="save it as CSV in UTF-8"):
        read(ROW.encode(encoding))


@pytest.mark.parametrize(
    "content",
    [
        ROW.encode() + ROW.encode("cp1252"),
        ROW.encode("cp1252") + b"\x81",
        b"\xef\xbb\xbf" + ROW.encode("cp1252"),
        b"\xff\xfe" + ROW.encode("utf-16-le") + b"x",
    ],
    ids=["mixed", "undefined", "wrong mark", "cut short"],
)
def test_a_mixture_of_encodings_is_refused(content: bytes) -> None:
    """A file with two encodings, or one that breaks its own, is refused."""
    with pytest.raises(BadInput, match="We can’t tell how the file is encoded"):
        read(content)


def test_characters_that_the_bank_lost_are_named() -> None:
    """Replacement characters in the bank's own file are kept, with a warning."""
    statement = read("07/09/2026,Ch\ufffdques,,25.00,1.00")
    assert lines_of(statement)[0][3] == "Ch\ufffdques"
    assert said(statement.warnings[0]).startswith("Some characters were already lost")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \r\n\t\n", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"\x1a", "The file is empty."),
        (b"PK\x03\x04rest", "Please save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "This is an Excel file. Please save it as CSV."),
        (b"%PDF-1.7\n", "This is a PDF."),
        (b"<!DOCTYPE html><html>Sign in", "This is a web page"),
        (b"07/09/2026,X\0Y,,25.00,1.00\n", "This is not a text file."),
        (bytes(5000), "This is not a text file."),
        (b"GIF89a\x01\x00\x01\x00\x80", "This is not a text file."),
        (b"07/09/2026,X\x07,,25.00,1.00\n", "This is not a text file."),
        (b"<?xml version='1.0'?><a/>", "This XML is neither OFX nor CAMT.053."),
        (b"hello", "Please map them by hand once."),
        (b"0" * (MAX_FILE_BYTES + 1), "The file is larger than 20 MB."),
        (b"07/09/2026,X,,25.00,1.00\n" * 50_001, "The file has more than 50,000 lines."),
    ],
)
def test_what_is_no_statement_gets_a_sentence(content: bytes, sentence: str) -> None:
    """What cannot be a statement is refused for the field `file`, with what to do."""
    with pytest.raises(BadInput) as caught:
        read(content)
    assert caught.value.field == "file"
    assert sentence in caught.value.message % caught.value.values


def test_the_end_mark_of_an_old_file_is_ignored() -> None:
    """Control-Z at the end of a file from an old system is no row."""
    assert lines_of(read(sample("td.csv") + b"\x1a")) == lines_of(read(sample("td.csv")))


def test_as_many_lines_as_allowed_are_read() -> None:
    """A file of exactly 50,000 lines is read."""
    assert len(read(b"07/09/2026,X,,25.00,1.00\n" * 50_000).lines) == 50_000
