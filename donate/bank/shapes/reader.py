"""Reads a bank statement in any format: CSV, OFX or CAMT.053."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from donate.bank.shapes.camt053 import read_camt053
from donate.bank.shapes.csv_lines import read_rows
from donate.bank.shapes.csv_shapes import CsvShape, shape_from_values
from donate.bank.shapes.dates import DATE_FORMS
from donate.bank.shapes.decoding import DecodedFile, bad_file, decode_file
from donate.bank.shapes.ofx import read_ofx
from donate.bank.shapes.recognition import RecognisedFile, recognise, rows_for
from donate.bank.shapes.statement import Sentence, Statement, StatementLine
from donate.errors import N_, BadInput

OFX: Final = "ofx"
CAMT053: Final = "camt053"


@dataclass(frozen=True, slots=True)
class KnownShape:
    """A format that can be read without mapping its columns. `kind` is csv, ofx or camt053."""

    name: str
    title: str
    kind: str


_DATA: Final = tomllib.loads(Path(__file__).with_name("shapes.toml").read_text(encoding="utf-8"))

BUILT_IN: Final[Mapping[str, CsvShape]] = {
    shape.name: shape for shape in map(shape_from_values, _DATA["shapes"])
}
SUMMARY_WORDS: Final = tuple(_DATA["summary_words"])
"""The texts of rows that sum up others, in the files of any bank."""

KNOWN_SHAPES: Final = (
    *(KnownShape(shape.name, shape.title, "csv") for shape in BUILT_IN.values()),
    KnownShape(OFX, "OFX, QFX", "ofx"),
    KnownShape(CAMT053, "ISO 20022 CAMT.053", "camt053"),
)


def read_statement(
    content: bytes,
    *,
    shape: str | None = None,
    shapes: Mapping[str, CsvShape] = BUILT_IN,
    currency: str,
    date_form: str | None = None,
) -> Statement:
    """Read a bank's file. `currency` is the account's currency, for files that do not name one.

    `shape` is the name of the format that a person chose; without it, the format is detected.
    `date_form` is ymd, mdy or dmy if a person chose it. Raises BadInput: for the field `file` if it
    is in no known format, empty, too large or damaged; for `shape` if there is no format with this
    name; for `date_form` if a person has to choose it.
    """
    if date_form and date_form not in DATE_FORMS:
        raise BadInput(
            "date_form", N_("Please choose whether dates begin with the year, month or day.")
        )
    if shape is not None and shape not in (OFX, CAMT053) and shape not in shapes:
        message = N_("There is no shape called %(shape)s. “donate bank shapes” lists them all.")
        raise BadInput("shape", message, {"shape": shape})
    kind = shape or _kind_of_file(content)
    if kind == OFX:
        return read_ofx(content, currency)
    if kind == CAMT053:
        return read_camt053(content)
    file = decode_file(content)
    if shape is None:
        if re.match(r"\s*<\?xml", file.text):
            raise bad_file(
                N_("This XML is neither OFX nor CAMT.053. Please choose another format.")
            )
        recognised = recognise(file.text, shapes.values())
    else:
        recognised = rows_for(file.text, shapes[shape])
    if recognised is None:
        raise bad_file(
            N_("We don’t know the columns of this file yet. Please map them by hand once.")
        )
    return _read_csv(file, recognised, currency, date_form or "", is_forced=shape is not None)


def is_csv(content: bytes) -> bool:
    """Whether a file can only be CSV, and not OFX or CAMT.053."""
    return not _kind_of_file(content)


def _kind_of_file(content: bytes) -> str:
    """Return OFX or CAMT053, or "" for a file that can only be CSV."""
    start = content[:4000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").upper()
    before, tag, _ = start.partition(b"<OFX>")
    if start.startswith(b"OFXHEADER") or (tag and not re.search(rb"[,;\t]", before)):
        return OFX
    is_xml = start.startswith(b"<")
    return CAMT053 if is_xml and re.search(rb"CAMT\.053|BKTOCSTMRSTMT", start) else ""


def _read_csv(
    file: DecodedFile, recognised: RecognisedFile, currency: str, date_form: str, *, is_forced: bool
) -> Statement:
    rows = read_rows(
        recognised, currency, date_form, is_forced=is_forced, summary_words=SUMMARY_WORDS
    )
    if not rows.lines and not rows.refused and not rows.skipped:
        raise bad_file(N_("The file has a header row, but no lines below it."))
    if not rows.refused and not _adds_up(rows.lines, sign=1):
        if not is_forced and not recognised.shape.header and _adds_up(rows.lines, sign=-1):
            # The file has no header, so the kinds of its columns are the only sign of the bank.
            # They may be wrong.
            message = N_(
                "The running balance shows that debits and credits are not where %(title)s has "
                "them. Please map the columns by hand."
            )
            raise bad_file(message, {"title": recognised.shape.title})
        rows.warnings.append(
            Sentence(N_("The running balance does not add up. Some rows may be missing."))
        )
    days = [line.day for line in rows.lines]
    masked = "".join(row.masked_raw for row in recognised.rows)
    return Statement(
        shape=recognised.shape.name,
        encoding=file.encoding,
        lines=tuple(rows.lines),
        refused=tuple(sorted(rows.refused, key=lambda row: row.row)),
        skipped=tuple(rows.skipped),
        warnings=(*file.warnings, *rows.warnings),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        masked=file.encoded(masked),
        heading_rows=tuple(sorted(rows.headings)),
    )


def _adds_up(lines: Sequence[StatementLine], sign: int) -> bool:
    """Whether each amount, times `sign`, leads from one row's balance to the next row's.

    The rows may be in either order.
    """
    accounts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for line in lines:
        if line.balance_minor is not None:
            of_account = accounts.setdefault((line.account, line.amount.currency), [])
            of_account.append((line.balance_minor, sign * line.amount.amount_minor))
    return all(
        all(before + amount == after for (before, _), (after, amount) in pairwise(steps))
        or all(after == before + amount for (after, amount), (before, _) in pairwise(steps))
        for steps in accounts.values()
    )
