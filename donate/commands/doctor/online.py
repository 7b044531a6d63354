"""`donate doctor --online`: checks Stripe, the mail server and PUBLIC_URL.

It changes nothing and sends no e-mail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from donate.clock import SystemClock
from donate.errors import DatabaseBusy, MailUnavailable, StripeUnavailable
from donate.finance.provider.client import IdentityProvider, ProviderUnavailable
from donate.finance.staff.options import sign_in_options
from donate.letters.sending.smtp import Smtp
from donate.regions.regions import load_regions
from donate.settings import Settings
from donate.storage.database import Database
from donate.storage.schema import SchemaAge
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.setup.account import NotPermitted, StripeAccount
from donate.stripe_gateway.setup.all_steps import check_account, methods_of
from donate.stripe_gateway.setup.permissions import permission_steps
from donate.stripe_gateway.setup.steps import RequiredSettings, Step
from donate.stripe_gateway.webhooks.health import LATE_AFTER, last_webhook_at
from donate.web.limits.body_limits import WEBHOOK_PATH

_WAIT_S: Final = 10.0
# Stripe retries the delivery of an event for three days: https://docs.stripe.com/webhooks#retries
_STRIPE_RETRIES_FOR: Final = timedelta(days=3)
_MAIL_HINTS: Final = {
    "SMTPAuthenticationError": "check the user and the password in SMTP_URL",
    "gaierror": "the host name does not exist; check the host in SMTP_URL",
    "SSLCertVerificationError": "its certificate is for another name, or is not trusted",
    "SSLError": "that port does not use TLS; check smtp:// or smtps:// and the port in SMTP_URL",
    "ConnectionRefusedError": "nothing listens there; check the host and the port in SMTP_URL",
    "TimeoutError": "nothing answers there; check the port in SMTP_URL, and the firewall",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: a sentence, and whether it is a problem."""

    text: str
    is_problem: bool = False


def examine_online(settings: Settings) -> Iterator[Finding]:
    """Yield the results of all checks. After one check fails, the others still run."""
    account = StripeAccount(settings.stripe_secret_key.get_secret_value(), settings.stripe_api_base)
    try:
        yield from _examine_stripe(account, settings)
    except StripeUnavailable as error:
        yield Finding(f"{error}", is_problem=True)
    finally:
        account.close()
    yield from _examine_mail(settings)
    yield from _examine_provider(settings)
    yield from _examine_public_url(settings.public_url)


def _examine_stripe(account: StripeAccount, settings: Settings) -> Iterator[Finding]:
    mode = "live" if settings.livemode else "test"
    try:
        details = account.ask(lambda sdk: sdk.v1.accounts.retrieve_current())
        yield Finding(f"Stripe accepts the key: {mode} mode, account {details['id']}.")
        if details.get("charges_enabled") is False:
            text = "Stripe accepts no payments for this account yet: activate it in the Dashboard."
            yield Finding(text, is_problem=settings.livemode)
    except NotPermitted:
        yield Finding(f"Stripe accepts the key: {mode} mode.")
    for step in permission_steps(account, livemode=settings.livemode):
        yield _finding(step)
    target = RequiredSettings(
        f"{settings.public_url}{WEBHOOK_PATH}",
        settings.stripe_account,
        methods_of(load_regions(settings.regions_file).values()),
    )
    for step in check_account(account, target):
        yield _finding(step)
    yield from _examine_deliveries(account, settings, SystemClock().now())


def _finding(step: Step) -> Finding:
    if step.is_unknown:
        return Finding(f"Not checked. {step.says}")
    text = f"{step.says} `donate stripe setup` does it." if step.act else step.says
    return Finding(text, is_problem=not step.is_well)


def _examine_deliveries(
    account: StripeAccount, settings: Settings, now: datetime
) -> Iterator[Finding]:
    heard_at = _newest_heard(settings)
    if heard_at:
        yield Finding(f"The last webhook arrived on {_time(heard_at)}.")
    else:
        yield Finding("No webhook has arrived yet.")
    parameters: Any = {
        "created": {
            "gte": int((now - _STRIPE_RETRIES_FOR).timestamp()),
            "lte": int((now - LATE_AFTER).timestamp()),
        },
        "delivery_success": False,
        "limit": 100,
        "types": list(EVENT_TYPES),
    }
    try:
        events = account.ask(lambda sdk: sdk.v1.events.list(parameters))
    except NotPermitted:
        return  # the check `permission_steps` already reports a missing permission
    pending = [event for event in events["data"] if event["pending_webhooks"]]
    if pending:
        newest = datetime.fromtimestamp(max(event["created"] for event in pending), now.tzinfo)
        count = f"{len(pending)}{' or more' if events['has_more'] else ''}"
        yield Finding(
            f"Stripe could not deliver {count} of the last three days' events to one of this "
            f"account's endpoints, the newest from {_time(newest)}. The Dashboard shows why, under "
            "Developers, Webhooks. `donate catchup` fetches them.",
            is_problem=True,
        )


def _newest_heard(settings: Settings) -> datetime | None:
    database = Database(settings.database_url)
    try:
        if database.age() is not SchemaAge.CURRENT:
            return None
        with database.reading() as session:
            return last_webhook_at(session)
    except DatabaseBusy:
        return None
    finally:
        database.close()


def _examine_mail(settings: Settings) -> Iterator[Finding]:
    server = settings.mail_server
    if server is None:
        return
    name = f"The mail server {server.host}:{server.port}"
    try:
        Smtp(server, our_name=settings.mail_from.rpartition("@")[2]).test_connection()
    except MailUnavailable as error:
        hint = _MAIL_HINTS.get(str(error).split()[0], "ask its administrator")
        yield Finding(f"{name} does not work now ({error}): {hint}.", is_problem=True)
    else:
        signed_in = " and accepts the password" if server.user else ""
        yield Finding(f"{name} answers{signed_in}.")


def _examine_provider(settings: Settings) -> Iterator[Finding]:
    options = sign_in_options(settings, None).provider
    if options is None:
        return
    try:
        IdentityProvider(options, SystemClock()).endpoints()
    except ProviderUnavailable as error:
        text = f"The identity provider in OIDC_ISSUER cannot be used: {error}."
        yield Finding(text, is_problem=True)
    else:
        yield Finding(f"The identity provider {options.issuer} answers.")


def _examine_public_url(public_url: str) -> Iterator[Finding]:
    webhook = f"{public_url}{WEBHOOK_PATH}"
    try:
        with httpx.Client(timeout=_WAIT_S, follow_redirects=False) as http:
            ready = http.get(f"{public_url}/readyz")
            # The service answers a webhook request without a signature with status 400, and does
            # nothing else.
            unsigned = http.post(webhook, json={})
    except httpx.HTTPError as error:
        yield Finding(
            f"PUBLIC_URL: nothing answers at {public_url} ({type(error).__name__}). Is `donate "
            "serve` running, and does the proxy forward to it?",
            is_problem=True,
        )
        return
    if ready.is_redirect:
        target = ready.headers.get("location", "")
        text = f"PUBLIC_URL: {public_url} redirects to {target}. Set PUBLIC_URL to the final URL."
        yield Finding(text, is_problem=True)
    elif _is_ready(ready):
        yield Finding(f"The service answers at {public_url}.")
    else:
        text = f"PUBLIC_URL: {public_url}/readyz answers {ready.status_code}: not ready for gifts."
        yield Finding(f"{text} Look at the logs of the service and the proxy.", is_problem=True)
    if unsigned.is_redirect:
        text = (
            f"{webhook} is redirected, and Stripe follows no redirects: let the proxy forward it."
        )
        yield Finding(text, is_problem=True)
    elif unsigned.status_code == 400:
        yield Finding(f"Webhooks reach the service at {webhook}.")
    else:
        yield Finding(
            f"{webhook} answers {unsigned.status_code} to an unsigned request, where the service "
            "answers 400: something intercepts webhooks. Check the proxy and the firewall.",
            is_problem=True,
        )


def _is_ready(answer: httpx.Response) -> bool:
    try:
        return answer.status_code == 200 and answer.json() == {"ready": True}
    except ValueError:
        return False


def _time(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y at %H:%M} UTC"
