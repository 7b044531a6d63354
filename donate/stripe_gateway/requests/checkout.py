"""Opens a checkout session for a gift in three beats: write the intent, ask, write the answer.

No transaction is open while Stripe is asked. Killed between any two beats, the next try finds the
intent, asks with the same key and the same parameters, and gets the same session.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlmodel import Session, col, select

from donate.clock import Clock
from donate.errors import (
    N_,
    Conflict,
    NotFound,
    StripeKeyRefused,
    StripeRefused,
    StripeUnavailable,
)
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import donor_of, facts_of
from donate.gifts.status import STILL_PAYABLE
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.client import OpenedSession, StripeClient
from donate.stripe_gateway.models import OpenCheckout
from donate.stripe_gateway.requests.checkout_params import SESSION_LIFE, session_params

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

# Stripe remembers a key for at least 24 hours. After this an unanswered request starts anew.
INTENT_LIFE: Final = timedelta(hours=22)
# A session about to expire is not worth sending anyone to.
_WORTH_OPENING: Final = timedelta(minutes=2)
# When to ask Stripe about a session nobody told us the end of, after it was opened.
ASK_AFTER: Final = (timedelta(minutes=3), timedelta(minutes=15), timedelta(hours=2))
_MOST_ATTEMPTS: Final = 20


class Checkouts:
    """Checkout sessions for gifts."""

    def __init__(
        self, database: Database, client: StripeClient, clock: Clock, public_url: str
    ) -> None:
        self._database = database
        self._client = client
        self._clock = clock
        self._public_url = public_url

    def open_for(self, gift: Gift, language: str = "") -> str:
        """Return the address of a session in which this gift can be paid; at most one is open.

        Stripe's page is in `language` where one is given: a session in another one is expired
        first, and a new one opened.

        Raises Conflict when there is nothing left to pay, StripeUnavailable and its kin when
        Stripe gives no usable answer. The gift is recorded either way.
        """
        found = self._open(gift, language or gift.language)
        if language and found.language != language:
            self._expire(gift, found.session_id)
            found = self._open(gift, language)
        return found.url

    def _open(self, gift: Gift, wanted: str) -> "_Open":
        """Return the open session, whatever its language; where there is none, open the wanted."""
        now = self._clock.now()
        with self._database.writing() as session:
            # Locked, so that of two requests at once the second finds the first one's intent.
            fresh = session.get(Gift, gift.id, with_for_update=True)
            if fresh is None:
                raise NotFound("no such gift")
            if fresh.pledge_id not in (None, fresh.id):
                raise Conflict(N_("This month is collected by itself; there is nothing to do."))
            if fresh.status not in STILL_PAYABLE:
                raise Conflict(N_("This gift is already paid, or its payment is under way."))
            facts = facts_of(session, gift.id)
            still_open = _still_open(session, gift, facts, now)
            if still_open:
                return still_open
            attempt, asked_at, language = _intent(session, gift, facts, now, wanted)
            donor = donor_of(session, gift)
            params = session_params(
                gift, donor, attempt, asked_at, self._public_url, language=language
            )
        source = f"{gift.id}:{attempt}"
        try:
            opened = self._ask(params, f"donate-{source}")
        except (StripeRefused, StripeKeyRefused) as refused:
            self._remember(gift, _refused(source, refused, self._clock.now()))
            raise
        self._remember(
            gift, _opened(opened.session_id, attempt, self._clock.now()), opened, asked_at
        )
        return _Open(opened.session_id, opened.url, language)

    def _expire(self, gift: Gift, session_id: str) -> None:
        """Make sure that nobody can pay in a session any more.

        Raises Conflict where somebody has paid in it, and as every call to Stripe does: then no
        other session may be opened.
        """
        try:
            found = self._client.expire_session(session_id)
        except StripeRefused:
            found = self._client.retrieve_session(session_id)
        if found.get("status") == "complete":
            raise Conflict(N_("This gift is already paid, or its payment is under way."))
        if found.get("status") != "expired":
            raise StripeUnavailable("a session did not expire")
        self._remember(
            gift, Fact(FactKind.CHECKOUT_EXPIRED, session_id, self._clock.now(), "stripe")
        )

    def _ask(self, params: "SessionCreateParams", key: str) -> OpenedSession:
        """Ask for a session; once more without the address where Stripe takes it for none.

        The donor then types one on Stripe's page. Another request needs another key.
        """
        try:
            return self._client.create_session(params, key)
        except StripeRefused as refused:
            if refused.param != "customer_email" or refused.may_have_acted:
                raise
        without = params.copy()
        del without["customer_email"]
        return self._client.create_session(without, f"{key}-without-email")

    def _remember(
        self,
        gift: Gift,
        fact: Fact,
        opened: OpenedSession | None = None,
        asked_at: datetime | None = None,
    ) -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            record_facts(session, [(gift.id, fact)], now=now)
            if opened and asked_at:
                row = {
                    "session_id": opened.session_id,
                    "gift_id": gift.id,
                    "url": opened.url,
                    "opened_at": now,
                    "expires_at": asked_at + SESSION_LIFE,
                    "ask_at": now + ASK_AFTER[0],
                }
                insert_new(session, OpenCheckout, [row])


@dataclass(frozen=True, slots=True)
class _Open:
    """A session in which the gift can be paid, and the language of its page."""

    session_id: str
    url: str
    language: str


def _still_open(session: Session, gift: Gift, facts: list[GiftFact], now: datetime) -> _Open | None:
    over = {
        f.source_id for f in facts if f.kind in (FactKind.CHECKOUT_EXPIRED, FactKind.PAYMENT_FAILED)
    }
    statement = (
        select(OpenCheckout)
        .where(OpenCheckout.gift_id == gift.id, OpenCheckout.expires_at > now + _WORTH_OPENING)
        .order_by(col(OpenCheckout.opened_at).desc())
    )
    row = next((row for row in session.exec(statement) if row.session_id not in over), None)
    if row is None:
        return None
    return _Open(row.session_id, row.url, _language_of(row.session_id, gift, facts))


def _language_of(session_id: str, gift: Gift, facts: list[GiftFact]) -> str:
    """Return the language in which a session was asked for."""
    attempts = {
        fact.source_id: fact.evidence.get("attempt")
        for fact in facts
        if fact.kind == FactKind.CHECKOUT_OPENED
    }
    requested = (
        fact
        for fact in facts
        if fact.kind == FactKind.CHECKOUT_REQUESTED
        and fact.evidence["attempt"] == attempts.get(session_id)
    )
    return next((_asked_in(fact, gift) for fact in requested), gift.language)


def _asked_in(requested: GiftFact, gift: Gift) -> str:
    return str(requested.evidence.get("language", gift.language))


def _intent(
    session: Session, gift: Gift, facts: list[GiftFact], now: datetime, wanted: str
) -> tuple[int, datetime, str]:
    """Return the attempt to make, when it was meant and in which language.

    That is the unanswered one, or a new one.
    """
    answered = {
        fact.evidence.get("attempt")
        for fact in facts
        if fact.kind in (FactKind.CHECKOUT_OPENED, FactKind.CHECKOUT_REFUSED)
    }
    requested = {
        fact.evidence["attempt"]: fact for fact in facts if fact.kind == FactKind.CHECKOUT_REQUESTED
    }
    for attempt, meant in requested.items():
        if attempt not in answered and now - meant.happened_at < INTENT_LIFE:
            return attempt, meant.happened_at, _asked_in(meant, gift)
    attempt = len(requested) + 1
    if attempt > _MOST_ATTEMPTS:
        raise Conflict(N_("Too many tries for this gift. Please begin again."))
    fact = Fact(
        kind=FactKind.CHECKOUT_REQUESTED,
        source_id=f"{gift.id}:{attempt}",
        happened_at=now,
        actor="donor",
        evidence={"attempt": attempt, "language": wanted},
    )
    record_facts(session, [(gift.id, fact)], now=now)
    return attempt, now, wanted


def _opened(session_id: str, attempt: int, now: datetime) -> Fact:
    return Fact(
        kind=FactKind.CHECKOUT_OPENED,
        source_id=session_id,
        happened_at=now,
        actor="stripe",
        evidence={"attempt": attempt},
    )


def _refused(source: str, refused: StripeRefused | StripeKeyRefused, now: datetime) -> Fact:
    return Fact(
        kind=FactKind.CHECKOUT_REFUSED,
        source_id=source,
        happened_at=now,
        actor="stripe",
        evidence={
            "attempt": int(source.rpartition(":")[2]),
            "reason": str(refused),
            **refused.told,
        },
    )
