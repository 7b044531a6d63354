"""All assumptions, in the order in which they are checked."""

from typing import Final

from donate.stripe_gateway.assumptions.model import Assumption
from donate.stripe_gateway.assumptions.topics.balance.payouts import PAYOUTS
from donate.stripe_gateway.assumptions.topics.debits import DEBITS
from donate.stripe_gateway.assumptions.topics.disputes import DISPUTES
from donate.stripe_gateway.assumptions.topics.errors import ERRORS
from donate.stripe_gateway.assumptions.topics.events import EVENTS
from donate.stripe_gateway.assumptions.topics.hosted import HOSTED
from donate.stripe_gateway.assumptions.topics.months import MONTHS
from donate.stripe_gateway.assumptions.topics.pauses import PAUSES
from donate.stripe_gateway.assumptions.topics.payments import PAYMENTS
from donate.stripe_gateway.assumptions.topics.pledges import PLEDGES
from donate.stripe_gateway.assumptions.topics.refunds import REFUNDS
from donate.stripe_gateway.assumptions.topics.sessions import SESSIONS
from donate.stripe_gateway.assumptions.topics.settings import SETTINGS

TOPICS: Final = (
    SESSIONS,
    ERRORS,
    PAYMENTS,
    REFUNDS,
    DISPUTES,
    PAYOUTS,
    PLEDGES,
    MONTHS,
    PAUSES,
    DEBITS,
    EVENTS,
    SETTINGS,
    HOSTED,
)
ASSUMPTIONS: Final[tuple[Assumption, ...]] = tuple(
    assumption for topic in TOPICS for assumption in topic.assumptions
)
