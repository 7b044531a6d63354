"""The staff page for one bank line, and the forms on it that record what its money is for."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.bank.reconciliation.candidate_queries import marked_transfers
from donate.bank.reconciliation.deciding import (
    DecidedPart,
    GiftPart,
    NoGiftPart,
    ReturnPart,
    decide_line,
    undo_part,
)
from donate.bank.reconciliation.models import LinePart, NoGiftReason
from donate.bank.reconciliation.payers import teach_payer
from donate.bank.reconciliation.queries import parts_of_line
from donate.bank.reconciliation.stripe_moves.queries import choosable_moves
from donate.bank.statements.models import BankAccount, RecordedLine, StatementFile
from donate.bank.statements.queries import line_by_number, next_open_line
from donate.clock import Clock
from donate.errors import N_, BadInput, BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.activity.trail import amount_detail
from donate.finance.payouts.words import PAYOUT_STATUSES
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.search.finding import search_gifts, tidy_search
from donate.finance.staff.accounts import names_of
from donate.finance.statements.alike_pages import alike_offer
from donate.finance.statements.line_view import (
    FoundGift,
    returnable_transfers,
    shown_part,
    shown_suggestions,
    why_nothing,
)
from donate.finance.statements.words import (
    BAND_NAMES,
    CLASS_NAMES,
    DONE,
    REASON_NAMES,
    STATEMENTS,
)
from donate.gifts.queries import gift_by_id
from donate.money import Money, format_amount, read_amount
from donate.regions.modes import BY_HAND
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

Decision = Callable[[Session, RecordedLine], Sequence[LinePart]]
"""A function that records what a line's amount, or parts of it, are for; returns these parts."""

_NO_GIFT: Final = N_("Please choose a gift.")
_NO_TRANSFER: Final = N_("Someone has undone or tied this transfer meanwhile. Please look again.")
_NO_REASON: Final = N_("Please choose what it is.")
_GIFTS_FOUND: Final = 12


class LinePages:
    """The page of one bank line, and the forms that record what its money is for."""

    def __init__(self, database: Database, regions: Regions, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        # Lines for several regions show times in the first region's time zone.
        self._time_zone = next(iter(regions.values())).time_zone

    @needs(Role.VIEWER)
    def line(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show a bank line and what its money may be for."""
        return self.show(visit, number, request.query_params)

    @needs(Role.FINANCE)
    def tied(self, request: Request, visit: Visiting, number: str) -> Response:
        """Tie the line's amount, or a part of it, to a gift."""

        def parts(session: Session, line: RecordedLine) -> Sequence[DecidedPart]:
            gift_id = _read_uuid(visit.form.get("gift", ""))
            if gift_id is None:
                raise BadInput("gift", _NO_GIFT)
            source = visit.form.get("source", "")
            if source:
                return [self._marked_part(session, gift_id, source)]
            return [GiftPart(gift_id, self._amount(visit, line).amount_minor)]

        return self.decide(visit, number, "tied", self._by_hand(visit, parts))

    @needs(Role.FINANCE)
    def sent_back(self, request: Request, visit: Visiting, number: str) -> Response:
        """Record that the line's amount, or a part of it, sent a gift's transfer back."""

        def parts(_: Session, line: RecordedLine) -> Sequence[DecidedPart]:
            gift_id = _read_uuid(visit.form.get("gift", ""))
            if gift_id is None:
                raise BadInput("gift", _NO_GIFT)
            amount = self._amount(visit, line).amount_minor
            return [ReturnPart(gift_id, amount, visit.form.get("transfer", ""))]

        return self.decide(visit, number, "sent_back", self._by_hand(visit, parts))

    @needs(Role.FINANCE)
    def no_gift(self, request: Request, visit: Visiting, number: str) -> Response:
        """Record that the line's amount, or a part of it, is neither a gift nor a payout."""

        def parts(_: Session, line: RecordedLine) -> Sequence[DecidedPart]:
            reason = visit.form.get("reason", "")
            if reason not in set(NoGiftReason):
                raise BadInput("reason", _NO_REASON)
            amount = self._amount(visit, line)
            return [
                NoGiftPart(NoGiftReason(reason), amount.amount_minor, visit.form.get("note", ""))
            ]

        return self.decide(visit, number, "no_gift", self._by_hand(visit, parts))

    @needs(Role.FINANCE)
    def undone(self, request: Request, visit: Visiting, number: str) -> Response:
        """Undo what was recorded about one part of a line's amount."""
        part_id, now = as_number(number), self._clock.now()
        line_id = as_number(visit.form.get("line", ""))
        if part_id is None or line_id is None:
            raise NotFound("no such part")
        actor = visit.signed_in.actor
        try:
            with self._database.writing() as session:
                part = undo_part(
                    session, part_id, visit.form.get("reason", ""), actor=actor, now=now
                )
                line_id = part.line_id
                line = line_by_number(session, line_id)
                assert line is not None
                amount = Money(part.amount_minor, line.currency)
                visit.record(
                    session,
                    "bank_line_undone",
                    now=now,
                    about=f"bank line {line_id}",
                    detail=amount_detail(amount),
                )
        except (BadInput, Conflict) as problem:
            return self.show(visit, str(line_id), {}, problem=problem)
        return RedirectResponse(f"{STATEMENTS}/lines/{line_id}?done=undone", 303)

    def _marked_part(self, session: Session, gift_id: uuid.UUID, source: str) -> GiftPart:
        """Return the decision that ties a line to a transfer that staff marked (fact `source`)."""
        marked = marked_transfers(session, None, gift_id)
        transfer = next((one for one in marked if one.source_id == source), None)
        if transfer is None:
            raise Conflict(_NO_TRANSFER)
        return GiftPart(gift_id, transfer.amount.amount_minor, source)

    def _amount(self, visit: AllowedRequest, line: RecordedLine) -> Money:
        """Return the typed amount, negative if the line is money out. People type no sign."""
        typed = read_amount(visit.form.get("amount", ""), line.currency, visit.language)
        sign = 1 if line.amount_minor > 0 else -1
        return typed.part(sign * typed.amount_minor)

    def _by_hand(
        self, visit: AllowedRequest, parts: Callable[[Session, RecordedLine], Sequence[DecidedPart]]
    ) -> Decision:
        """Return a Decision that records what a person entered, and learns the payer from it."""

        def record(session: Session, line: RecordedLine) -> Sequence[LinePart]:
            assert line.id is not None
            actor, now = visit.signed_in.actor, self._clock.now()
            version = as_number(visit.form.get("version", "")) or 0
            decided = decide_line(
                session, line.id, parts(session, line), version=version, actor=actor, now=now
            )
            teach_payer(session, line, decided, actor=actor, now=now)
            return decided

        return record

    def decide(self, visit: AllowedRequest, number: str, act: str, decision: Decision) -> Response:
        """Record a decision about a line, and redirect to the next open line."""
        line_id, now = as_number(number), self._clock.now()
        try:
            with self._database.writing() as session:
                line = line_by_number(session, line_id)
                if line is None or line_id is None:
                    raise NotFound("no such bank line")
                for part in decision(session, line):
                    amount = Money(part.amount_minor, line.currency)
                    visit.record(
                        session,
                        f"bank_line_{act}",
                        now=now,
                        about=_about(session, line_id, part),
                        detail=amount_detail(amount),
                    )
                following = next_open_line(session, (line.day, line_id))
                is_open = line.open_amount.amount_minor != 0
        except (BadInput, BadInputs, Conflict) as problem:
            return self.show(visit, number, {}, problem=problem)
        if is_open:
            return RedirectResponse(f"{STATEMENTS}/lines/{line_id}?done=part", 303)
        if following is None:
            return RedirectResponse(f"{STATEMENTS}?done=all", 303)
        after = f"&after={line_id}" if act == "no_gift" else ""
        return RedirectResponse(f"{STATEMENTS}/lines/{following.id}?done={act}{after}", 303)

    def show(
        self,
        visit: AllowedRequest,
        number: str,
        query: Mapping[str, str],
        *,
        problem: BadInput | BadInputs | Conflict | None = None,
    ) -> Response:
        """Render the page of a line. If a form has a problem, show it and what was typed."""
        typed: dict[str, str] = dict(visit.form) if problem else {}
        searched = tidy_search(query.get("q", "") or typed.get("q", ""))
        with self._database.reading_snapshot() as session:
            line = line_by_number(session, as_number(number))
            if line is None or line.id is None:
                raise NotFound("no such bank line")
            parts = parts_of_line(session, line.id)
            shown: dict[str, Any] = {
                "line": line,
                "account": session.get_one(BankAccount, line.account_id),
                "file_name": session.get_one(StatementFile, line.file_id).name,
                "parts": [shown_part(session, part, line) for part in parts],
                "names": names_of(session, {p.decided_by for p in parts}),
                "found": self._found(session, searched, visit.language),
                "suggestions": shown_suggestions(session, line),
                "why_nothing": why_nothing(line, self._regions),
                "moves": choosable_moves(session, line.open_amount),
                # Offer to repeat a decision for equal lines: about this line, or the last one.
                "alike": alike_offer(session, line.id)
                or alike_offer(session, as_number(query.get("after", ""))),
                "following": next_open_line(session, (line.day, line.id)),
            }
        left = line.open_amount
        is_conflict = isinstance(problem, Conflict)
        problems = {} if problem is None or is_conflict else _by_field(problem)
        return self._pages.render(
            "finance/statements/line.html",
            visit.language,
            status_code=409 if is_conflict else 422 if problems else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE),
            left=Money(abs(left.amount_minor), left.currency),
            left_typed=format_amount(Money(abs(left.amount_minor), left.currency), visit.language),
            is_in=line.amount_minor > 0,
            time_zone=self._time_zone,
            searched=searched,
            typed=typed,
            problems=problems,
            conflict=str(problem) if is_conflict else "",
            done=DONE.get(query.get("done", ""), ""),
            class_names=CLASS_NAMES,
            band_names=BAND_NAMES,
            reason_names=REASON_NAMES,
            payout_statuses=PAYOUT_STATUSES,
            **shown,
        )

    def _found(self, session: Session, searched: str, language: str) -> list[FoundGift]:
        if not searched:
            return []
        found = search_gifts(session, searched, self._regions, language, BY_HAND)
        return [
            FoundGift(
                gift,
                donor,
                marked_transfers(session, None, gift.id),
                returnable_transfers(session, gift),
            )
            for gift, donor in found[:_GIFTS_FOUND]
        ]


def _by_field(problem: BadInput | BadInputs | Conflict) -> dict[str, BadInput]:
    found = () if isinstance(problem, Conflict) else problem.problems
    return {each.field: each for each in found}


def _about(session: Session, line_id: int, part: LinePart) -> str:
    gift = gift_by_id(session, part.gift_id) if part.gift_id else None
    return f"bank line {line_id}" + (f", {gift.reference}" if gift else "")


def _read_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
