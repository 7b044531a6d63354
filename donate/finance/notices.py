"""What staff should know on whatever page they are; the frame of every staff page says it."""

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

# Every page counts, so it has to cost the same however many there are.
MOST_COUNTED: Final = 1_000
# Answered, closed, or it has become a chargeback.
_INQUIRY_IS_OVER: Final = (
    FactKind.INQUIRY_ANSWERED,
    FactKind.INQUIRY_CLOSED,
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
    FactKind.DISPUTE_LOST,
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for staff, and the words that lead to the page where they can act.

    `href` and `link` are empty where there is no such page. `here` is what that page calls itself:
    there the notice is left out. `count` stands beside the page in the navigation.
    """

    sentence: str
    link: str = ""
    href: str = ""
    here: str = ""
    count: str = ""


def notices(session: Session, now: datetime) -> list[Notice]:
    """Return what staff should know at `now`, the most urgent first."""
    found = []
    silence = webhook_silence(session)
    if silence:
        found.append(Notice(sentence=str(silence)))
    aside = count_set_aside_events(session)
    if aside:
        many, were = _many(aside), "event was" if aside == 1 else "events were"
        found.append(
            Notice(
                sentence=f"{many} {were} set aside: authentic, but not applied to any gift.",
                link="Look at it." if aside == 1 else "Look at them.",
                href="/finance/set-aside",
                here="set-aside",
                count=many,
            )
        )
    refused = unseen_refusals(session, now)
    if refused:
        found.append(
            Notice(
                sentence=f"Stripe refused {_requests(len(refused))} in the past two weeks.",
                link="Read what it said.",
                href="/finance/refused",
                here="refused",
            )
        )
    return found + _about_money(session) + _about_letters(session, now)


def _about_money(session: Session) -> list[Notice]:
    """Say which banks ask or have taken money back, and which refunds came back to us."""
    found = []
    asked = _gifts_with(session, FactKind.INQUIRY_OPENED, unless=_INQUIRY_IS_OVER)
    if asked:
        many = "A donor’s bank asks about a payment"
        if len(asked) > 1:
            many = f"Donors’ banks ask about {_many(len(asked))} payments"
        found.append(_about_a_gift(f"{many}. Please answer in Stripe before it is due.", asked))
    disputed = session.exec(
        select(Gift.id)
        .where(Gift.status == StatusName.DISPUTED)
        .order_by(col(Gift.opened_at), col(Gift.id))
        .limit(MOST_COUNTED)
    ).all()
    if disputed:
        many = "A donor’s bank has taken a payment back"
        if len(disputed) > 1:
            many = f"Donors’ banks have taken {_many(len(disputed))} payments back"
        answer = "If you have not answered in Stripe yet, please do before it is due."
        found.append(_about_a_gift(f"{many}. {answer}", disputed))
    failed = _gifts_with(session, FactKind.REFUND_FAILED, unless=[FactKind.REFUND_FOLLOWED_UP])
    if failed:
        many = "A refund" if len(failed) == 1 else f"{_many(len(failed))} refunds"
        found.append(_about_a_gift(f"{many} failed, and the money is with us again.", failed))
    return found


def _about_a_gift(sentence: str, gifts: Sequence[uuid.UUID]) -> Notice:
    link = "Look at the gift." if len(gifts) == 1 else "Look at the oldest."
    return Notice(sentence=sentence, link=link, href=f"/finance/gifts/{gifts[0]}")


def _gifts_with(
    session: Session, kind: FactKind, *, unless: Sequence[FactKind]
) -> Sequence[uuid.UUID]:
    """Return the gift of each fact of this kind that no other fact has settled, oldest first."""
    other = aliased(GiftFact)
    settled = (
        select(other.id)
        .where(
            col(other.gift_id) == col(GiftFact.gift_id),
            col(other.kind).in_(unless),
            # A dispute's later rounds are named after it: `dp_1`, then `dp_1:2`.
            (col(other.source_id) == col(GiftFact.source_id))
            | col(other.source_id).startswith(col(GiftFact.source_id).concat(":")),
        )
        .exists()
    )
    statement = select(GiftFact.gift_id).where(GiftFact.kind == kind, ~settled)
    return session.exec(statement.order_by(col(GiftFact.id)).limit(MOST_COUNTED)).all()


def _about_letters(session: Session, now: datetime) -> list[Notice]:
    found = []
    if desk.is_mail_late(session, now):
        found.append(
            Notice(sentence="Letters wait: the mail server has not taken them for an hour.")
        )
    unsent = desk.count_failed_letters(session, most=MOST_COUNTED)
    if unsent:
        could = "letter to a donor" if unsent == 1 else "letters to donors"
        found.append(
            Notice(
                sentence=f"{_many(unsent)} {could} could not be sent.",
                link="Look at it." if unsent == 1 else "Look at them.",
                href="/finance/letters",
                here="letters",
            )
        )
    return found


def _requests(count: int) -> str:
    if count >= MOST_REFUSALS:
        return f"{MOST_REFUSALS} requests or more"
    return "a request" if count == 1 else f"{count} requests"


def _many(count: int) -> str:
    return "999+" if count >= MOST_COUNTED else str(count)


def count_set_aside_events(session: Session) -> int:
    """Return how many events wait for staff to decide; MOST_COUNTED stands for that many or more.

    Those that were dismissed are decided about.
    """
    aside = select(StripeEvent.id).where(col(StripeEvent.state) == EventState.SET_ASIDE)
    some = aside.limit(MOST_COUNTED).subquery()
    return session.exec(select(func.count()).select_from(some)).one()
