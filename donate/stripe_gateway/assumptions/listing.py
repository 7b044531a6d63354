"""The one list of all assumptions, in the order in which they are checked."""

from typing import Final

from donate.stripe_gateway.assumptions.debits import DEBITS
from donate.stripe_gateway.assumptions.disputes import DISPUTES
from donate.stripe_gateway.assumptions.errors import ERRORS
from donate.stripe_gateway.assumptions.events import EVENTS
from donate.stripe_gateway.assumptions.hosted import HOSTED
from donate.stripe_gateway.assumptions.model import Assumption
from donate.stripe_gateway.assumptions.months import MONTHS
from donate.stripe_gateway.assumptions.payments import PAYMENTS
from donate.stripe_gateway.assumptions.pledges import PLEDGES
from donate.stripe_gateway.assumptions.refunds import REFUNDS
from donate.stripe_gateway.assumptions.sessions import SESSIONS
from donate.stripe_gateway.assumptions.settings import SETTINGS

TOPICS: Final = (
    SESSIONS,
    ERRORS,
    PAYMENTS,
    REFUNDS,
    DISPUTES,
    PLEDGES,
    MONTHS,
    DEBITS,
    EVENTS,
    SETTINGS,
    HOSTED,
)
ASSUMPTIONS: Final[tuple[Assumption, ...]] = tuple(
    assumption for topic in TOPICS for assumption in topic.assumptions
)
