"""Stores requests for one-time links.

Nothing is looked up, so the answer, its time and the stored row are the same whether or not
somebody gave with the address. The worker deals with the requests later (`link_mail.py`).
"""

from typing import Final

from donate.breaker.counters import add_counts, window_sums
from donate.clock import Clock
from donate.donors.own_page.models import DonorLinkRequest
from donate.storage.database import Database
from donate.web.limits.networks import network_of
from donate.web.logs_and_metrics import DONOR_LINKS
from donate.web.refusals import REFUSALS, Refusal

# The most requests within ten minutes. They only keep the table small: limits for each mailbox keep
# strangers from sending many e-mails, and a congregation may share one network.
MOST_PER_NETWORK: Final = 60
MOST_IN_ALL: Final = 3_000


class LinkRequests:
    """Stores requests for one-time links, up to the limits for each network and in total."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def ask(self, email: str, language: str, *, address: str) -> None:
        """Store a request to send a link to a valid e-mail address.

        `address` is the network address of who asks. Beyond the limits nothing is stored, and the
        caller gives the same answer. Raises DatabaseBusy.
        """
        now = self._clock.now()
        network = network_of(address)
        limits = {f"links from {network}": MOST_PER_NETWORK, "links": MOST_IN_ALL}
        with self._database.writing() as session:
            sums = window_sums(session, limits, now)
            if any(sums[name] >= most for name, most in limits.items()):
                DONOR_LINKS.labels("too_many_from_network").inc()
                REFUSALS.note(Refusal("too many links", network))
                return
            add_counts(session, dict.fromkeys(limits, 1), now)
            session.add(DonorLinkRequest(email=email, language=language, due_at=now))
