"""Handles the refund form, and the form that marks a failed refund as dealt with."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, BadInputs, Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.activity.trail import amount_detail
from donate.finance.gifts.pages import StaffGiftPages, find_gift
from donate.finance.refunds.form import check_refund, too_much
from donate.finance.roles import Role
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import Outcome, record_facts
from donate.gifts.queries import facts_of, plain_facts_of
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.models import OpenRefund
from donate.stripe_gateway.requests.refund_requests import MoreThanIsLeft, request_refund
from donate.stripe_gateway.requests.refunds import Refunds


class RefundPages:
    """Handles the forms that refund a payment and that mark a failed refund as dealt with."""

    def __init__(
        self, database: Database, clock: Clock, gift_pages: StaffGiftPages, refunds: Refunds
    ) -> None:
        self._database = database
        self._clock = clock
        self._gift_pages = gift_pages
        self._refunds = refunds

    @needs(Role.FINANCE)
    def refund(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Store and commit the refund request, send it to Stripe, and show the result."""
        try:
            open_refund = self._record_request(visit, gift_id)
        except MoreThanIsLeft as excess:
            return self._gift_pages.show(
                visit, gift_id, problem=too_much(excess.left, visit.language)
            )
        except (BadInput, BadInputs, Conflict) as problem:
            return self._gift_pages.show(visit, gift_id, problem=problem)
        if open_refund:
            self._refunds.ask_now(open_refund)
        return RedirectResponse(f"/finance/gifts/{gift_id}?done=refund", 303)

    @needs(Role.FINANCE)
    def followed_up(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Record that staff have dealt with a failed refund."""
        now = self._clock.now()
        refund = visit.form.get("refund", "")
        try:
            with self._database.writing() as session:
                gift = find_gift(session, gift_id)
                facts = {(fact.kind, fact.source_id) for fact in facts_of(session, gift.id)}
                if (FactKind.REFUND_FAILED, refund) not in facts:
                    raise Conflict(N_("This gift has no such failed refund."))
                actor = visit.signed_in.actor
                fact = Fact(FactKind.REFUND_FOLLOWED_UP, refund, now, actor)
                if record_facts(session, [(gift.id, fact)], now=now) == [Outcome.RECORDED]:
                    visit.record(
                        session,
                        "refund_followed_up",
                        now=now,
                        about=gift.reference,
                        detail={"refund": refund},
                    )
        except Conflict as conflict:
            return self._gift_pages.show(visit, gift_id, problem=conflict)
        return RedirectResponse(f"/finance/gifts/{gift_id}?done=refund_followed_up", 303)

    def _record_request(self, visit: AllowedRequest, gift_id: str) -> OpenRefund | None:
        now = self._clock.now()
        with self._database.writing() as session:
            gift = find_gift(session, gift_id)
            facts = plain_facts_of(session, gift.id)
            open_refund = request_refund(
                session,
                gift.id,
                check_refund(gift, facts, visit.form, visit.language),
                form_key=visit.form["form_key"],
                actor=visit.signed_in.actor,
                now=now,
            )
            if open_refund:
                visit.record(
                    session,
                    "refund_requested",
                    now=now,
                    about=gift.reference,
                    detail=amount_detail(Money(open_refund.amount_minor, gift.currency))
                    | {"request": open_refund.key},
                )
        return open_refund
