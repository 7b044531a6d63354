"""Builds single objects from the settings."""

from datetime import timedelta

from donate.bank.transfer_mails.intake import TransferMailIntake
from donate.bank.transfer_mails.keys import fetch_key, read_key_file
from donate.books.accounts import load_chart
from donate.books.months.drafts import MonthRules
from donate.breaker.breaker import Breaker
from donate.breaker.challenge import Challenges
from donate.breaker.levels import LaneLimits
from donate.breaker.models import Lane
from donate.breaker.providers import KINDS, ChallengeProvider
from donate.clock import Clock
from donate.gifts.links.gift_links import GiftLinks
from donate.letters.sending.batches import Carrier
from donate.letters.sending.folder import Folder
from donate.letters.sending.smtp import Smtp
from donate.letters.transfers import WAIT
from donate.outbound_webhooks.client import WebhookClient
from donate.outbound_webhooks.sender import WebhookSender
from donate.regions.regions import Regions
from donate.settings import Settings
from donate.storage.database import Database
from donate.trust.secret_cipher import cipher_of


def links_of(settings: Settings) -> GiftLinks:
    """Return the links of gifts, which are computed with the keys of the settings."""
    return GiftLinks(settings.public_url, link_keys_of(settings))


def link_keys_of(settings: Settings) -> tuple[str, ...]:
    """Return the keys of LINK_KEY, the newest first."""
    return tuple(key.get_secret_value() for key in settings.link_key)


def transfer_mails_of(
    settings: Settings, database: Database, regions: Regions, clock: Clock
) -> TransferMailIntake:
    """Return the intake of Interac's e-mails. Raises Misconfigured if the key file is wrong."""
    keys = settings.transfer_mail_keys
    return TransferMailIntake(
        database,
        regions,
        clock,
        operator_keys=read_key_file(keys) if keys else {},
        fetch=fetch_key,
        folder=settings.transfer_mail_folder,
    )


def webhook_sender_of(settings: Settings, database: Database, clock: Clock) -> WebhookSender:
    """Return the sender of webhooks to other programs."""
    cipher = cipher_of(settings.second_factor_key)
    return WebhookSender(
        database, clock, cipher, WebhookClient(), allows_this_machine=settings.demo
    )


def letters_wait(settings: Settings) -> timedelta:
    """Return the delay before e-mails about transfers are sent. The demo has no delay."""
    return timedelta(0) if settings.demo else WAIT


def breaker_of(settings: Settings, database: Database, clock: Clock) -> Breaker:
    """Return the breaker with the limits of the settings."""
    limits = {
        Lane.STRIPE: LaneLimits(settings.card_gifts_per_network, settings.card_gifts_in_all),
        Lane.OTHER: LaneLimits(settings.gifts_per_network, settings.gifts_in_all),
    }
    # Use a key that all processes have already. A new one would be one more secret to keep.
    challenges = Challenges(settings.stripe_secret_key.get_secret_value())
    provider = None
    if settings.challenge_provider:
        secret = settings.challenge_secret.get_secret_value()
        kind = KINDS[settings.challenge_provider]
        provider = ChallengeProvider(
            kind,
            settings.challenge_site_key,
            secret,
            public_url=settings.public_url,
            clock=clock,
        )
    return Breaker(database, clock, limits, challenges, provider)


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
    """Return a new carrier, for an e-mail that a page sends while its user waits."""
    carrier = carrier_of(settings)
    assert carrier is not None
    return carrier
