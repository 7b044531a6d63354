"""The forms with which admins add a program that gets webhooks, change it and send to it."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, read_day, start_of_day
from donate.errors import N_, BadInput, BadInputs, Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.monthly.forms import form_key_of
from donate.finance.roles import Role
from donate.finance.webhooks.receiver_form import read_receiver_form
from donate.finance.webhooks.receiver_pages import (
    NO_KEY,
    WEBHOOKS,
    ReceiverPages,
    WebhookOptions,
    number_in,
)
from donate.outbound_webhooks.models import WebhookReceiver
from donate.outbound_webhooks.receivers import (
    ReceiverTerms,
    add_receiver,
    change_receiver,
    disable_receiver,
    dismiss_failed,
    enable_receiver,
    lock_receiver,
    queue_test,
    receiver_of_form,
    replay_delivery,
    replay_failed,
    rotate_secret,
)
from donate.outbound_webhooks.signing import new_secret
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher

Act = Callable[[Session, WebhookReceiver], str]
"""A function that changes a locked receiver. Returns the key of the sentence to show then."""


class ReceiverChangePages:
    """The forms about programs that get webhooks. Each form adds a trail entry."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        time_zone: str,
        pages: ReceiverPages,
        *,
        options: WebhookOptions,
    ) -> None:
        self._database = database
        self._clock = clock
        self._time_zone = time_zone
        self._pages = pages
        self._options = options

    @needs(Role.ADMIN)
    def added(self, visit: Visiting) -> Response:
        """Add a program and show its secret, once. A double click adds it only once."""
        secret = new_secret()
        try:
            terms = self._read(visit)
            encrypted, form_key = self._cipher().encrypt(secret), form_key_of(visit.form)
            with self._database.writing() as session:
                receiver = receiver_of_form(session, form_key)
                is_known = receiver is not None
                if receiver is None:
                    now = self._clock.now()
                    receiver = add_receiver(session, terms, encrypted, form_key, now=now)
                    self._record(visit, session, "webhook_added", receiver, _detail_of(terms))
                    self._record_donor(visit, session, receiver, before=False)
        except BadInputs as bad:
            return self._pages.answer_form(visit, _by_field(bad), status_code=422)
        except Conflict as conflict:
            return self._pages.answer_form(visit, {}, conflict=conflict, status_code=409)
        if is_known:
            return RedirectResponse(f"{WEBHOOKS}/{receiver.id}?done=known", 303)
        return self._show_secret(visit, receiver, secret, is_new=True)

    @needs(Role.ADMIN)
    def changed(self, number: str, visit: Visiting) -> Response:
        """Change a program's address, description or events, or whether it gets donors' data."""

        def change(session: Session, receiver: WebhookReceiver) -> str:
            terms, before = self._read(visit), receiver.with_donor
            change_receiver(session, receiver, terms, now=self._clock.now())
            self._record(visit, session, "webhook_changed", receiver, _detail_of(terms))
            self._record_donor(visit, session, receiver, before=before)
            return "changed"

        return self._act(visit, number, change)

    @needs(Role.ADMIN)
    def rotated(self, number: str, visit: Visiting) -> Response:
        """Make a new signing secret and show it, once. Webhooks have both signatures for a day."""
        secret = new_secret()
        try:
            encrypted = self._cipher().encrypt(secret)
            with self._database.writing() as session:
                receiver = self._lock(session, visit, number)
                rotate_secret(receiver, encrypted, now=self._clock.now())
                self._record(visit, session, "webhook_secret_replaced", receiver)
        except Conflict as conflict:
            return self._pages.answer_receiver(visit, number, conflict=conflict)
        return self._show_secret(visit, receiver, secret, is_new=False)

    @needs(Role.ADMIN)
    def disabled(self, number: str, visit: Visiting) -> Response:
        """Switch a program off."""

        def disable(session: Session, receiver: WebhookReceiver) -> str:
            disable_receiver(receiver, now=self._clock.now())
            self._record(visit, session, "webhook_disabled", receiver)
            return "disabled"

        return self._act(visit, number, disable)

    @needs(Role.ADMIN)
    def enabled(self, number: str, visit: Visiting) -> Response:
        """Switch a program on again."""

        def enable(session: Session, receiver: WebhookReceiver) -> str:
            enable_receiver(session, receiver, now=self._clock.now())
            self._record(visit, session, "webhook_enabled", receiver)
            return "enabled"

        return self._act(visit, number, enable)

    @needs(Role.ADMIN)
    def tested(self, number: str, visit: Visiting) -> Response:
        """Send a test webhook to a program."""

        def test(session: Session, receiver: WebhookReceiver) -> str:
            queue_test(session, receiver, now=self._clock.now())
            self._record(visit, session, "webhook_tested", receiver)
            return "tested"

        return self._act(visit, number, test)

    @needs(Role.ADMIN)
    def replayed(self, number: str, visit: Visiting) -> Response:
        """Send one webhook again."""

        def replay(session: Session, receiver: WebhookReceiver) -> str:
            chosen = number_in(visit.form.get("delivery", ""))
            delivery = replay_delivery(session, receiver, chosen, now=self._clock.now())
            detail = {"message": delivery.message_id}
            self._record(visit, session, "webhook_replayed", receiver, detail)
            return "replayed"

        return self._act(visit, number, replay)

    @needs(Role.ADMIN)
    def replayed_all(self, number: str, visit: Visiting) -> Response:
        """Send all webhooks again that have failed since the chosen day."""

        def replay(session: Session, receiver: WebhookReceiver) -> str:
            day = read_day(visit.form.get("since", "").strip())
            if day is None:
                raise BadInput("since", N_("Please enter a date such as 2026-03-31."))
            since, now = start_of_day(day, self._time_zone), self._clock.now()
            detail = {"letters": replay_failed(session, receiver, since, now=now)}
            self._record(visit, session, "webhooks_replayed", receiver, detail)
            return "replayed-all"

        return self._act(visit, number, replay)

    @needs(Role.ADMIN)
    def dismissed(self, number: str, visit: Visiting) -> Response:
        """Dismiss the webhooks that have failed."""

        def dismiss(session: Session, receiver: WebhookReceiver) -> str:
            detail = {"letters": dismiss_failed(session, receiver)}
            self._record(visit, session, "webhooks_dismissed", receiver, detail)
            return "dismissed"

        return self._act(visit, number, dismiss)

    def _show_secret(
        self, visit: AllowedRequest, receiver: WebhookReceiver, secret: str, *, is_new: bool
    ) -> Response:
        return self._pages.render(
            visit, "secret.html", receiver=receiver, secret=secret, is_new=is_new
        )

    def _cipher(self) -> SecretCipher:
        if self._options.cipher is None:
            raise Conflict(NO_KEY)
        return self._options.cipher

    def _read(self, visit: AllowedRequest) -> ReceiverTerms:
        return read_receiver_form(visit.form, allows_this_machine=self._options.allows_this_machine)

    def _lock(self, session: Session, visit: AllowedRequest, number: str) -> WebhookReceiver:
        return lock_receiver(session, number_in(number), visit.form.get("version", ""))

    def _act(self, visit: AllowedRequest, number: str, act: Act) -> Response:
        try:
            with self._database.writing() as session:
                done = act(session, self._lock(session, visit, number))
        except (BadInput, BadInputs) as bad:
            return self._pages.answer_receiver(visit, number, problems=_by_field(bad))
        except Conflict as conflict:
            return self._pages.answer_receiver(visit, number, conflict=conflict)
        self._options.on_due()
        return RedirectResponse(f"{WEBHOOKS}/{number_in(number)}?done={done}", 303)

    def _record(
        self,
        visit: AllowedRequest,
        session: Session,
        act: str,
        receiver: WebhookReceiver,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        detail = {"receiver": receiver.id, **(detail or {})}
        now = self._clock.now()
        visit.record(session, act, now=now, about=receiver.description, detail=detail)

    def _record_donor(
        self, visit: AllowedRequest, session: Session, receiver: WebhookReceiver, *, before: bool
    ) -> None:
        """Add a separate trail entry if a program starts or stops getting donors' data."""
        if receiver.with_donor != before:
            act = "webhook_donors_named" if receiver.with_donor else "webhook_donors_left_out"
            self._record(visit, session, act, receiver)


def _by_field(bad: BadInput | BadInputs) -> dict[str, BadInput]:
    return {problem.field: problem for problem in bad.problems}


def _detail_of(terms: ReceiverTerms) -> dict[str, Any]:
    # Leave out the URL's path: it may contain a secret, and trail entries are never deleted.
    return {"host": urlsplit(terms.url).hostname, "events": sorted(terms.events)}
