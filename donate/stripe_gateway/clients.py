"""The service's Stripe clients, one for each purpose, so that none uses up another's calls."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from donate.settings import Settings
from donate.storage.database import Database
from donate.stripe_gateway.catchup.lists import StripeLists, reading_client
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import Asker
from donate.stripe_gateway.turns import Turns

# How long a page waits for Stripe before it shows what is known.
_LOOK_S: Final = 3.0
# Maximum number of calls that donors' pages of monthly gifts make at once, in each process.
_MAX_OF_PLEDGES: Final = 8


@dataclass(frozen=True, slots=True)
class StripeClients:
    """The clients of this process.

    `main` is for new checkout sessions and for staff. It takes no turns, so it never has to wait
    for the others. `looks` is for pages of gifts, for which `CheckoutPoller` takes the turns.
    `pledges` is for donors' pages of monthly gifts. `worker` and `lists` share the worker's turns.
    """

    main: StripeClient
    looks: StripeClient
    pledges: StripeClient
    worker: StripeClient
    lists: StripeLists

    def close(self) -> None:
        """Cancel waiting calls, and close the connections."""
        for client in (self.main, self.looks, self.pledges, self.worker, self.lists):
            client.close()


def build_clients(settings: Settings, database: Database) -> StripeClients:
    """Create the clients, without connecting to anything."""
    key = settings.stripe_secret_key.get_secret_value()
    api_base, account = settings.stripe_api_base, settings.stripe_account
    client = partial(StripeClient, key, api_base, settings.checkout_hosts, account=account)
    of_donors, of_worker = Turns(database, Asker.DONORS), Turns(database, Asker.WORKER)
    return StripeClients(
        main=client(turns=Turns(database)),
        looks=client(deadline_s=_LOOK_S, per_attempt_s=_LOOK_S, turns=Turns(database)),
        pledges=client(max_waiting=_MAX_OF_PLEDGES, turns=of_donors),
        worker=client(turns=of_worker),
        lists=StripeLists(reading_client(key, api_base, account=account, turns=of_worker)),
    )
