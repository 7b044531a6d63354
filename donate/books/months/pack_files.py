"""Makes the files of a month's pack. The same records and the same closing give the same bytes."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from donate.books.chart import Chart
from donate.books.journal_files.programs import JournalProgram
from donate.books.journal_files.writer import journal_currencies, write_journal
from donate.books.months.control.records import MonthRecords, is_correction
from donate.books.months.open_items import OpenItem
from donate.books.pack.archive import PackedFile, write_pack
from donate.books.pack.control_totals import ControlFigure, ControlTotals
from donate.books.pack.csv_table import CsvTable, write_csv
from donate.books.pack.general_journal import general_journal
from donate.errors import Conflict
from donate.web.templating import Localizer, translations

_OPEN_COLUMNS: Final = ("kind", "title", "hurdle", "count", "amounts", "examples", "reason")


def pack_of(
    records: MonthRecords,
    control: ControlTotals,
    items: Sequence[OpenItem],
    chart: Chart,
    *,
    language: str,
    lead: Sequence[str],
) -> bytes:
    """Return the ZIP archive of a month. `lead` are the sentences at the top of the summary.

    The names of files and columns are the same in every language, as in the exports.
    """
    _ = Localizer(language)
    words = translations(language).gettext
    late = [entry for entry in records.entries if is_correction(entry)]
    tables = (
        *records.tables,
        general_journal("journal/general", records.entries, chart, words),
        general_journal("corrections", late, chart, words),
        CsvTable("open-items", _OPEN_COLUMNS, [_open_row(item, _) for item in items]),
    )
    files = [PackedFile(f"{one.name}.csv", write_csv(one.columns, one.rows)) for one in tables]
    files += _program_files(records, chart, _)
    totals = json.dumps(control.as_json(), indent=2, ensure_ascii=False)
    files.append(PackedFile("control-totals.json", f"{totals}\n".encode()))
    files.append(PackedFile("summary.pdf", _summary(control, items, _, lead)))
    return write_pack(files)


def _open_row(item: OpenItem, _: Localizer) -> Sequence[str | int]:
    return (
        item.kind.value,
        _(item.kind.heading),
        item.kind.hurdle.value,
        item.count,
        " ".join(f"{amount.decimal:f} {amount.currency}" for amount in item.amounts),
        ", ".join(item.names),
        item.reason,
    )


def _program_files(records: MonthRecords, chart: Chart, _: Localizer) -> Iterator[PackedFile]:
    """Yield each program's files for each currency, or a file that says why it can take none."""
    for program, currency in product(JournalProgram, journal_currencies(records.entries)):
        try:
            files = write_journal(
                [entry for entry in records.entries if entry.currency == currency],
                program,
                chart,
                period=str(records.month),
                translate=translations(_.language).gettext,
            )
        except Conflict as refused:
            name = f"{program}-{records.month}-{currency}-not-made.txt"
            yield PackedFile(f"journal/{name}", f"{_.sentence(refused)}\n".encode())
            continue
        for file in files:
            yield PackedFile(f"journal/{file.name}", file.content)


def _summary(
    control: ControlTotals, items: Sequence[OpenItem], _: Localizer, lead: Sequence[str]
) -> bytes:
    # Importing reportlab takes longer than drawing the page, and only closing a month needs it.
    from donate.books.pack.summary_page import (  # noqa: PLC0415 -- see above
        SummaryBlock,
        SummaryPage,
        SummaryRow,
        write_summary,
    )

    def row(figure: ControlFigure) -> SummaryRow:
        label = _(figure.title.message, **figure.title.values)
        count = "" if figure.count is None else _.number(figure.count)
        return SummaryRow(label, count, _.money(figure.amount) if figure.amount else "")

    blocks = [
        SummaryBlock(_(section.title), [row(figure) for figure in section.figures])
        for section in control.sections
    ]
    checks = [
        SummaryRow(_(check.title), amount=_("differ") if check.differences else _("agree"))
        for check in control.checks
    ]
    blocks.append(SummaryBlock(_("Checks"), checks))
    left = [
        SummaryRow(
            _(item.kind.heading),
            _.number(item.count),
            ", ".join(_.money(amount) for amount in item.amounts),
        )
        for item in items
    ]
    if left:
        blocks.append(SummaryBlock(_("Open at the end of the month"), left))
    return write_summary(
        SummaryPage(
            _("Summary of %(month)s", month=control.month),
            lead,
            blocks,
            _("%(count)s more rows stand in control-totals.json.", count="%(count)s"),
            _.language,
        )
    )
