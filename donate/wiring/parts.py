"""The objects that the web application and the worker share."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from donate.bank.transfer_mails.intake import TransferMailIntake
from donate.breaker.breaker import Breaker
from donate.breaker.watching import AttackWatch
from donate.clock import Clock, SystemClock
from donate.gifts.links.gift_links import GiftLinks
from donate.outbound_webhooks.finder import DeliveryFinder
from donate.outbound_webhooks.sender import WebhookSender
from donate.regions.regions import Regions, load_regions
from donate.settings import Settings
from donate.storage.database import Database
from donate.stripe_gateway.balance.reader import PayoutReader
from donate.stripe_gateway.catchup.catchup import Catchup
from donate.stripe_gateway.catchup.schedule import CatchupSchedule
from donate.stripe_gateway.clients import StripeClients, build_clients
from donate.stripe_gateway.models import Asker
from donate.stripe_gateway.pledge_limits import PledgeLimits
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout import Checkouts
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.refunds import Refunds
from donate.stripe_gateway.turns import Turns
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from donate.stripe_gateway.webhooks.settling_pace import PacedSettling
from donate.trust.secret_cipher import SecretCipher
from donate.wiring.from_settings import (
    breaker_of,
    link_keys_of,
    links_of,
    transfer_mails_of,
    webhook_sender_of,
)
from donate.wiring.jobs import chain_jobs, letter_jobs, questions_of, upkeep_jobs
from donate.worker import Job, Worker


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects that both `donate serve` and `donate work` need."""

    database: Database
    breaker: Breaker
    regions: Regions
    clock: Clock
    clients: StripeClients
    links: GiftLinks
    checkouts: Checkouts
    inbox: Inbox
    settler: Settler
    poller: CheckoutPoller
    catchup: Catchup
    refunds: Refunds
    pledges: PledgeChanges
    """Changes of monthly gifts by staff."""
    donor_pledges: PledgeChanges
    """Changes of monthly gifts by donors' pages, which have limits."""
    transfer_mails: TransferMailIntake
    payouts: PayoutReader
    webhooks: WebhookSender
    worker: Worker

    def close(self) -> None:
        """Stop the background jobs, then close all connections."""
        self.catchup.stop()
        self.payouts.stop()
        self.worker.stop()
        self.webhooks.stop()
        self.clients.close()
        self.database.close()


def build_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """Create all objects of the service, without connecting to anything or starting threads."""
    clock = clock or SystemClock()
    regions = load_regions(settings.regions_file)
    database = Database(settings.database_url)
    clients = build_clients(settings, database)
    settler = Settler(database, clock, livemode=settings.livemode, account=settings.stripe_account)
    jobs: list[Job] = []
    worker = Worker(jobs)
    inbox = Inbox(database)
    settling = PacedSettling(settler, inbox)
    inbox.on_stored = partial(worker.nudge, settling.settle_due)
    answered = (inbox, settler, clock)
    of_donors = Turns(database, Asker.DONORS)
    poller = CheckoutPoller(database, clients.looks, *answered, turns=of_donors)
    catchup = Catchup(database, clients.lists, *answered, livemode=settings.livemode)
    refunds = Refunds(database, clients.main, *answered, livemode=settings.livemode)
    links = links_of(settings)
    pledges = PledgeChanges(database, Billing(clients.main), *answered, links=links)
    donor_pledges = PledgeChanges(
        *(database, Billing(clients.pledges), *answered),
        links=links,
        limits=PledgeLimits(of_donors, clock),
    )
    payouts = PayoutReader(database, clients.worker, clients.lists, clock)
    questions = questions_of(
        *(settings, database, clients), answered=answered, turns=of_donors, links=links
    )
    of_worker = Turns(database, Asker.WORKER)
    jobs += [
        settling.settle_due,
        *(of_worker.when_open(each) for each in (*questions, payouts.read_due)),
    ]
    transfer_mails = transfer_mails_of(settings, database, regions, clock)
    jobs += [transfer_mails.check_due, transfer_mails.take_folder_due]
    breaker = breaker_of(settings, database, clock)
    jobs += upkeep_jobs(settings, database, regions, clock)
    jobs.append(AttackWatch(database, clock, breaker, regions).watch_due)
    if settings.catchup_every_minutes:
        every = timedelta(minutes=settings.catchup_every_minutes)
        jobs.append(CatchupSchedule(catchup, database, clock, every).catch_up_when_due)
    jobs += chain_jobs(settings, database, regions, clock)
    jobs += letter_jobs(settings, database, regions, clock, worker)
    webhooks = webhook_sender_of(settings, database, clock)
    on_found = partial(worker.nudge, webhooks.send_due)
    jobs += [DeliveryFinder(database, clock, on_found).find_due, webhooks.send_due]
    return Parts(
        database=database,
        breaker=breaker,
        regions=regions,
        clock=clock,
        clients=clients,
        links=links,
        checkouts=Checkouts(
            *(database, clients.main, clock, links),
            cipher=SecretCipher(link_keys_of(settings)),
            charity_of=regions.charity_of,
        ),
        inbox=inbox,
        settler=settler,
        poller=poller,
        catchup=catchup,
        refunds=refunds,
        pledges=pledges,
        donor_pledges=donor_pledges,
        transfer_mails=transfer_mails,
        payouts=payouts,
        webhooks=webhooks,
        worker=worker,
    )
