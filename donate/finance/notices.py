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
from donate.stripe_gateway.webhooks.health import Silence, webhook_silence
from donate.web.templating import Localizer

# Every staff page counts the items behind the notices. Counting stops at this number, to stay fast.
MOST_COUNTED: Final = 1_000
# An inquiry is over once one of these facts is recorded. A dispute ends it by replacing it.
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

    `href` and `link` are empty if there is no such page. `here` is the name of that page. The
    notice is not shown on that page itself, and the navigation shows `count` beside its name. If
    `about_gifts` is true, the overview lists the gifts instead of the notice.
    """

    sentence: str
    link: str = ""
    href: str = ""
    here: str = ""
    count: str = ""
    about_gifts: bool = False


def notices(session: Session, now: datetime, language: str) -> list[Notice]:
    """Return the current notices, in the given language, most urgent first."""
    _, items = Localizer(language), []
    silence = webhook_silence(session)
    if silence:
        items.append(Notice(sentence=silence_sentence(silence, _)))
    aside = count_set_aside_events(session)
    if aside:
        count = _many(aside, _)
        items.append(
            Notice(
                sentence=_.ngettext(
                    "%(count)s Stripe event needs your decision.",
                    "%(count)s Stripe events need your decision.",
                    aside,
                    count=count,
                ),
                link=_.ngettext("Review it.", "Review them.", aside),
                href="/finance/set-aside",
                here="set-aside",
                count=count,
            )
        )
    refused = unseen_refusals(session, now)
    if refused:
        count = _at_most(len(refused), MOST_REFUSALS, _)
        items.append(
            Notice(
                sentence=_.ngettext(
                    "Stripe refused a request in the past two weeks.",
                    "Stripe refused %(count)s requests in the past two weeks.",
                    len(refused),
                    count=count,
                ),
                link=_("Read Stripe’s reasons."),
                href="/finance/refused",
                here="refused",
            )
        )
    return items + _about_money(session, _) + _about_letters(session, now, _)


def _about_money(session: Session, _: Localizer) -> list[Notice]:
    """Return the notices about inquiries, disputes and failed refunds."""
    items = []
    inquiries = gifts_with_inquiries(session)
    if inquiries:
        count = _many(len(inquiries), _)
        sentence = _.ngettext(
            "A donor’s bank has sent an inquiry about a payment. Answer in Stripe before the "
            "deadline.",
            "Donors’ banks have sent inquiries about %(count)s payments. Answer in Stripe before "
            "the deadline.",
            len(inquiries),
            count=count,
        )
        items.append(_about_a_gift(sentence, inquiries, _))
    disputed = disputed_gifts(session)
    if disputed:
        count = _many(len(disputed), _)
        sentence = _.ngettext(
            "A donor’s bank has disputed a payment. Answer in Stripe before the deadline, if you "
            "haven’t yet.",
            "Donors’ banks have disputed %(count)s payments. Answer in Stripe before the "
            "deadline, if you haven’t yet.",
            len(disputed),
            count=count,
        )
        items.append(_about_a_gift(sentence, disputed, _))
    failed = gifts_with_failed_refunds(session)
    if failed:
        count = _many(len(failed), _)
        sentence = _.ngettext(
            "A refund failed. The money came back to us.",
            "%(count)s refunds failed. The money came back to us.",
            len(failed),
            count=count,
        )
        items.append(_about_a_gift(sentence, failed, _))
    return items


def _about_a_gift(sentence: str, gifts: Sequence[uuid.UUID], _: Localizer) -> Notice:
    link = _.ngettext("Open the gift.", "Open the oldest.", len(gifts))
    return Notice(sentence, link, href=f"/finance/gifts/{gifts[0]}", about_gifts=True)


def gifts_with_inquiries(session: Session) -> Sequence[uuid.UUID]:
    """Return the gifts with a bank inquiry that we have to answer, oldest inquiry first."""
    return _gifts_with(session, FactKind.INQUIRY_OPENED, unless=_INQUIRY_IS_OVER)


def disputed_gifts(session: Session) -> Sequence[uuid.UUID]:
    """Return the gifts with an open dispute, in which a bank holds the money, oldest gift first."""
    disputed = select(Gift.id).where(Gift.status == StatusName.DISPUTED)
    oldest_first = disputed.order_by(col(Gift.opened_at), col(Gift.id))
    return session.exec(oldest_first.limit(MOST_COUNTED)).all()


def gifts_with_failed_refunds(session: Session) -> Sequence[uuid.UUID]:
    """Return the gifts with a failed refund that staff have not handled, oldest first."""
    return _gifts_with(session, FactKind.REFUND_FAILED, unless=[FactKind.REFUND_FOLLOWED_UP])


def _gifts_with(
    session: Session, kind: FactKind, *, unless: Sequence[FactKind]
) -> Sequence[uuid.UUID]:
    """Return the gifts with an open fact of `kind`, oldest first.

    A fact is open until a fact of one of the kinds in `unless` closes it.
    """
    other = aliased(GiftFact)
    is_closed = (
        select(other.id)
        .where(
            col(other.gift_id) == col(GiftFact.gift_id),
            col(other.kind).in_(unless),
            # The later rounds of a dispute have a number after its id: `dp_1`, then `dp_1:2`.
            (col(other.source_id) == col(GiftFact.source_id))
            | col(other.source_id).startswith(col(GiftFact.source_id).concat(":")),
        )
        .exists()
    )
    statement = select(GiftFact.gift_id).where(GiftFact.kind == kind, ~is_closed)
    return session.exec(statement.order_by(col(GiftFact.id)).limit(MOST_COUNTED)).all()


def _about_letters(session: Session, now: datetime, _: Localizer) -> list[Notice]:
    items = []
    if desk.is_mail_late(session, now):
        late = _("E-mails are delayed. The mail server hasn’t accepted any for an hour.")
        items.append(Notice(sentence=late))
    unsent = desk.count_failed_letters(session, most=MOST_COUNTED)
    if unsent:
        count = _many(unsent, _)
        items.append(
            Notice(
                sentence=_.ngettext(
                    "%(count)s e-mail to a donor could not be sent.",
                    "%(count)s e-mails to donors could not be sent.",
                    unsent,
                    count=count,
                ),
                link=_.ngettext("Review it.", "Review them.", unsent),
                href="/finance/letters",
                here="letters",
            )
        )
    return items


def silence_sentence(silence: Silence, _: Localizer) -> str:
    """Return a sentence that says since when no webhooks have arrived, and what to do about it."""
    missed_at = _.moment(silence.missed_at, "UTC")
    if silence.last_at is None:
        return _(
            "None of Stripe’s webhooks has arrived yet, and Stripe lists events up to "
            "%(missed_at)s UTC. Catch-up fetches the gifts instead. Ask the person who looks "
            "after the endpoint to see what Stripe says about it, under Developers, Webhooks.",
            missed_at=missed_at,
        )
    return _(
        "Stripe’s webhooks stopped arriving on %(last_at)s UTC, and Stripe lists events up to "
        "%(missed_at)s UTC. Catch-up fetches the gifts instead. Ask the person who looks after "
        "the endpoint to see what Stripe says about it, under Developers, Webhooks.",
        last_at=_.moment(silence.last_at, "UTC"),
        missed_at=missed_at,
    )


def _many(count: int, _: Localizer) -> str:
    return _at_most(count, MOST_COUNTED, _)


def _at_most(count: int, most: int, _: Localizer) -> str:
    """Return a count as text.

    If it is `most` or more, return `most` less one and a plus: `999+`.
    """
    return f"{_.number(most - 1)}+" if count >= most else _.number(count)


def count_set_aside_events(session: Session) -> int:
    """Return how many events staff still have to decide about, at most MOST_COUNTED.

    Dismissed events are not counted.
    """
    aside = select(StripeEvent.id).where(col(StripeEvent.state) == EventState.SET_ASIDE)
    limited = aside.limit(MOST_COUNTED).subquery()
    return session.exec(select(func.count()).select_from(limited)).one()
