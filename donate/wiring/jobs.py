"""Makes the worker's jobs from the settings."""

from collections.abc import Iterator
from functools import partial

from donate.bank.reconciliation.renewing import SuggestionRenewer
from donate.clock import Clock
from donate.donors.own_page.link_mail import DonorLinkMailer
from donate.finance.activity.refusal_sums import RefusalWriter
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.movements.totals import TotalsMerger
from donate.gifts.origins import OriginForgetter
from donate.letters.finder import LetterFinder
from donate.letters.reminders.finder import ReminderFinder
from donate.letters.sending.email_limits import ShareLimits
from donate.letters.sending.outbox import Outbox
from donate.letters.sending.seal_mail import SealMailer
from donate.modes.lapsing import Lapsing
from donate.regions.regions import Regions
from donate.retention.pruning_job import Retention
from donate.settings import Settings
from donate.storage.chain.linker import ChainLinker
from donate.storage.chain.seals import DailySeals
from donate.storage.database import Database
from donate.stripe_gateway.clients import StripeClients
from donate.stripe_gateway.requests.agreements import Agreements
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.requests.pause_ends import PauseEnds
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.refunds import Refunds
from donate.stripe_gateway.requests.session_expiries import SessionExpiries
from donate.stripe_gateway.turns import Turns
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from donate.stripe_gateway.webhooks.unknown_payments import UnknownPayments
from donate.web.refusals import REFUSALS
from donate.wiring.from_settings import carrier_of, letters_wait, links_of
from donate.worker import Job, Worker


def upkeep_jobs(
    settings: Settings, database: Database, regions: Regions, clock: Clock
) -> Iterator[Job]:
    """Yield the jobs that only work on the database, and need no other server."""
    yield Lapsing(database, regions, clock).lapse_due
    yield TotalsMerger(database).merge_due
    yield OriginForgetter(database, clock).forget_due
    yield RefusalWriter(database, clock, REFUSALS).write_due
    yield SuggestionRenewer(database, regions, clock).renew_due
    yield Retention(
        database,
        clock,
        event_bodies_days=settings.keep_event_bodies_days,
        refused_requests_days=settings.keep_refused_requests_days,
        never_paid_days=settings.keep_never_paid_days,
    ).prune_due
    if database.is_sqlite:
        yield database.copy_log


def chain_jobs(
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


def letter_jobs(
    settings: Settings, database: Database, regions: Regions, clock: Clock, worker: Worker
) -> Iterator[Job]:
    """Yield the jobs that write to donors. There are none if the settings name no mail server."""
    carrier, link_carrier = carrier_of(settings), carrier_of(settings)
    if carrier is None or link_carrier is None:
        return
    sender, links, wait = settings.mail_from, links_of(settings), letters_wait(settings)
    shares = ShareLimits(settings.emails_per_network, settings.emails_in_all)
    outbox = Outbox(
        *(database, regions, clock, carrier),
        sender=sender,
        links=links,
        wait=wait,
        shares=shares,
    )
    on_found = partial(worker.nudge, outbox.send_due)
    yield LetterFinder(database, clock, on_found, wait=wait).find_due
    yield ReminderFinder(database, regions, clock, on_found).find_due
    yield outbox.send_due
    # It has its own connection to the mail server, because a donor waits for this e-mail.
    yield DonorLinkMailer(
        *(database, regions, clock, link_carrier), sender=sender, public_url=links.public_url
    ).send_due


def questions_of(
    settings: Settings,
    database: Database,
    clients: StripeClients,
    *,
    answered: tuple[Inbox, Settler, Clock],
    turns: Turns,
    links: GiftLinks,
) -> tuple[Job, ...]:
    """Return the jobs that send requests to Stripe again until there is an answer.

    `answered` are the inbox and the settler for the answers, and the clock.
    """
    billing = Billing(clients.worker)
    return (
        CheckoutPoller(database, clients.worker, *answered, turns=turns).ask_due,
        Refunds(database, clients.worker, *answered, livemode=settings.livemode).ask_due,
        PledgeChanges(database, billing, *answered, links=links).ask_due,
        Agreements(database, billing, *answered).ask_due,
        PauseEnds(database, billing, *answered).ask_due,
        UnknownPayments(database, clients.worker, answered[2]).ask_due,
        SessionExpiries(database, clients.worker, *answered).ask_due,
    )
