"""Builds the objects of the service, and lists the worker's jobs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from donate.bank.reconciliation.renewing import SuggestionRenewer
from donate.bank.transfer_mails.intake import TransferMailIntake
from donate.bank.transfer_mails.keys import fetch_key, read_key_file
from donate.books.accounts import load_chart
from donate.books.months.drafts import MonthRules
from donate.clock import Clock, SystemClock
from donate.gifts.movements.totals import TotalsMerger
from donate.letters.finder import LetterFinder
from donate.letters.folder import Folder
from donate.letters.outbox import Carrier, Outbox
from donate.letters.seal_mail import SealMailer
from donate.letters.smtp import Smtp
from donate.letters.transfers import WAIT
from donate.modes.lapsing import Lapsing
from donate.regions.regions import Regions, load_regions
from donate.settings import Settings
from donate.storage.chain.linker import ChainLinker
from donate.storage.chain.seals import DailySeals
from donate.storage.database import Database
from donate.stripe_gateway.balance.reader import PayoutReader
from donate.stripe_gateway.catchup.catchup import Catchup
from donate.stripe_gateway.catchup.lists import StripeLists, reading_client
from donate.stripe_gateway.catchup.schedule import CatchupSchedule
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.requests.agreements import Agreements
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout import Checkouts
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.requests.pause_ends import PauseEnds
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.refunds import Refunds
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from donate.stripe_gateway.webhooks.settling_pace import PacedSettling
from donate.stripe_gateway.webhooks.unknown_payments import UnknownPayments
from donate.worker import Job, Worker


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects that both `donate serve` and `donate work` need."""

    database: Database
    regions: Regions
    clock: Clock
    stripe: StripeClient
    checkouts: Checkouts
    inbox: Inbox
    settler: Settler
    poller: CheckoutPoller
    lists: StripeLists
    catchup: Catchup
    refunds: Refunds
    pledges: PledgeChanges
    transfer_mails: TransferMailIntake
    payouts: PayoutReader
    worker: Worker

    def close(self) -> None:
        """Stop the background jobs, then close all connections."""
        self.catchup.stop()
        self.payouts.stop()
        self.worker.stop()
        self.stripe.close()
        self.lists.close()
        self.database.close()


def build_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """Create all objects of the service, without connecting to anything or starting threads."""
    clock = clock or SystemClock()
    regions = load_regions(settings.regions_file)
    database = Database(settings.database_url)
    key = settings.stripe_secret_key.get_secret_value()
    api_base, account = settings.stripe_api_base, settings.stripe_account
    stripe = StripeClient(key, api_base, settings.checkout_hosts, account=account)
    lists = StripeLists(reading_client(key, api_base, account=account), clock)
    settler = Settler(database, clock, livemode=settings.livemode, account=account)
    jobs: list[Job] = []
    worker = Worker(jobs)
    inbox = Inbox(database)
    settling = PacedSettling(settler, inbox)
    inbox.on_stored = partial(worker.nudge, settling.settle_due)
    poller = CheckoutPoller(database, stripe, inbox, settler, clock)
    catchup = Catchup(database, lists, inbox, settler, clock, livemode=settings.livemode)
    refunds = Refunds(database, stripe, inbox, settler, clock, livemode=settings.livemode)
    billing = Billing(stripe)
    pledges = PledgeChanges(
        database, billing, inbox, settler, clock, public_url=settings.public_url
    )
    agreements = Agreements(database, billing, inbox, settler, clock)
    pause_ends = PauseEnds(database, billing, inbox, settler, clock)
    pollers = (
        *(poller, refunds, pledges, agreements, pause_ends),
        UnknownPayments(database, stripe, clock),
    )
    payouts = PayoutReader(database, stripe, lists, clock)
    jobs += [settling.settle_due, *(each.ask_due for each in pollers)]
    transfer_mails = _transfer_mails(settings, database, regions, clock)
    jobs += [payouts.read_due, transfer_mails.check_due, transfer_mails.take_folder_due]
    jobs += _upkeep_jobs(database, regions, clock)
    if settings.catchup_every_minutes:
        every = timedelta(minutes=settings.catchup_every_minutes)
        jobs.append(CatchupSchedule(catchup, database, clock, every).catch_up_when_due)
    jobs += _chain_jobs(settings, database, regions, clock)
    carrier = carrier_of(settings)
    if carrier:
        outbox = Outbox(
            database,
            regions,
            clock,
            carrier,
            sender=settings.mail_from,
            public_url=settings.public_url,
            wait=letters_wait(settings),
        )
        on_found = partial(worker.nudge, outbox.send_due)
        finder = LetterFinder(database, clock, on_found, wait=letters_wait(settings))
        jobs += [finder.find_due, outbox.send_due]
    return Parts(
        database=database,
        regions=regions,
        clock=clock,
        stripe=stripe,
        checkouts=Checkouts(database, stripe, clock, settings.public_url),
        inbox=inbox,
        settler=settler,
        poller=poller,
        lists=lists,
        catchup=catchup,
        refunds=refunds,
        pledges=pledges,
        transfer_mails=transfer_mails,
        payouts=payouts,
        worker=worker,
    )


def _upkeep_jobs(database: Database, regions: Regions, clock: Clock) -> Iterator[Job]:
    """Yield the jobs that keep what is stored up to date, and that ask nobody else."""
    yield Lapsing(database, regions, clock).lapse_due
    yield TotalsMerger(database).merge_due
    yield SuggestionRenewer(database, regions, clock).renew_due
    if database.is_sqlite:
        yield database.copy_log


def _chain_jobs(
    settings: Settings, database: Database, regions: Regions, clock: Clock
) -> Iterator[Job]:
    """Yield the jobs that extend the hash chain, seal it daily, and send the seals by e-mail."""
    time_zone = next(iter(regions.values())).time_zone
    yield ChainLinker(database, clock).link_due
    carrier = carrier_of(settings) if settings.seal_to else None
    yield DailySeals(database, clock, time_zone, is_mailed=carrier is not None).seal_due
    if carrier:
        language = next(iter(regions.values())).languages[0]
        yield SealMailer(
            database,
            clock,
            carrier,
            sender=settings.mail_from,
            recipient=settings.seal_to,
            language=language,
            time_zone=time_zone,
        ).mail_due


def _transfer_mails(
    settings: Settings, database: Database, regions: Regions, clock: Clock
) -> TransferMailIntake:
    keys = settings.transfer_mail_keys
    return TransferMailIntake(
        database,
        regions,
        clock,
        operator_keys=read_key_file(keys) if keys else {},
        fetch=fetch_key,
        folder=settings.transfer_mail_folder,
    )


def letters_wait(settings: Settings) -> timedelta:
    """Return the delay before e-mails about transfers are sent. The demo has no delay."""
    return timedelta(0) if settings.demo else WAIT


def month_rules(settings: Settings, regions: Regions) -> MonthRules:
    """Return how months are closed. Raises Misconfigured if the chart of accounts is wrong."""
    chart = load_chart(settings.books_accounts)
    time_zone = next(iter(regions.values())).time_zone
    return MonthRules(chart, time_zone, settings.month_second_person_above_minor)


def carrier_of(settings: Settings) -> Carrier | None:
    """Return the carrier that sends e-mails; None if the settings configure none."""
    if settings.mail_server:
        return Smtp(settings.mail_server, our_name=settings.mail_from.rpartition("@")[2])
    return Folder(settings.letters_folder) if settings.letters_folder else None


def new_carrier(settings: Settings) -> Carrier:
    """Return a separate carrier for an e-mail that is sent while the user's request waits."""
    carrier = carrier_of(settings)
    assert carrier is not None
    return carrier
