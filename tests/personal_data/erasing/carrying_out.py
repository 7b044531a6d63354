"""A donor with rare words, and how tests erase a donor."""

from sqlmodel import Session

from donate.clock import FixedClock
from donate.finance.activity.trail import record_act
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.queries import profile_of_gift
from donate.gifts.models import Gift
from donate.personal_data.erasing.request import ErasureRequests
from donate.personal_data.erasing.summary import ErasureSummary
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import NOW

NAME, EMAIL = "Kanaria Zeisig-Vogel", "Kanaria.Zeisig@example.com"


def erase(database: Database, gift: Gift) -> ErasureSummary:
    """Erase the donor of a gift, as a request does."""

    def find(session: Session) -> DonorProfile:
        return profile_of_gift(session, session.get_one(Gift, gift.id))

    def record_it(session: Session, about: str) -> None:
        record_act(session, "donor_anonymised", now=NOW, about=about)

    requests = ErasureRequests(database, FixedClock(NOW))
    return requests.carry_out(find, record_it, actor="service")
