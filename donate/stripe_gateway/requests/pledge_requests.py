"""Records a requested change of a pledge before the change is sent to Stripe.

The donor or staff request the change. The request alone changes nothing; Stripe's answer does. A
new request replaces older requests that Stripe has not answered.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from donate.clock import Backoff
from donate.errors import N_, Conflict, NotFound
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, change_key, pledge_of
from donate.gifts.queries import plain_facts_of
from donate.money import Money
from donate.stripe_gateway.models import OpenPledgeChange, PledgeAction

# How long to wait after the first, second, … call to Stripe before the next one. Each wait is
# longer than a call can take.
ASK_AGAIN_AFTER: Final = Backoff("20s 1m 5m 15m 1h")
# Maximum number of changes to a pledge. No donor makes more, but a program might.
MOST_CHANGES: Final = 100
CHANGED_SINCE: Final = N_(
    "This monthly gift has changed since you opened the page, so nothing was done. Please check "
    "it below and decide again."
)


@dataclass(frozen=True, slots=True)
class DonorChange:
    """A change that a donor requests.

    Only a request for a new amount has `amount`, and only a pause until a date has `resumes_at`.
    """

    act: PledgeAction
    amount: Money | None = None
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StaffChange:
    """A change that staff request, and the reason for it.

    `form_key` identifies the form, so that a form that is sent twice makes only one request.
    `version` is what `version_of` returned when the form was shown. Only a pause until a date has
    `resumes_at`.
    """

    act: PledgeAction
    actor: str
    reason: str
    form_key: str
    version: str
    resumes_at: datetime | None = None


# The states of a pledge in which staff may request each change. A donor may request any change
# while the pledge is running.
_STAFF_MAY: Final[Mapping[PledgeAction, Collection[PledgeState]]] = {
    PledgeAction.PAUSE: (PledgeState.ACTIVE, PledgeState.NOT_CHARGED_YET, PledgeState.PAST_DUE),
    PledgeAction.RESUME: (PledgeState.PAUSED,),
    PledgeAction.CANCEL: tuple(PledgeState),
    PledgeAction.CANCEL_LATER: (
        PledgeState.ACTIVE,
        PledgeState.NOT_CHARGED_YET,
        PledgeState.PAST_DUE,
        PledgeState.PAUSED,
    ),
}


def may_request(pledge: Pledge, act: PledgeAction) -> bool:
    """Return whether staff may request this change of a pledge now."""
    is_repeated = act is PledgeAction.CANCEL_LATER and pledge.is_ending
    return pledge.runs and pledge.state in _STAFF_MAY[act] and not is_repeated


def version_of(pledge: Pledge, facts: Iterable[Fact]) -> str:
    """Return a text that changes whenever a pledge changes or somebody requests a change of it."""
    requests = sum(fact.kind == FactKind.PLEDGE_CHANGE_REQUESTED for fact in facts)
    amount = pledge.each_month.amount_minor
    return f"{requests}.{pledge.state}.{amount}.{pledge.is_ending}.{pledge.resumes_at or ''}"


def request_by_staff(
    session: Session, gift_id: uuid.UUID, change: StaffChange, *, now: datetime
) -> OpenPledgeChange | None:
    """Record a change that staff request; return None if this form has already requested it.

    Raises Conflict if the pledge has changed since the form was shown, or if its state does not
    allow this change.
    """
    gift = session.get(Gift, gift_id, with_for_update=True)
    if gift is None:
        raise NotFound("no such gift")
    same_form = select(OpenPledgeChange.key).where(OpenPledgeChange.form_key == change.form_key)
    if session.exec(same_form).first():
        return None
    facts = plain_facts_of(session, gift.id)
    pledge = pledge_of(facts, gift.amount)
    if version_of(pledge, facts) != change.version:
        raise Conflict(CHANGED_SINCE)
    if not may_request(pledge, change.act):
        raise Conflict(N_("This monthly gift can’t be changed that way right now."))
    return request_change(session, gift_id, change, now=now)


def request_change(
    session: Session, gift_id: uuid.UUID, change: DonorChange | StaffChange, *, now: datetime
) -> OpenPledgeChange:
    """Record and return a request to change a pledge. The caller commits, then asks Stripe.

    `gift_id` is the first gift of the pledge. Raises Conflict, with a sentence for the donor, when
    there is no pledge to change. Raises NotFound when there is no such gift.
    """
    by = change if isinstance(change, StaffChange) else None
    amount = change.amount if isinstance(change, DonorChange) else None
    gift = session.get(Gift, gift_id, with_for_update=True)
    if gift is None:
        raise NotFound("no such gift")
    facts = plain_facts_of(session, gift.id)
    pledge = pledge_of(facts, gift.amount)
    if pledge.state is PledgeState.ENDED:
        raise Conflict(N_("This monthly gift has ended and can’t be changed."))
    if pledge.subscription is None:
        raise Conflict(N_("This monthly gift hasn’t started yet."))
    number = 1 + sum(fact.kind == FactKind.PLEDGE_CHANGE_REQUESTED for fact in facts)
    if number > MOST_CHANGES and by is None:
        raise Conflict(N_("You’ve changed this monthly gift too many times. Please write to us."))
    key = change_key(gift.id, number)
    evidence: Evidence = {"act": change.act}
    if by:
        evidence["note"] = by.reason
    if change.resumes_at:
        evidence["resumes_at"] = int(change.resumes_at.timestamp())
    request = Fact(
        kind=FactKind.PLEDGE_CHANGE_REQUESTED,
        source_id=key,
        happened_at=now,
        actor=by.actor if by else "donor",
        amount_minor=amount.amount_minor if amount else None,
        currency=amount.currency if amount else None,
        evidence=evidence,
    )
    record_facts(session, [(gift.id, request)], now=now)
    same_pledge = col(OpenPledgeChange.gift_id) == gift.id
    session.execute(update(OpenPledgeChange).where(same_pledge).values(ask_at=None))
    row = OpenPledgeChange(
        key=key,
        gift_id=gift.id,
        subscription=pledge.subscription,
        act=change.act,
        amount_minor=amount.amount_minor if amount else None,
        resumes_at=change.resumes_at,
        form_key=by.form_key if by else None,
        requested_at=now,
        ask_at=now + ASK_AGAIN_AFTER.after(1),
        tries=1,
    )
    session.add(row)
    session.flush()
    return row
