"""Sends the one-time links that were requested. No transaction is open while an e-mail is sent.

Storing a request does not wake this job, which looks for requests every second. So the time that
the page takes to answer does not depend on whether we know the address.
"""

import hashlib
import logging
from datetime import datetime
from typing import Final

from sqlalchemy import Delete, delete
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.clock import Backoff, Clock
from donate.donors.own_page.links import begin_link, withdraw_link
from donate.donors.own_page.models import DonorLinkRequest
from donate.donors.own_page.queries import newest_code, profile_of_address
from donate.errors import MailRefused, MailUnavailable
from donate.letters.email_message import Composer, LetterEnvelope
from donate.letters.sending.batches import Carrier, send_batch
from donate.letters.words.own_page import link_to_gifts
from donate.regions.look import Look
from donate.regions.regions import Regions
from donate.storage.claiming import LEASE, claim_due
from donate.storage.database import Database
from donate.web.logs_and_metrics import DONOR_LINKS
from donate.web.templating import Localizer

log = logging.getLogger(__name__)

# Each attempt sends a new link. After the last attempt, the request is deleted, because by then the
# donor no longer waits for the link.
RETRY_AFTER: Final = Backoff("15s 1m 3m 5m 10m 20m")


class DonorLinkMailer:
    """The background job that sends one-time links."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        clock: Clock,
        carrier: Carrier,
        *,
        sender: str,
        public_url: str,
    ) -> None:
        self._database = database
        self._regions = regions
        self._clock = clock
        self._carrier = carrier
        self._composer = Composer(sender)
        self._public_url = public_url

    def send_due(self) -> int:
        """Process up to a batch of the requests that are due; return how many."""
        return send_batch(self._claim, self._deal_with, self._put_off, self._carrier)

    def _claim(self) -> DonorLinkRequest | None:
        now = self._clock.now()

        def begin_lease(request: DonorLinkRequest) -> None:
            request.due_at = now + LEASE
            request.tries += 1

        return claim_due(self._database, _due(now), begin_lease)

    def _deal_with(self, request: DonorLinkRequest) -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            profile = profile_of_address(session, request.email)
            token = begin_link(session, profile, now=now) if profile else None
            code = newest_code(session, profile) if profile else None
            if profile is None or token is None:
                session.execute(_deletion(request))
        if profile is None or token is None:
            DONOR_LINKS.labels("too_many_to_address" if profile else "unknown_address").inc()
            return
        # Send it to the address as it was typed for a gift, not as it was typed for this request:
        # two spellings with the same `email_key` may be different mailboxes for a mail server.
        self._send(request, token, profile.email, code, now)

    def _send(
        self, request: DonorLinkRequest, token: str, email: str, code: str | None, now: datetime
    ) -> None:
        region = self._regions.get(code) if code else None
        url = f"{self._public_url}/my-gifts/{token}?lang={request.language}"
        envelope = LetterEnvelope(
            message_id=f"own_page.{hashlib.sha256(token.encode()).hexdigest()[:32]}",
            name="",
            email=email,
            language=request.language,
            organisation=region.organisation if region else None,
            look=region.look if region else Look(),
        )
        content = link_to_gifts(url, Localizer(request.language))
        try:
            self._carrier.carry(self._composer.compose_draft(content, envelope, now))
        except MailRefused as refused:
            log.warning("the mail server refused a one-time link: %s", refused)
            self._end(request, "refused", unsent=token)
        except MailUnavailable as error:
            if not error.may_have_acted:
                self._withdraw(token)
            raise
        else:
            self._end(request, "sent")

    def _end(self, request: DonorLinkRequest, outcome: str, *, unsent: str = "") -> None:
        with self._database.writing() as session:
            if unsent:
                withdraw_link(session, unsent)
            session.execute(_deletion(request))
        DONOR_LINKS.labels(outcome).inc()

    def _withdraw(self, token: str) -> None:
        with self._database.writing() as session:
            withdraw_link(session, token)

    def _put_off(self, request: DonorLinkRequest, _: MailUnavailable) -> None:
        pause = RETRY_AFTER.after_or_stop(request.tries)
        if pause is None:
            self._end(request, "given_up")
            return
        with self._database.writing() as session:
            row = session.get(DonorLinkRequest, request.id, with_for_update=True)
            # If the lease ended, another worker may have claimed the request.
            if row and row.tries == request.tries:
                row.due_at = self._clock.now() + pause


def _due(now: datetime) -> SelectOfScalar[DonorLinkRequest]:
    return (
        select(DonorLinkRequest)
        .where(col(DonorLinkRequest.due_at) <= now)
        .order_by(col(DonorLinkRequest.due_at), col(DonorLinkRequest.id))
        .limit(1)
    )


def _deletion(request: DonorLinkRequest) -> Delete:
    return delete(DonorLinkRequest).where(col(DonorLinkRequest.id) == request.id)
