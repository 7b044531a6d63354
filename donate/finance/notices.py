"""The notices at the top of every staff page."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, func, select

from donate.finance.breaker.words import breaker_sentence
from donate.finance.stripe_refusals import SHOWN as MOST_REFUSALS, unseen_refusals
from donate.gifts.queries import disputed_gifts, gifts_with_failed_refunds, gifts_with_inquiries
from donate.letters import desk
from donate.letters.held import count_held_letters
from donate.outbound_webhooks.desk import receivers_in_trouble
from donate.stripe_gateway.balance.unexpected import has_conversions, unexpected_names
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.health import Silence, webhook_silence
from donate.web.templating import Localizer

# Every staff page counts the items behind the notices. Counting stops at this number, to stay fast.
MOST_COUNTED: Final = 1_000
_BALANCE_NEWS_FOR: Final = timedelta(days=14)


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
    attack = breaker_sentence(session, _)
    if attack:
        link = _("See the log.")
        items.append(Notice(attack, link, href="/finance/breaker", here="breaker"))
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
    return [
        *items,
        *_about_money(session, now, _),
        *_about_letters(session, now, _),
        *_about_webhooks(session, now, _),
    ]


def _about_money(session: Session, now: datetime, _: Localizer) -> list[Notice]:
    """Return the notices about inquiries, disputes, failed refunds, and Stripe's balance."""
    items = _about_balance(session, now, _)
    inquiries = gifts_with_inquiries(session, most=MOST_COUNTED)
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
    disputed = disputed_gifts(session, most=MOST_COUNTED)
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
    failed = gifts_with_failed_refunds(session, most=MOST_COUNTED)
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


def _about_balance(session: Session, now: datetime, _: Localizer) -> list[Notice]:
    since = now - _BALANCE_NEWS_FOR
    names = unexpected_names(session, since)
    if has_conversions(session, since):
        names.append(_("money that Stripe converted into another currency"))
    if not names:
        return []
    sentence = _(
        "In the past two weeks, Stripe’s balance had something unexpected: %(names)s. Ask your "
        "accountant where it belongs.",
        names=", ".join(names),
    )
    return [Notice(sentence, _("See the books."), href="/finance/books", here="books")]


def _about_a_gift(sentence: str, gifts: Sequence[uuid.UUID], _: Localizer) -> Notice:
    link = _.ngettext("Open the gift.", "Open the oldest.", len(gifts))
    return Notice(sentence, link, href=f"/finance/gifts/{gifts[0]}", about_gifts=True)


# Every staff page runs this statement. Building it each time would take longer than running it.
_SET_ASIDE: Final = (
    select(StripeEvent.id).where(StripeEvent.state == EventState.SET_ASIDE).limit(MOST_COUNTED)
)
_COUNT_SET_ASIDE: Final = select(func.count()).select_from(_SET_ASIDE.subquery())


def _about_letters(session: Session, now: datetime, _: Localizer) -> list[Notice]:
    items = []
    if desk.is_mail_late(session, now):
        late = _("E-mails are delayed. The mail server hasn’t accepted any for an hour.")
        items.append(Notice(sentence=late))
    held = count_held_letters(session, most=MOST_COUNTED)
    if held:
        count = _many(held, _)
        sentence = _.ngettext(
            "%(count)s e-mail is held back because strangers may have caused it.",
            "%(count)s e-mails are held back because strangers may have caused them.",
            held,
            count=count,
        )
        link = _.ngettext("Decide about it.", "Decide about them.", held)
        items.append(Notice(sentence, link, href="/finance/letters", here="letters"))
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


def _about_webhooks(session: Session, now: datetime, _: Localizer) -> list[Notice]:
    troubled = receivers_in_trouble(session, now, most=MOST_COUNTED)
    if not troubled:
        return []
    count = _many(len(troubled), _)
    return [
        Notice(
            sentence=_.ngettext(
                "A program doesn’t accept our webhooks.",
                "%(count)s programs don’t accept our webhooks.",
                len(troubled),
                count=count,
            ),
            link=_.ngettext("Look into it.", "Look into them.", len(troubled)),
            href="/finance/webhooks",
            here="webhooks",
            count=count,
        )
    ]


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
    return session.scalars(_COUNT_SET_ASIDE).one()
