"""Asks Stripe, the mail server and PUBLIC_URL whether they are as the service needs them.

Nothing is changed and nobody is written to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from donate.clock import SystemClock
from donate.errors import DatabaseBusy, MailUnavailable, StripeUnavailable
from donate.letters.smtp import Smtp
from donate.regions.regions import load_regions
from donate.settings import Settings
from donate.storage.database import Database
from donate.storage.schema import SchemaAge
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.setup.account import NotPermitted, StripeAccount
from donate.stripe_gateway.setup.all_steps import look, methods_of
from donate.stripe_gateway.setup.permissions import permission_steps
from donate.stripe_gateway.setup.steps import Step, Wanted
from donate.stripe_gateway.webhooks.health import LATE_AFTER, newest_heard
from donate.web.request_limits import WEBHOOK_PATH

_WAIT_S: Final = 10.0
# Stripe tries for so long to deliver an event: https://docs.stripe.com/webhooks#retries
_STRIPE_TRIES_FOR: Final = timedelta(days=3)
_MAIL_HINTS: Final = {
    "SMTPAuthenticationError": "check the user and the password in SMTP_URL",
    "gaierror": "no machine has that name; check the host in SMTP_URL",
    "SSLCertVerificationError": "its certificate is not for that name, or nobody vouches for it",
    "SSLError": "it does not speak TLS there; check smtp:// or smtps:// and the port in SMTP_URL",
    "ConnectionRefusedError": "nothing listens there; check the host and the port in SMTP_URL",
    "TimeoutError": "nothing answers there; check the port in SMTP_URL, and the firewall",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about one thing that was asked, and whether something has to be done."""

    says: str
    is_wrong: bool = False


def examine_online(settings: Settings) -> Iterator[Finding]:
    """Ask everybody, one after the other; who does not answer does not keep the rest."""
    account = StripeAccount(settings.stripe_secret_key.get_secret_value(), settings.stripe_api_base)
    try:
        yield from _examine_stripe(account, settings)
    except StripeUnavailable as error:
        yield Finding(f"{error}", is_wrong=True)
    finally:
        account.close()
    yield from _examine_mail(settings)
    yield from _examine_public_url(settings.public_url)


def _examine_stripe(account: StripeAccount, settings: Settings) -> Iterator[Finding]:
    mode = "live" if settings.livemode else "test"
    try:
        found = account.ask(lambda sdk: sdk.v1.accounts.retrieve_current())
        yield Finding(f"Stripe accepts the key: {mode} mode, account {found['id']}.")
        if found.get("charges_enabled") is False:
            says = "Stripe takes no payments for this account yet: finish its activation there."
            yield Finding(says, is_wrong=settings.livemode)
    except NotPermitted:
        yield Finding(f"Stripe accepts the key: {mode} mode.")
    for step in permission_steps(account, livemode=settings.livemode):
        yield _finding(step)
    wanted = Wanted(
        f"{settings.public_url}{WEBHOOK_PATH}",
        settings.stripe_account,
        methods_of(load_regions(settings.regions_file).values()),
    )
    for step in look(account, wanted):
        yield _finding(step)
    yield from _examine_deliveries(account, settings, SystemClock().now())


def _finding(step: Step) -> Finding:
    if step.is_unknown:
        return Finding(f"Not looked at. {step.says}")
    says = f"{step.says} `donate stripe setup` does it." if step.act else step.says
    return Finding(says, is_wrong=not step.is_well)


def _examine_deliveries(
    account: StripeAccount, settings: Settings, now: datetime
) -> Iterator[Finding]:
    heard_at = _newest_heard(settings)
    if heard_at:
        yield Finding(f"The last webhook arrived on {_day(heard_at)}.")
    else:
        yield Finding("No webhook has arrived yet.")
    asked: Any = {
        "created": {
            "gte": int((now - _STRIPE_TRIES_FOR).timestamp()),
            "lte": int((now - LATE_AFTER).timestamp()),
        },
        "delivery_success": False,
        "limit": 100,
        "types": list(EVENT_TYPES),
    }
    try:
        events = account.ask(lambda sdk: sdk.v1.events.list(asked))
    except NotPermitted:
        return  # said already
    waiting = [event for event in events["data"] if event["pending_webhooks"]]
    if waiting:
        newest = datetime.fromtimestamp(max(event["created"] for event in waiting), now.tzinfo)
        count = f"{len(waiting)}{' or more' if events['has_more'] else ''}"
        yield Finding(
            f"Stripe could not deliver {count} of the last three days' events to one of this "
            f"account's endpoints, the newest of {_day(newest)}: see what it says in the Dashboard "
            "under Developers, Webhooks. `donate catchup` fetches them.",
            is_wrong=True,
        )


def _newest_heard(settings: Settings) -> datetime | None:
    database = Database(settings.database_url)
    try:
        if database.age() is not SchemaAge.CURRENT:
            return None
        with database.reading() as session:
            return newest_heard(session)
    except DatabaseBusy:
        return None
    finally:
        database.close()


def _examine_mail(settings: Settings) -> Iterator[Finding]:
    server = settings.mail_server
    if server is None:
        return
    where = f"The mail server {server.host}:{server.port}"
    try:
        Smtp(server, our_name=settings.mail_from.rpartition("@")[2]).test_connection()
    except MailUnavailable as error:
        hint = _MAIL_HINTS.get(str(error).split()[0], "ask whoever looks after it")
        yield Finding(f"{where} takes no letters now ({error}): {hint}.", is_wrong=True)
    else:
        signed_in = " and signs us in" if server.user else ""
        yield Finding(f"{where} answers{signed_in}.")


def _examine_public_url(public_url: str) -> Iterator[Finding]:
    webhook = f"{public_url}{WEBHOOK_PATH}"
    try:
        with httpx.Client(timeout=_WAIT_S, follow_redirects=False) as http:
            ready = http.get(f"{public_url}/readyz")
            # Without a signature: the service refuses it, and does nothing else.
            door = http.post(webhook, json={})
    except httpx.HTTPError as error:
        yield Finding(
            f"PUBLIC_URL: nothing answers at {public_url} ({type(error).__name__}). Is `donate "
            "serve` running, and does the proxy lead to it?",
            is_wrong=True,
        )
        return
    if ready.is_redirect:
        leads_to = ready.headers.get("location", "")
        says = f"PUBLIC_URL: {public_url} leads on to {leads_to}. Set PUBLIC_URL to where it ends."
        yield Finding(says, is_wrong=True)
    elif _says_ready(ready):
        yield Finding(f"The service answers at {public_url}.")
    else:
        says = f"PUBLIC_URL: {public_url}/readyz answers {ready.status_code}: not ready for gifts."
        yield Finding(f"{says} Look at the service's log, or at the proxy's.", is_wrong=True)
    if door.is_redirect:
        says = f"{webhook} is redirected, and Stripe follows no redirect: let the proxy hand it on."
        yield Finding(says, is_wrong=True)
    elif door.status_code == 400:
        yield Finding(f"Webhooks reach the service at {webhook}.")
    else:
        yield Finding(
            f"{webhook} answers {door.status_code} where the service answers 400 to what Stripe "
            "did not sign: something before it takes webhooks away. Look at the proxy or firewall.",
            is_wrong=True,
        )


def _says_ready(answer: httpx.Response) -> bool:
    try:
        return answer.status_code == 200 and answer.json() == {"ready": True}
    except ValueError:
        return False


def _day(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y at %H:%M} UTC"
