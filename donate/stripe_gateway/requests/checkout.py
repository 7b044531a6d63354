"""Opens a checkout session for a gift in three steps: record, ask Stripe, record the answer.

No database transaction is open during the call to Stripe. If the process dies between two steps,
the next call finds the recorded request, sends it with the same idempotency key and parameters, and
gets the same session.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlmodel import Session, col, select

from donate.clock import Clock
from donate.errors import (
    N_,
    Conflict,
    NotCounted,
    NotFound,
    StripeKeyRefused,
    StripeRefused,
    StripeUnavailable,
)
from donate.gifts.evidence import refusal_evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift
from donate.gifts.queries import donor_of, plain_facts_of
from donate.gifts.status import STILL_PAYABLE
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.client import OpenedSession, StripeClient
from donate.stripe_gateway.models import OpenCheckout
from donate.stripe_gateway.requests.checkout_params import SESSION_LIFE, session_params
from donate.trust.secret_cipher import SecretCipher

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

# Don't retry a request that is older than this: make a new one. Stripe keeps an idempotency key for
# at least 24 hours.
REQUEST_LIFE: Final = timedelta(hours=22)
# Send a donor to an open session only if it stays open for at least this time.
_MIN_REMAINING: Final = timedelta(minutes=2)
# How long after opening a session the worker asks Stripe about it, if no final event has arrived.
ASK_AFTER: Final = (timedelta(minutes=3), timedelta(minutes=15), timedelta(hours=2))
_MAX_ATTEMPTS: Final = 20


class Checkouts:
    """Opens checkout sessions for gifts.

    `charity_of` returns the organisation's name on Stripe's page, for a giving code and a language.
    """

    def __init__(
        self,
        database: Database,
        client: StripeClient,
        clock: Clock,
        links: GiftLinks,
        *,
        cipher: SecretCipher,
        charity_of: Callable[[str, str], str] = lambda _code, _language: "",
    ) -> None:
        self._charity_of = charity_of
        self._database = database
        self._client = client
        self._clock = clock
        self._links = links
        self._cipher = cipher

    def open_for(self, gift: Gift, language: str = "", *, is_counted: bool = True) -> str:
        """Return the URL of a session in which this gift can be paid. At most one session is open.

        With `language`, expire an open session whose page is in another language, and open a new
        one.

        Raises Conflict when there is nothing left to pay, and StripeUnavailable or a related error
        when Stripe gives no usable answer. The gift is recorded in either case. Raises NotCounted
        if `is_counted` is false and this needs a session beyond those that were requested before.
        """
        checkout = self._open(gift, language or gift.language, is_counted=is_counted)
        if checkout.url is None or (language and checkout.language != language):
            if not is_counted:
                raise NotCounted("another session is needed")
            self._expire(gift, checkout.session_id)
            checkout = self._open(gift, language or gift.language)
        if checkout.url is None:
            raise StripeUnavailable("another request has just opened a session")
        return checkout.url

    def _open(self, gift: Gift, new_language: str, *, is_counted: bool = True) -> "_OpenSession":
        """Return the open session in any language. If none is open, open one in `new_language`."""
        now = self._clock.now()
        with self._database.writing() as session:
            # Lock the gift. If two calls run at the same time, the second one then finds the
            # request that the first one recorded.
            locked = session.get(Gift, gift.id, with_for_update=True)
            if locked is None:
                raise NotFound("no such gift")
            if locked.pledge_id not in (None, locked.id):
                raise Conflict(
                    N_("This gift is collected automatically. You don’t need to do anything.")
                )
            if locked.status not in STILL_PAYABLE:
                raise Conflict(
                    N_("You’ve already made this payment, or it’s still being processed.")
                )
            facts = plain_facts_of(session, gift.id)
            open_session = _open_session(session, gift, facts, now, self._cipher)
            if open_session:
                return open_session
            attempt, requested_at, language = _attempt_to_make(
                session, gift, facts, now, new_language, is_counted=is_counted
            )
            donor = donor_of(session, gift)
            params = session_params(
                gift,
                donor,
                attempt,
                requested_at,
                self._links.page(gift),
                language=language,
                charity=self._charity_of(gift.code, language),
            )
        source = f"{gift.id}:{attempt}"
        try:
            opened = self._ask(params, f"donate-{source}")
        except (StripeRefused, StripeKeyRefused) as refused:
            self._remember(gift, _refused_fact(source, refused, self._clock.now()))
            raise
        self._remember(
            gift, _opened_fact(opened.session_id, attempt, self._clock.now()), opened, requested_at
        )
        return _OpenSession(opened.session_id, opened.url, language)

    def _expire(self, gift: Gift, session_id: str) -> None:
        """Expire a session, so that it can no longer be paid.

        Raises Conflict if it is already paid, and StripeUnavailable or a related error if Stripe
        gives no usable answer. In either case, don't open another session.
        """
        try:
            checkout = self._client.expire_session(session_id)
        except StripeRefused:
            checkout = self._client.retrieve_session(session_id)
        if checkout.get("status") == "complete":
            raise Conflict(N_("You’ve already made this payment, or it’s still being processed."))
        if checkout.get("status") != "expired":
            raise StripeUnavailable("a session did not expire")
        self._remember(
            gift, Fact(FactKind.CHECKOUT_EXPIRED, session_id, self._clock.now(), "stripe")
        )

    def _ask(self, params: "SessionCreateParams", key: str) -> OpenedSession:
        """Request a session. If Stripe rejects the donor's e-mail address, request one without it.

        The donor then types an address on Stripe's page. Different parameters need a different key.
        """
        try:
            return self._client.create_session(params, key)
        except StripeRefused as refused:
            if refused.param != "customer_email" or refused.may_have_acted:
                raise
        without_email = params.copy()
        del without_email["customer_email"]
        return self._client.create_session(without_email, f"{key}-without-email")

    def _remember(
        self,
        gift: Gift,
        fact: Fact,
        opened: OpenedSession | None = None,
        requested_at: datetime | None = None,
    ) -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            record_facts(session, [(gift.id, fact)], now=now)
            if opened and requested_at:
                row = {
                    "session_id": opened.session_id,
                    "gift_id": gift.id,
                    "url": self._cipher.encrypt(opened.url),
                    "opened_at": now,
                    "expires_at": requested_at + SESSION_LIFE,
                    "ask_at": now + ASK_AFTER[0],
                }
                insert_new(session, OpenCheckout, [row])


@dataclass(frozen=True, slots=True)
class _OpenSession:
    """An open session, and the language of its page. `url` is None if no key can decrypt it."""

    session_id: str
    url: str | None
    language: str


def _open_session(
    session: Session, gift: Gift, facts: list[Fact], now: datetime, cipher: SecretCipher
) -> _OpenSession | None:
    ended = {
        f.source_id for f in facts if f.kind in (FactKind.CHECKOUT_EXPIRED, FactKind.PAYMENT_FAILED)
    }
    statement = (
        select(OpenCheckout)
        .where(OpenCheckout.gift_id == gift.id, OpenCheckout.expires_at > now + _MIN_REMAINING)
        .order_by(col(OpenCheckout.opened_at).desc())
    )
    row = next((row for row in session.exec(statement) if row.session_id not in ended), None)
    if row is None:
        return None
    language = _language_of(row.session_id, gift, facts)
    return _OpenSession(row.session_id, cipher.decrypt(row.url), language)


def _language_of(session_id: str, gift: Gift, facts: list[Fact]) -> str:
    """Return the language in which a session was requested."""
    attempts = {
        fact.source_id: fact.attempt for fact in facts if fact.kind == FactKind.CHECKOUT_OPENED
    }
    requests = (
        fact
        for fact in facts
        if fact.kind == FactKind.CHECKOUT_REQUESTED and fact.attempt == attempts.get(session_id)
    )
    return next((_request_language(fact, gift) for fact in requests), gift.language)


def _request_language(request: Fact, gift: Gift) -> str:
    return request.language or gift.language


def _attempt_to_make(
    session: Session,
    gift: Gift,
    facts: list[Fact],
    now: datetime,
    language: str,
    *,
    is_counted: bool,
) -> tuple[int, datetime, str]:
    """Return the number, request time and language of the next attempt to open a session.

    If an earlier request got no answer, it is repeated. Otherwise a new request is recorded. The
    first request was counted when the gift was opened. Raises NotCounted for others that were not.
    """
    answered = {
        fact.attempt
        for fact in facts
        if fact.kind in (FactKind.CHECKOUT_OPENED, FactKind.CHECKOUT_REFUSED)
    }
    requests = {
        fact.attempt: fact
        for fact in facts
        if fact.kind == FactKind.CHECKOUT_REQUESTED and fact.attempt is not None
    }
    for attempt, request in requests.items():
        if attempt not in answered and now - request.happened_at < REQUEST_LIFE:
            return attempt, request.happened_at, _request_language(request, gift)
    attempt = len(requests) + 1
    if attempt > 1 and not is_counted:
        raise NotCounted("another session is needed")
    if attempt > _MAX_ATTEMPTS:
        raise Conflict(N_("Too many attempts for this gift. Please start a new gift."))
    fact = Fact(
        kind=FactKind.CHECKOUT_REQUESTED,
        source_id=f"{gift.id}:{attempt}",
        happened_at=now,
        actor="donor",
        evidence={"attempt": attempt, "language": language},
    )
    record_facts(session, [(gift.id, fact)], now=now)
    return attempt, now, language


def _opened_fact(session_id: str, attempt: int, now: datetime) -> Fact:
    return Fact(
        kind=FactKind.CHECKOUT_OPENED,
        source_id=session_id,
        happened_at=now,
        actor="stripe",
        evidence={"attempt": attempt},
    )


def _refused_fact(source: str, refused: StripeRefused | StripeKeyRefused, now: datetime) -> Fact:
    return Fact(
        kind=FactKind.CHECKOUT_REFUSED,
        source_id=source,
        happened_at=now,
        actor="stripe",
        evidence=refusal_evidence(
            refused.told, attempt=int(source.rpartition(":")[2]), reason=str(refused)
        ),
    )
