"""Records a change that a donor requests to a pledge, before Stripe is asked.

The request alone changes nothing; Stripe's answer does. A new request replaces older ones that
Stripe has not answered.
"""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col

from donate.clock import Backoff
from donate.errors import N_, Conflict, NotFound
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.pledges import PledgeState, change_key, pledge_of
from donate.gifts.queries import plain_facts_of
from donate.money import Money
from donate.stripe_gateway.models import OpenPledgeChange, PledgeAction

# How long to wait after the first, second, … call to Stripe: always longer than a call can take.
ASK_AGAIN_AFTER: Final = Backoff("20s 1m 5m 15m 1h")
# The most changes to a pledge. More would come from a program, not from a donor.
MOST_CHANGES: Final = 100


def request_change(
    session: Session, gift_id: uuid.UUID, act: PledgeAction, amount: Money | None, *, now: datetime
) -> OpenPledgeChange:
    """Record a request to change a pledge, and return it; the caller commits, then asks Stripe.

    `gift_id` is the gift that began the pledge; only `PledgeAction.AMOUNT` has an `amount`. Raises
    Conflict, with a sentence for the donor, when there is no pledge to change, and NotFound.
    """
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
    if number > MOST_CHANGES:
        raise Conflict(N_("You’ve changed this gift too many times. Please write to us."))
    key = change_key(gift.id, number)
    request = Fact(
        kind=FactKind.PLEDGE_CHANGE_REQUESTED,
        source_id=key,
        happened_at=now,
        actor="donor",
        amount_minor=amount.amount_minor if amount else None,
        currency=amount.currency if amount else None,
        evidence={"act": act},
    )
    record_facts(session, [(gift.id, request)], now=now)
    same_pledge = col(OpenPledgeChange.gift_id) == gift.id
    session.execute(update(OpenPledgeChange).where(same_pledge).values(ask_at=None))
    row = OpenPledgeChange(
        key=key,
        gift_id=gift.id,
        subscription=pledge.subscription,
        act=act,
        amount_minor=amount.amount_minor if amount else None,
        requested_at=now,
        ask_at=now + ASK_AGAIN_AFTER.after(1),
        tries=1,
    )
    session.add(row)
    session.flush()
    return row
