"""Reads the requests to change a pledge, each with its outcome."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import answer_to
from donate.money import Money
from donate.stripe_gateway.models import OpenPledgeChange, PledgeAction


class ChangeOutcome(StrEnum):
    """The outcome of a request to change a pledge."""

    DONE = "done"
    OPEN = "open"
    REPLACED = "replaced"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RequestedChange:
    """A change that the donor or staff requested.

    `message` is Stripe's explanation if it refused the change.
    """

    act: PledgeAction
    actor: str
    at: datetime
    amount: Money | None
    resumes_at: datetime | None
    reason: str
    outcome: ChangeOutcome
    message: str


def requested_changes(session: Session, gift: Gift, facts: Iterable[Fact]) -> list[RequestedChange]:
    """Return the requests to change the pledge that `gift` began, newest first."""
    facts = list(facts)
    of_pledge = select(OpenPledgeChange.key).where(
        OpenPledgeChange.gift_id == gift.id, col(OpenPledgeChange.ask_at).is_not(None)
    )
    open_keys = set(session.exec(of_pledge))
    requests = [fact for fact in facts if fact.kind == FactKind.PLEDGE_CHANGE_REQUESTED]
    return [
        _requested(fact, facts, is_open=fact.source_id in open_keys)
        for fact in sorted(requests, key=_number_of, reverse=True)
    ]


def _number_of(request: Fact) -> int:
    """Return the number of a request.

    Requests are sorted by number, not by time, because a clock may be set back.
    """
    return int(request.source_id.rpartition(":")[2])


def _requested(request: Fact, facts: list[Fact], *, is_open: bool) -> RequestedChange:
    act = PledgeAction(request.evidence.get("act", ""))
    refusal = next(
        (
            fact
            for fact in facts
            if (fact.kind, fact.source_id) == (FactKind.PLEDGE_CHANGE_REFUSED, request.source_id)
        ),
        None,
    )
    answered = {answer_to(request.source_id)} & {fact.source_id for fact in facts}
    ended = act is PledgeAction.CANCEL and any(f.kind == FactKind.PLEDGE_ENDED for f in facts)
    if refusal:
        outcome = ChangeOutcome.REFUSED
    elif answered or ended:
        outcome = ChangeOutcome.DONE
    else:
        outcome = ChangeOutcome.OPEN if is_open else ChangeOutcome.REPLACED
    amount = None
    if request.amount_minor and request.currency:
        amount = Money(request.amount_minor, request.currency)
    return RequestedChange(
        act=act,
        actor=request.actor,
        at=request.happened_at,
        amount=amount,
        resumes_at=request.resumes_at,
        reason=request.note,
        outcome=outcome,
        message=refusal.refusal_message if refusal else "",
    )
