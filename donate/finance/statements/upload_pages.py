"""The staff pages for an uploaded statement: its contents, the questions about it, its import."""

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.bank.learned_shapes.queries import all_csv_shapes, learned_shapes
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.bank.shapes.decoding import MAX_FILE_BYTES
from donate.bank.shapes.reader import KNOWN_SHAPES, is_csv, read_statement
from donate.bank.shapes.statement import Statement
from donate.bank.statements.importing import ImportChoices, import_statement
from donate.bank.statements.models import BankAccount, StatementUpload
from donate.bank.statements.planning import (
    ChosenAccounts,
    ImportPlan,
    account_problem,
    plan_import,
)
from donate.bank.statements.queries import bank_accounts, files_with_hash, upload_by_number
from donate.bank.statements.uploads import keep_upload, masked_content
from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.statements.pages import StatementPages
from donate.finance.statements.words import DATE_FORM_NAMES, DOUBT_SENTENCES, STATEMENTS
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

_NO_FILE: Final = N_("Please choose a file.")
_TOO_LARGE: Final = N_("This file is larger than 20 MB. Please download fewer days at a time.")
_NO_NAME: Final = N_("Please choose an account, or enter a name for a new one.")
_LINES_SHOWN: Final = 20
_LEFT_OUT_SHOWN: Final = 100
# The form has one field for each line that may already be recorded, so that staff can decide.
_MOST_FIELDS: Final = 2_000
_MAX_NAME: Final = 100


class UploadPages:
    """The form that uploads a statement, and the page that shows it before its import."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        statements: StatementPages,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._statements = statements
        self._time_zone = next(iter(regions.values())).time_zone
        self._codes = list(regions)
        self._currencies = sorted({region.currency for region in regions.values()})

    @needs(Role.FINANCE, max_files=1)
    def uploaded(self, request: Request, visit: Visiting) -> Response:
        """Store an uploaded file, and redirect to the page that shows its contents."""
        try:
            name, content = _read_file(visit)
            masked = masked_content(content)
        except BadInput as problem:
            return self._statements.show(visit, {}, problem)
        sha256 = hashlib.sha256(content).hexdigest()
        with self._database.writing() as session:
            actor, now = visit.signed_in.actor, self._clock.now()
            upload = keep_upload(session, name, masked, sha256, actor=actor, now=now)
        return RedirectResponse(f"{STATEMENTS}/uploads/{upload.id}", 303)

    @needs(Role.FINANCE)
    def upload(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show the contents of an uploaded file, and what importing it would do."""
        return self._show(visit, number, request.query_params)

    @needs(Role.FINANCE, max_fields=_MOST_FIELDS)
    def imported(self, request: Request, visit: Visiting, number: str) -> Response:
        """Import an uploaded file with the choices made on its page."""
        now, actor = self._clock.now(), visit.signed_in.actor
        with self._database.reading() as session:
            upload = _find(session, number)
            was_imported = upload is None and files_with_hash(session, visit.form.get("file", ""))
        if was_imported:  # the form was sent twice
            return RedirectResponse(f"{STATEMENTS}?done=imported", 303)
        if upload is None:
            raise NotFound("no such upload")
        if visit.form.get("compared") != "yes":
            return self._show(visit, number, visit.form, asks_for_account=True)
        try:
            with self._database.reading() as session:
                statement = self._read(session, upload, visit.form)
            with self._database.writing() as session:
                kept = _find(session, number, lock=True)
                if kept is None:
                    return RedirectResponse(f"{STATEMENTS}?done=imported", 303)
                file, _ = import_statement(
                    session,
                    statement,
                    ImportChoices(
                        _chosen_accounts(session, statement, visit.form),
                        _decided(visit.form),
                        visit.form.get("seen", ""),
                    ),
                    file_name=upload.name,
                    sha256=upload.sha256,
                    actor=actor,
                    now=now,
                )
                session.delete(kept)
                visit.record(
                    session,
                    "statement_imported",
                    now=now,
                    about=upload.name,
                    detail={"new": file.new_count, "known": file.known_count},
                )
        except (BadInput, Conflict) as problem:
            return self._show(visit, number, visit.form, problem=problem)
        suggest_for_open_lines(self._database, self._codes, now=now)
        return RedirectResponse(f"{STATEMENTS}?done=imported", 303)

    @needs(Role.FINANCE)
    def discarded(self, request: Request, visit: Visiting, number: str) -> Response:
        """Delete an uploaded file that is not to be imported."""
        with self._database.writing() as session:
            upload = _find(session, number, lock=True)
            if upload is None:
                raise NotFound("no such upload")
            session.delete(upload)
            now = self._clock.now()
            visit.record(session, "statement_discarded", now=now, about=upload.name)
        return RedirectResponse(f"{STATEMENTS}?done=discarded", 303)

    def _read(
        self, session: Session, upload: StatementUpload, typed: Mapping[str, str]
    ) -> Statement:
        """Read the file with the format that staff chose. Raises BadInput."""
        currency = typed.get("currency", "")
        return read_statement(
            upload.content,
            shape=typed.get("shape") or None,
            shapes=all_csv_shapes(session),
            date_form=typed.get("dates") or None,
            currency=currency if currency in self._currencies else self._currencies[0],
        )

    def _show(
        self,
        visit: AllowedRequest,
        number: str,
        typed: Mapping[str, str],
        *,
        problem: BadInput | Conflict | None = None,
        asks_for_account: bool = False,
    ) -> Response:
        with self._database.reading_snapshot() as session:
            upload = _find(session, number)
            if upload is None:
                raise NotFound("no such upload")
            statement, plan, unreadable = None, None, None
            try:
                statement = self._read(session, upload, typed)
                plan = _plan(session, statement, typed, upload.sha256)
                if asks_for_account and not plan.refused:
                    problem = account_problem(plan)
            except BadInput as error:
                unreadable = error
            accounts = bank_accounts(session)
            learned = {row.name: row.title for row in learned_shapes(session)}
            earlier = files_with_hash(session, upload.sha256)
        return self._pages.render(
            "finance/statements/upload.html",
            visit.language,
            status_code=409
            if isinstance(problem, Conflict)
            else 422
            if problem or unreadable
            else 200,
            staff=visit.signed_in,
            upload=upload,
            statement=statement,
            plan=plan,
            unreadable=unreadable,
            problem=problem,
            accounts=accounts,
            earlier=earlier,
            lines_shown=_LINES_SHOWN,
            left_out_shown=_LEFT_OUT_SHOWN,
            time_zone=self._time_zone,
            shapes=learned | {shape.name: shape.title for shape in KNOWN_SHAPES},
            is_csv=is_csv(upload.content),
            date_forms=DATE_FORM_NAMES,
            currencies=self._currencies,
            doubt_sentences=DOUBT_SENTENCES,
            typed=dict(typed),
        )


def _read_file(visit: AllowedRequest) -> tuple[str, bytes]:
    """Return the name and the content of the uploaded file. Raises BadInput."""
    if not visit.files:
        raise BadInput("file", _NO_FILE)
    file = visit.files[0]
    content = file.file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BadInput("file", _TOO_LARGE)
    return tidy_file_name(file.filename or ""), content


def tidy_file_name(name: str) -> str:
    """Return the last part of a file's path, without characters that cannot be shown."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[-_MAX_NAME:] or "?"


def _find(session: Session, number: str, *, lock: bool = False) -> StatementUpload | None:
    return upload_by_number(session, as_number(number), lock=lock)


def _plan(
    session: Session, statement: Statement, typed: Mapping[str, str], sha256: str
) -> ImportPlan:
    """Return what an import would do.

    If the chosen accounts do not fit the file, plan the import without them.
    """
    try:
        chosen = _chosen_accounts(session, statement, typed)
        return plan_import(session, statement, chosen=chosen, sha256=sha256)
    except BadInput as problem:
        if problem.field != "account":
            raise
        return plan_import(session, statement, sha256=sha256)


def _chosen_accounts(
    session: Session, statement: Statement, typed: Mapping[str, str]
) -> ChosenAccounts:
    """Return, for each account and currency in the file, the name that was chosen or typed.

    The form's fields are numbered in the order in which the plan lists these accounts.
    """
    keys = sorted({(line.account, line.amount.currency) for line in statement.lines})
    chosen: dict[tuple[str, str], str] = {}
    for number, key in enumerate(keys):
        account_id = as_number(typed.get(f"account_{number}", ""))
        account = None if account_id is None else session.get(BankAccount, account_id)
        name = " ".join(typed.get(f"new_account_{number}", "").split())[:_MAX_NAME]
        if not name.isprintable():
            raise BadInput("account", _NO_NAME)
        chosen[key] = account.name if account else name
    return chosen


def _decided(typed: Mapping[str, str]) -> dict[int, bool]:
    """Return what staff decided about each doubtful row: True if its line is already recorded."""
    found: dict[int, bool] = {}
    for name, value in typed.items():
        row = as_number(name.removeprefix("doubt_")) if name.startswith("doubt_") else None
        if row is not None and value in ("same", "new"):
            found[row] = value == "same"
    return found
