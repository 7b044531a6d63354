"""The routes for downloading exports: CSV, XLSX, and the control totals for the CSV."""

import tempfile
from collections.abc import Iterator
from typing import IO, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from donate.clock import Clock
from donate.errors import BadInputs
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.activity.trail import record_act
from donate.finance.exports.csv_files import CsvFile
from donate.finance.exports.registry import EXPORTS, Export, read_export
from donate.finance.exports.runs import ExportRun
from donate.finance.exports.slots import ExportResponse, ExportSlots
from donate.finance.exports.xlsx_files import write_xlsx
from donate.finance.roles import Role
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.limits.networks import printable

CSV_TYPE: Final = "text/csv; charset=utf-8; header=present"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK: Final = 64 * 1024


def add_export_routes(
    router: APIRouter, database: Database, regions: Regions, clock: Clock
) -> None:
    """Add the routes of all exports. They share one limit on how many exports may run at once."""
    slots = ExportSlots()
    for name in EXPORTS:
        ExportPages(name, database, regions, clock, slots).add_routes(router)


class ExportPages:
    """The files of one export.

    Only finance staff may download them, because they hold donors' data.
    """

    def __init__(
        self, name: str, database: Database, regions: Regions, clock: Clock, slots: ExportSlots
    ) -> None:
        self._name = name
        self._slots = slots
        self._database = database
        self._regions = regions
        self._clock = clock

    def add_routes(self, router: APIRouter) -> None:
        """Add a route for each file."""
        router.add_api_route(f"/{self._name}.csv", self.csv, methods=["GET"])
        router.add_api_route(f"/{self._name}.xlsx", self.xlsx, methods=["GET"])
        router.add_api_route(f"/{self._name}.control.json", self.control, methods=["GET"])

    @needs(Role.FINANCE)
    def csv(self, request: Request, visit: Visiting) -> Response:
        """Send the CSV while its rows are still being read."""
        export = self._read(request)
        if export is None:
            return self._to_the_page(request)
        slot = self._slots.take()
        with slot.unless_it_fails():
            file = CsvFile(self._run(export, request, visit))
            chunks = file.chunks()
            # Read the first rows before the response starts, so that an error page is still
            # possible if the database is down.
            first = [next(chunks), next(chunks)]
            if file.says_incomplete:
                next(chunks)  # raises the error
        headers = _attachment(export, "csv")
        return ExportResponse(slot, first, chunks, media_type=CSV_TYPE, headers=headers)

    @needs(Role.FINANCE)
    def xlsx(self, request: Request, visit: Visiting) -> Response:
        """Send the XLSX.

        The index of a ZIP file comes last, so the workbook is written to a temporary file before it
        is sent. If reading the rows fails, nothing is sent.
        """
        export = self._read(request)
        if export is None:
            return self._to_the_page(request)
        slot = self._slots.take()
        file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed after the last chunk
        try:
            write_xlsx(self._run(export, request, visit), file)
        except BaseException:
            file.close()
            raise
        finally:
            slot.give_back()  # only reading the rows needs the database snapshot
        size = file.seek(0, 2)
        file.seek(0)
        headers = _attachment(export, "xlsx") | {"Content-Length": str(size)}
        return StreamingResponse(_chunks_of(file), media_type=XLSX_TYPE, headers=headers)

    @needs(Role.FINANCE)
    def control(self, request: Request, visit: Visiting) -> Response:
        """Make the CSV with these filters again, and send only its control totals."""
        export = self._read(request)
        if export is None:
            return self._to_the_page(request)
        slot = self._slots.take()
        try:
            file = CsvFile(self._run(export, request, visit))
            for _ in file.chunks():
                pass
        finally:
            slot.give_back()
        return JSONResponse(file.control_totals(), headers=_attachment(export, "control.json"))

    def _read(self, request: Request) -> Export | None:
        try:
            return read_export(self._name, request.query_params.multi_items(), self._regions)
        except BadInputs:
            return None

    def _to_the_page(self, request: Request) -> Response:
        """Redirect to the list with the same filters. It shows the problem next to the field."""
        return RedirectResponse(f"/finance/{self._name}?{request.url.query}", 303)

    def _run(self, export: Export, request: Request, visit: AllowedRequest) -> ExportRun:
        """Add a trail entry about the export before reading any rows.

        It has the filters that were used, and nothing else of the address: filters name no donor,
        and the trail is kept for ever.
        """
        now, staff = self._clock.now(), visit.signed_in
        query = f"?{urlencode(export.filters)}" if export.filters else ""
        with self._database.writing() as session:
            record_act(
                session,
                f"exported_{self._name}",
                now=now,
                staff_id=staff.staff_id,
                about=printable(f"{request.url.path}{query}"),
                address=visit.address,
                detail={"filter": dict(export.filters)},
            )
        return ExportRun(export, self._database, made_by=staff.email, made_at=now)


def _attachment(export: Export, ending: str) -> dict[str, str]:
    days = [export.filters[name] for name in ("from", "to") if name in export.filters]
    name = "_".join([export.layout.name, *days])
    return {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}


def _chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
