"""Handles the forms that mark a transfer as received and that undo a marked transfer."""

from collections.abc import Callable
from typing import Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.bank.received_transfers import (
    check_transfer,
    mark_received,
    refuse_other_modes,
    refuse_unseen,
    undo_transfer,
)
from donate.clock import Clock
from donate.errors import BadInput, BadInputs, Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.activity.trail import amount_detail
from donate.finance.gifts.pages import StaffGiftPages, find_gift
from donate.finance.roles import Role
from donate.gifts.ledger import Outcome
from donate.gifts.models import Gift
from donate.money import Money
from donate.storage.database import Database

_COUNTS: Final = frozenset(map(str, range(1_000)))


class TransferPages:
    """Handles the forms that mark a transfer as received and that undo a marked transfer."""

    def __init__(self, database: Database, clock: Clock, gift_pages: StaffGiftPages) -> None:
        self._database = database
        self._clock = clock
        self._gift_pages = gift_pages

    @needs(Role.FINANCE)
    def received(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Mark a transfer as received."""
        now = self._clock.now()

        def mark(session: Session, gift: Gift) -> tuple[Outcome, Money | None]:
            transfer = check_transfer(gift, visit.form, now=now, language=visit.language)
            seen = visit.form.get("seen", "")
            refuse_unseen(session, gift, transfer, seen=int(seen) if seen in _COUNTS else None)
            recorded = mark_received(
                session,
                gift,
                transfer,
                actor=visit.signed_in.actor,
                now=now,
                language=visit.language,
            )
            return recorded, transfer.amount

        return self._act(visit, gift_id, "marked", mark)

    @needs(Role.FINANCE)
    def undone(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Undo a transfer that was marked as received."""
        now = self._clock.now()

        def undo(session: Session, gift: Gift) -> tuple[Outcome, Money | None]:
            refuse_other_modes(gift)
            outcome = undo_transfer(
                session,
                gift,
                visit.form.get("transfer", ""),
                visit.form.get("reason", ""),
                actor=visit.signed_in.actor,
                now=now,
            )
            return outcome, None

        return self._act(visit, gift_id, "undone", undo)

    def _act(
        self,
        visit: AllowedRequest,
        gift_id: str,
        act: str,
        do: Callable[[Session, Gift], tuple[Outcome, Money | None]],
    ) -> Response:
        try:
            with self._database.writing() as session:
                gift = find_gift(session, gift_id)
                outcome, amount = do(session, gift)
                if outcome == Outcome.RECORDED:
                    now, about = self._clock.now(), gift.reference
                    detail = amount_detail(amount) if amount else {}
                    visit.record(session, f"transfer_{act}", now=now, about=about, detail=detail)
        except (BadInput, BadInputs, Conflict) as problem:
            return self._gift_pages.show(visit, gift_id, problem=problem)
        return RedirectResponse(f"/finance/gifts/{gift_id}?done={act}", 303)
