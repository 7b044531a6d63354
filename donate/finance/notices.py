"""The notices at the top of every staff page."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from donate.finance.stripe_refusals import SHOWN as MOST_REFUSALS, unseen_refusals
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.status import StatusName
from donate.letters import desk
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.health import webhook_silence

# Every staff page counts what the notices are about. The counts stop at this limit to stay fast.
MOST_COUNTED: Final = 1_000
# An inquiry is over after any of these facts. A dispute counts, because it replaces the inquiry.
_INQUIRY_IS_OVER: Final = (
    FactKind.INQUIRY_ANSWERED,
    FactKind.INQUIRY_CLOSED,
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
    FactKind.DISPUTE_LOST,
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for staff, with a link to the page where they can act.

    `href` and `link` are empty if there is no such page. `here` is the name of that page, on which
    the notice is not shown. The navigation shows `count` beside the name of that page. The overview
    names each gift instead of a notice with `about_gifts`.
    """

    sentence: str
    link: str = ""
    href: str = ""
    here: str = ""
    count: str = ""
    about_gifts: bool = False


def notices(session: Session, now: datetime) -> list[Notice]:
    """Return the current notices, most urgent first."""
    items = []
    silence = webhook_silence(session)
    if silence:
        items.append(Notice(sentence=str(silence)))
    aside = count_set_aside_events(session)
    if aside:
        many, need = _many(aside), "event needs" if aside == 1 else "events need"
        items.append(
            Notice(
                sentence=f"{many} Stripe {need} your decision.",
                link="Review it." if aside == 1 else "Review them.",
                href="/finance/set-aside",
                here="set-aside",
                count=many,
            )
        )
    refused = unseen_refusals(session, now)
    if refused:
        items.append(
            Notice(
                sentence=f"Stripe refused {_requests(len(refused))} in the past two weeks.",
                link="Read Stripe’s reasons.",
                href="/finance/refused",
                here="refused",
            )
        )
    return items + _about_money(session) + _about_letters(session, now)


def _about_money(session: Session) -> list[Notice]:
    """Return the notices about inquiries, disputes and failed refunds."""
    items = []
    inquiries = gifts_with_inquiries(session)
    if inquiries:
        many = "A donor’s bank has sent an inquiry about a payment"
        if len(inquiries) > 1:
            many = f"Donors’ banks have sent inquiries about {_many(len(inquiries))} payments"
        items.append(_about_a_gift(f"{many}. Answer in Stripe before the deadline.", inquiries))
    disputed = disputed_gifts(session)
    if disputed:
        many = "A donor’s bank has disputed a payment"
        if len(disputed) > 1:
            many = f"Donors’ banks have disputed {_many(len(disputed))} payments"
        answer = "Answer in Stripe before the deadline, if you haven’t yet."
        items.append(_about_a_gift(f"{many}. {answer}", disputed))
    failed = gifts_with_failed_refunds(session)
    if failed:
        many = "A refund" if len(failed) == 1 else f"{_many(len(failed))} refunds"
        items.append(_about_a_gift(f"{many} failed. The money came back to us.", failed))
    return items


def _about_a_gift(sentence: str, gifts: Sequence[uuid.UUID]) -> Notice:
    link = "Open the gift." if len(gifts) == 1 else "Open the oldest."
    return Notice(sentence, link, href=f"/finance/gifts/{gifts[0]}", about_gifts=True)


def gifts_with_inquiries(session: Session) -> Sequence[uuid.UUID]:
    """Return the gifts about which a bank waits for our answer, oldest inquiry first."""
    return _gifts_with(session, FactKind.INQUIRY_OPENED, unless=_INQUIRY_IS_OVER)


def disputed_gifts(session: Session) -> Sequence[uuid.UUID]:
    """Return the gifts whose money a bank holds in a dispute, oldest gift first."""
    disputed = select(Gift.id).where(Gift.status == StatusName.DISPUTED)
    oldest_first = disputed.order_by(col(Gift.opened_at), col(Gift.id))
    return session.exec(oldest_first.limit(MOST_COUNTED)).all()


def gifts_with_failed_refunds(session: Session) -> Sequence[uuid.UUID]:
    """Return the gifts with a failed refund that staff have not resolved, oldest failure first."""
    return _gifts_with(session, FactKind.REFUND_FAILED, unless=[FactKind.REFUND_FOLLOWED_UP])


def _gifts_with(
    session: Session, kind: FactKind, *, unless: Sequence[FactKind]
) -> Sequence[uuid.UUID]:
    """Return the gifts with a fact of `kind` that no other fact has closed, oldest first.

    `unless` contains the kinds of fact that close such a fact.
    """
    other = aliased(GiftFact)
    is_closed = (
        select(other.id)
        .where(
            col(other.gift_id) == col(GiftFact.gift_id),
            col(other.kind).in_(unless),
            # Later rounds of a dispute add a number to its id: `dp_1`, then `dp_1:2`.
            (col(other.source_id) == col(GiftFact.source_id))
            | col(other.source_id).startswith(col(GiftFact.source_id).concat(":")),
        )
        .exists()
    )
    statement = select(GiftFact.gift_id).where(GiftFact.kind == kind, ~is_closed)
    return session.exec(statement.order_by(col(GiftFact.id)).limit(MOST_COUNTED)).all()


def _about_letters(session: Session, now: datetime) -> list[Notice]:
    items = []
    if desk.is_mail_late(session, now):
        items.append(
            Notice(sentence="E-mails are delayed. The mail server hasn’t accepted any for an hour.")
        )
    unsent = desk.count_failed_letters(session, most=MOST_COUNTED)
    if unsent:
        what = "e-mail to a donor" if unsent == 1 else "e-mails to donors"
        items.append(
            Notice(
                sentence=f"{_many(unsent)} {what} could not be sent.",
                link="Review it." if unsent == 1 else "Review them.",
                href="/finance/letters",
                here="letters",
            )
        )
    return items


def _requests(count: int) -> str:
    if count >= MOST_REFUSALS:
        return f"{MOST_REFUSALS} requests or more"
    return "a request" if count == 1 else f"{count} requests"


def _many(count: int) -> str:
    return "999+" if count >= MOST_COUNTED else str(count)


def count_set_aside_events(session: Session) -> int:
    """Return how many events staff have to decide about, counting up to MOST_COUNTED.

    Dismissed events are not counted.
    """
    aside = select(StripeEvent.id).where(col(StripeEvent.state) == EventState.SET_ASIDE)
    limited = aside.limit(MOST_COUNTED).subquery()
    return session.exec(select(func.count()).select_from(limited)).one()
