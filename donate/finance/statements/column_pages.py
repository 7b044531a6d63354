"""The page on which a person says what the columns of an uploaded CSV file contain."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.bank.learned_shapes.first_choices import (
    choices_of,
    first_choices,
    with_form_of_dates,
)
from donate.bank.learned_shapes.mapping import (
    DELIMITER_CHOICES,
    SIGNS,
    ColumnMapping,
    read_mapping,
)
from donate.bank.learned_shapes.queries import as_csv_shape, learned_by_fingerprint
from donate.bank.learned_shapes.recorder import learn_shape
from donate.bank.shapes.csv_cells import split_rows
from donate.bank.shapes.csv_shapes import CsvShape, shape_to_json
from donate.bank.shapes.decoding import decode_file
from donate.bank.shapes.reader import is_csv, read_statement
from donate.bank.shapes.recognition import FilePreview, preview
from donate.bank.shapes.statement import Statement
from donate.bank.statements.models import StatementUpload
from donate.bank.statements.queries import upload_by_number
from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.statements.words import (
    DATE_FORM_NAMES,
    DECIMAL_MARKS,
    DELIMITER_NAMES,
    STATEMENTS,
)
from donate.money import Money
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

_ROWS_SHOWN: Final = 20
_LABEL: Final = 40
_LOOK_FIRST: Final = N_(
    "Please look at the lines below first. If they are right, press “Remember and go on”."
)


@dataclass(frozen=True, slots=True)
class ReadLines:
    """The result of reading the file with the chosen columns."""

    statement: Statement

    @property
    def sums(self) -> list[tuple[str, int, Money]]:
        """The money in and out, by currency: `in` or `out`, the number of lines, and their sum."""
        found: dict[tuple[str, str], list[int]] = {}
        for line in self.statement.lines:
            way = "in" if line.amount.amount_minor > 0 else "out"
            key = (line.amount.currency, way)
            found.setdefault(key, []).append(abs(line.amount.amount_minor))
        return [
            (way, len(amounts), Money(sum(amounts), currency))
            for (currency, way), amounts in sorted(found.items())
        ]


class ColumnPages:
    """The form that says what each column of a file contains, with a preview; stores the answer."""

    def __init__(self, database: Database, regions: Regions, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._currencies = sorted({region.currency for region in regions.values()})

    @needs(Role.FINANCE)
    def columns(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show the first rows of a file, and the form that says what its columns contain."""
        upload = self._upload(number)
        if not is_csv(upload.content):
            return RedirectResponse(f"{STATEMENTS}/uploads/{upload.id}", 303)
        shown = preview(upload.content)
        typed = first_choices(shown)
        earlier = self._earlier(shown.fingerprint)
        if earlier:
            typed = choices_of(earlier, shown)
        mapping = ColumnMapping(typed, {}, None)
        return self._show(visit, upload, shown, mapping, title=earlier.title if earlier else "")

    @needs(Role.FINANCE, max_fields=60)
    def mapped(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show how the file would be read with the chosen columns.

        If the person has already seen that and confirms it, store what the columns contain.
        """
        upload = self._upload(number)
        form = visit.form
        shown = preview(upload.content, _delimiter(form))
        rows = split_rows(decode_file(upload.content).text, shown.delimiter)
        mapping = read_mapping(form, rows, shown.delimiter)
        read, problems = self._read(upload, mapping.shape, form), dict(mapping.problems)
        if isinstance(read, BadInput):
            problems[read.field if read.field in mapping.typed else "file"] = read
            read = None
        notice: Conflict | None = None
        if form.get("act") == "save" and mapping.shape and read:
            if form.get("seen") != _digest(mapping.shape):
                notice = Conflict(_LOOK_FIRST)
            else:
                try:
                    return self._remember(visit, upload, with_form_of_dates(mapping.shape, rows))
                except BadInput as problem:
                    problems[problem.field] = problem
                except Conflict as problem:
                    notice = problem
        mapping = ColumnMapping(mapping.typed, problems, mapping.shape)
        title = form.get("title", "")
        return self._show(visit, upload, shown, mapping, title=title, read=read, notice=notice)

    def _upload(self, number: str) -> StatementUpload:
        with self._database.reading() as session:
            upload = upload_by_number(session, as_number(number))
        if upload is None:
            raise NotFound("no such upload")
        return upload

    def _earlier(self, fingerprint: str) -> CsvShape | None:
        with self._database.reading() as session:
            row = learned_by_fingerprint(session, fingerprint)
        return as_csv_shape(row) if row else None

    def _read(
        self, upload: StatementUpload, shape: CsvShape | None, typed: Mapping[str, str]
    ) -> ReadLines | BadInput | None:
        if shape is None:
            return None
        try:
            statement = read_statement(
                upload.content,
                shape=shape.name,
                shapes={shape.name: shape},
                currency=self._currency(typed),
            )
        except BadInput as problem:
            return problem
        return ReadLines(statement)

    def _currency(self, typed: Mapping[str, str]) -> str:
        currency = typed.get("file_currency", "")
        return currency if currency in self._currencies else self._currencies[0]

    def _remember(
        self, visit: AllowedRequest, upload: StatementUpload, shape: CsvShape
    ) -> Response:
        now = self._clock.now()
        with self._database.writing() as session:
            row = learn_shape(
                session,
                shape,
                visit.form.get("title", ""),
                actor=visit.signed_in.actor,
                now=now,
            )
            visit.record(session, "shape_learned", now=now, about=row.title)
        currency = self._currency(visit.form)
        address = f"{STATEMENTS}/uploads/{upload.id}?shape={row.name}&currency={currency}"
        return RedirectResponse(address, 303)

    def _show(
        self,
        visit: AllowedRequest,
        upload: StatementUpload,
        shown: FilePreview,
        mapping: ColumnMapping,
        *,
        title: str,
        read: ReadLines | None = None,
        notice: Conflict | None = None,
    ) -> Response:
        problems = mapping.problems
        typed: dict[str, str] = dict(mapping.typed) | {"title": title}
        typed["file_currency"] = self._currency(visit.form)
        status = 422 if problems else 409 if notice else 200
        earlier = self._earlier(mapping.shape.fingerprint) if mapping.shape else None
        return self._pages.render(
            "finance/statements/columns.html",
            visit.language,
            status_code=status,
            staff=visit.signed_in,
            upload=upload,
            shown=shown,
            labels=_labels(shown, typed["header"]),
            typed=typed,
            problems=problems,
            notice=notice,
            read=read,
            seen=_digest(mapping.shape) if mapping.shape and read else "",
            earlier=earlier,
            rows_shown=_ROWS_SHOWN,
            signs=SIGNS,
            date_forms=DATE_FORM_NAMES,
            decimal_marks=DECIMAL_MARKS,
            delimiters=DELIMITER_NAMES,
            currencies=self._currencies,
        )


def _delimiter(form: Mapping[str, str]) -> str:
    return DELIMITER_CHOICES.get(form.get("delimiter", ""), "")


def _digest(shape: CsvShape) -> str:
    return hashlib.sha256(shape_to_json(shape).encode()).hexdigest()


def _labels(shown: FilePreview, header: str) -> Sequence[tuple[str, str]]:
    """Return the number and a label of each column.

    The label is the column's name in the row `header`, or its first value if there is no such row.
    """
    rows = {str(number): cells for number, cells in shown.numbered}
    first = [rows[header]] if header in rows else [cells for cells in shown.rows if len(cells) > 1]
    labels: list[tuple[str, str]] = []
    for place in range(shown.width):
        name: Any = next(
            (cells[place] for cells in first if place < len(cells) and cells[place]), ""
        )
        labels.append(
            (str(place + 1), f"{place + 1} · {name[:_LABEL]}" if name else f"{place + 1}")
        )
    return labels
