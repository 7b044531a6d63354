"""The staff pages of Interac's e-mails: adding files, the list of transfers, and one transfer."""

from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.bank.shapes.statement import Sentence
from donate.bank.transfer_mails.examining import MAX_FILE_NAME, MAX_MAILS
from donate.bank.transfer_mails.intake import TransferMailIntake
from donate.bank.transfer_mails.mail_parts import MAX_MAIL_BYTES
from donate.bank.transfer_mails.models import InteracTransfer
from donate.bank.transfer_mails.queries import (
    count_uncounted,
    count_untied,
    files_of,
    newest_transfers,
    waiting_files,
    waiting_room,
)
from donate.bank.transfer_mails.recorder import MailImport, MailOutcome, check_all_now
from donate.bank.transfer_mails.uncounted_mails import WAITS_FOR
from donate.clock import Clock
from donate.errors import N_, BadInput, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.transfer_mails.waiting import what_they_wait_for
from donate.finance.transfer_mails.words import MAIL_KINDS, MAIL_OUTCOMES, TRANSFER_STATES
from donate.storage.database import Database
from donate.web.limits.body_limits import UPLOAD_PATHS
from donate.web.templating import Pages, translate

TRANSFER_MAILS: Final = "/finance/transfer-mails"
TRANSFERS_ON_A_PAGE: Final = 50
_MOST_SEARCHED: Final = 100
_MOST_BYTES: Final = 20_000_000
_WAITING_SHOWN: Final = 50
_KEPT_SHOWN: Final = 20  # only a few, because each is examined again to show its current reason


class TransferMailPages:
    """The pages of Interac's e-mails."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        intake: TransferMailIntake,
        time_zone: str,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._intake = intake
        self._time_zone = time_zone

    def add_routes(self, router: APIRouter) -> None:
        """Add the route of each page."""
        for method, path, answer in (
            ("GET", "", self.transfer_mails),
            ("POST", "/added", self.added),
            ("POST", "/checked", self.checked),
            ("GET", "/transfers/{number}", self.transfer_mail),
        ):
            router.add_api_route(f"/transfer-mails{path}", answer, methods=[method])

    @needs(Role.VIEWER)
    def transfer_mails(self, request: Request, visit: Visiting) -> Response:
        """List transfers, newest first, and show the form that adds files."""
        return self._list(visit, request)

    @needs(Role.FINANCE, max_files=10 * MAX_MAILS)
    def added(self, request: Request, visit: Visiting) -> Response:
        """Add the chosen files, and show the result for each."""
        files = []
        if sum(upload.size or 0 for upload in visit.files) > _MOST_BYTES:
            too_large = BadInput("files", UPLOAD_PATHS[f"{TRANSFER_MAILS}/added"])
            return self._list(visit, request, problem=too_large)
        for upload in visit.files:
            files.append((_printable(upload.filename or ""), upload.file.read(MAX_MAIL_BYTES + 1)))
            upload.file.close()
        if not files:
            problem = BadInput("files", N_("Please choose the .eml files first."))
            return self._list(visit, request, problem=problem)
        actor = visit.signed_in.actor
        try:
            done = self._intake.add(files, actor=actor, on_added=partial(self._record, visit))
        except BadInput as problem:
            return self._list(visit, request, problem=problem)
        return self._list(visit, request, done=done)

    @needs(Role.FINANCE)
    def checked(self, request: Request, visit: Visiting) -> Response:
        """Make the worker check the signatures of waiting e-mails again now."""
        now = self._clock.now()
        with self._database.writing() as session:
            waiting = check_all_now(session, now=now)
            if waiting:
                visit.record(session, "transfer_mails_checked", now=now)
        return RedirectResponse(f"{TRANSFER_MAILS}?done=checked", 303)

    @needs(Role.VIEWER)
    def transfer_mail(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show what the e-mails about one transfer say."""
        transfer_id = as_number(number)
        with self._database.reading() as session:
            transfer = transfer_id and session.get(InteracTransfer, transfer_id)
            if not transfer:
                raise NotFound("no such transfer")
            files = files_of(session, transfer.id or 0)
        return self._pages.render(
            "finance/transfer_mails/transfer.html",
            visit.language,
            staff=visit.signed_in,
            transfer=transfer,
            files=files,
            states=TRANSFER_STATES,
            kinds=MAIL_KINDS,
            time_zone=self._time_zone,
        )

    def _list(
        self,
        visit: AllowedRequest,
        request: Request,
        *,
        done: MailImport | None = None,
        problem: BadInput | None = None,
    ) -> Response:
        query = request.query_params
        searched = query.get("q", "").strip()[:_MOST_SEARCHED]
        before = as_number(query.get("before", ""))
        only_untied = query.get("show") == "waiting"
        is_first_page = before is None
        with self._database.reading() as session:
            limit = TRANSFERS_ON_A_PAGE + 1
            rows = newest_transfers(
                session, limit=limit, before=before, searched=searched, only_untied=only_untied
            )
            reasons = what_they_wait_for(session, rows) if only_untied else {}
            uncounted = count_uncounted(session)
            untied = count_untied(session)
            waiting = waiting_files(session, _WAITING_SHOWN) if only_untied else []
            is_full = waiting_room(session).is_full
        kept = self._intake.uncounted(_KEPT_SHOWN) if is_first_page else []
        has_older, rows = len(rows) > TRANSFERS_ON_A_PAGE, rows[:TRANSFERS_ON_A_PAGE]
        return self._pages.render(
            "finance/transfer_mails/list.html",
            visit.language,
            status_code=422 if problem else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE),
            rows=rows,
            older=rows[-1].id if has_older else None,
            is_first_page=is_first_page,
            searched_mails=searched,
            uncounted=uncounted,
            untied=untied,
            only_untied=only_untied,
            reasons=reasons,
            waiting=waiting,
            is_full=is_full,
            wait_days=WAITS_FOR.days,
            kept=kept,
            kinds=MAIL_KINDS,
            time_zone=self._time_zone,
            results=_results(done, visit.language) if done else [],
            problem=problem,
            is_checking=query.get("done") == "checked",
            states=TRANSFER_STATES,
            most_files=MAX_MAILS,
        )

    def _record(self, visit: AllowedRequest, session: Session, done: MailImport) -> None:
        kept = len(done.results) - done.count(MailOutcome.REFUSED) - done.count(MailOutcome.KNOWN)
        if kept:
            now = self._clock.now()
            visit.record(session, "transfer_mails_added", now=now, detail={"letters": kept})


def _results(done: MailImport, language: str) -> list[dict[str, Any]]:
    """Return the result for each file, as text. Refused files come first, known files last."""
    order = list(MailOutcome)
    order = [MailOutcome.REFUSED, *order[:-1]]
    ranked = sorted(done.results, key=lambda result: order.index(result.outcome))
    return [
        {
            "file": result.file,
            "outcome": result.outcome,
            "name": MAIL_OUTCOMES[result.outcome],
            "sentence": _in_words(result.sentence, language),
            "transfer_id": result.transfer_id,
        }
        for result in ranked
    ]


def _in_words(sentence: Sentence, language: str) -> str:
    return translate(language, sentence.message, sentence.values)


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in name)[:MAX_FILE_NAME]
