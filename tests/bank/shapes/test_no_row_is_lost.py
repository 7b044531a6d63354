"""No row of a file is ever lost: laws for any file, and the time that a large file takes."""

from typing import Final

import pytest
from hypothesis import given, settings, strategies as st

from donate.bank.shapes.csv_cells import DELIMITERS, split_rows
from donate.bank.shapes.reader import BUILT_IN
from donate.bank.shapes.recognition import fingerprint, preview
from donate.bank.shapes.statement import Statement
from donate.errors import BadInput
from tests.bank.shapes.reading import read, read_or_refuse, sample
from tests.machine_speed import fastest_seconds

CELLS: Final = st.sampled_from(
    [
        *("", " ", "X", "E-TRANSFER", "7/9/2026", "2026-07-09", "20260709", "31/12/2026", "-"),
        *("25.00", "1,234", "-5", "(3.00)", "0.00", "9.99 DR", "4242424242424242", "PCA", "LN"),
        *("Credit", "DEBIT", "pending", "=1+1", "é", "\u00a0", "CAD$"),
    ]
)
QUOTED: Final = CELLS.map(lambda cell: f'"{cell}"')
RAW_ROWS: Final = st.one_of(
    st.lists(st.one_of(CELLS, QUOTED), max_size=15).map(",".join),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.sampled_from(["", '"', ',"', "a\nb", '"a\nb",c', ",,,,"]),
)


def rows_of(statement: Statement) -> list[int]:
    """Return the number of every row, wherever it ended."""
    lines = [line.row for line in statement.lines]
    refused = [row.row for row in statement.refused]
    skipped = [row.row for row in statement.skipped]
    return sorted([*lines, *refused, *skipped, *statement.heading_rows])


@given(
    shape=st.sampled_from(sorted(BUILT_IN)),
    written=st.lists(RAW_ROWS, max_size=12),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    place=st.integers(0, 12),
)
def test_every_row_ends_as_exactly_one_thing(
    shape: str, written: list[str], end: str, place: int
) -> None:
    """Every row of any file is a line, refused, skipped or a heading, and only one of these."""
    header = BUILT_IN[shape].header
    if header:
        written = [*written[:place], ",".join(header), *written[place:]]
    text = end.join(written)
    statement = read_or_refuse(text, shape=shape, date_form="mdy")
    if isinstance(statement, BadInput):
        assert statement.field == "file"
        return
    splits = {each: split_rows(text.rstrip("\x1a"), each) for each in DELIMITERS}
    assert rows_of(statement) in [[row.number for row in rows] for rows in splits.values()]
    for rows in splits.values():
        assert "".join(row.raw for row in rows) == text.rstrip("\x1a")


@given(st.lists(st.sampled_from(["7/9/2026,X,25.00", "junk", "", "7/9/2026,X,0", ",,", "a,b,c"])))
def test_a_file_without_quotes_has_a_row_for_each_line(written: list[str]) -> None:
    """Where no cell holds a line break, the rows are exactly the lines of the file."""
    text = "\n".join(["Date,Transaction,Name,Memo,Amount", "7/9/2026,CREDIT,X,,25.00", *written])
    statement = read(text + "\n")
    assert rows_of(statement) == list(range(1, len(written) + 3))
    assert statement.masked.decode() == text + "\n"


@settings(deadline=None)  # the first OFX file imports ofxtools
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Any bytes are a statement or a sentence; nothing else is ever raised."""
    statement = read_or_refuse(content)
    if isinstance(statement, BadInput):
        assert statement.message % statement.values
    else:
        assert statement.masked
        assert fingerprint(content) == preview(content).fingerprint


@pytest.mark.parametrize("name", ["cibc.ofx", "version-2.ofx", "camt053-v8.xml", "rbc-fr.csv"])
@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """A file with some bytes lost or changed is read or refused with a sentence."""
    content = bytearray(sample(name))
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    content[start:end] = data.draw(st.binary(max_size=5))
    statement = read_or_refuse(bytes(content))
    if isinstance(statement, BadInput):
        assert statement.message % statement.values
    else:
        assert len(rows_of(statement)) == len(set(rows_of(statement)))


def ofx_of(count: int) -> bytes:
    """Return CIBC's sample with its first transaction repeated."""
    lines = sample("cibc.ofx").split(b"\r\n")
    first = next(line for line in lines if line.startswith(b"<STMTTRN>"))
    return sample("cibc.ofx").replace(first, b"\r\n".join([first] * count))


def camt_of(count: int) -> bytes:
    """Return the sample of version 8 with its first entry repeated."""
    before, entry, after = sample("camt053-v8.xml").partition(b"<Ntry>")
    first, end, rest = after.partition(b"</Ntry>")
    return before + (entry + first + end) * count + rest


RBC: Final = sample("rbc-en.csv").split(b"\r\n")


@pytest.mark.alone
@pytest.mark.parametrize(
    "content",
    [
        sample("td.csv") * 3334,
        RBC[0] + b"\r\n" + (RBC[1] + b"\r\n") * 10_000,
        sample("desjardins.csv") * 3334,
        ofx_of(10_000),
        camt_of(10_000),
    ],
    ids=["td", "rbc", "desjardins", "ofx", "camt053"],
)
def test_ten_thousand_lines_are_read_quickly(content: bytes) -> None:
    """Ten thousand lines take less than 1.5 s of processor time, in the best of four runs."""
    assert len(rows_of(read(content))) >= 10_000
    assert fastest_seconds(lambda: rows_of(read(content)), times=4) < 1.5
