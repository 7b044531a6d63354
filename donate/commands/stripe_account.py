"""`donate stripe`: sets up the Stripe account, and checks how Stripe behaves."""

import argparse
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from donate.clock import SystemClock
from donate.settings import Settings, load_settings
from donate.web.limits.body_limits import WEBHOOK_PATH
from donate.web.logs_and_metrics import configure_logging

if TYPE_CHECKING:
    from donate.stripe_gateway.setup.steps import Step


def add_stripe_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `donate stripe` and its subcommands."""
    stripe = commands.add_parser("stripe", help="set up and check the Stripe account")
    subcommands = stripe.add_subparsers(required=True, metavar="COMMAND")
    text = "create the webhook endpoint and the settings that the service needs at Stripe"
    setup = subcommands.add_parser("setup", help=text, description=f"{text[0].upper()}{text[1:]}.")
    setup.add_argument("--check", action="store_true", help="only look; exit 1 if anything differs")
    setup.add_argument("--yes", action="store_true", help="make the changes without asking")
    setup.set_defaults(run=_setup)
    _add_check(subcommands)


def _add_check(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "check in your test-mode account that Stripe behaves as this service expects"
    check = subcommands.add_parser("check", help=text, description=f"{text[0].upper()}{text[1:]}.")
    check.add_argument("--report", default="donate-stripe-check.json", metavar="FILE")
    check.add_argument(
        "--wait",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long to wait for a person to act on Stripe's pages (default: 300)",
    )
    check.add_argument("--no-links", action="store_true", help="skip checks that need a person")
    check.add_argument("--list", action="store_true", help="only list the checks")
    check.set_defaults(run=_check)


def _setup(arguments: argparse.Namespace) -> int:
    """Print what differs at Stripe, and change it after a confirmation.

    Return 1 if anything is left to do.
    """
    from donate.regions.regions import load_regions
    from donate.stripe_gateway.setup.account import StripeAccount
    from donate.stripe_gateway.setup.all_steps import carry_out, check_account, methods_of
    from donate.stripe_gateway.setup.steps import RequiredSettings

    settings = _settings_before_the_webhook()
    target = RequiredSettings(
        f"{settings.public_url}{WEBHOOK_PATH}",
        settings.stripe_account,
        methods_of(load_regions(settings.regions_file).values()),
    )
    print(f"Checking Stripe in {'live' if settings.livemode else 'test'} mode.\n", flush=True)
    account = StripeAccount(settings.stripe_secret_key.get_secret_value(), settings.stripe_api_base)
    try:
        steps = list(check_account(account, target))
        for step in steps:
            _show(step)
        changes = [step for step in steps if step.act]
        left = any(step.by_hand for step in steps)
        if not changes:
            by_hand = "Nothing to change, except the steps marked “by hand”."
            print(f"\n{by_hand if left else 'Nothing to change.'}")
            return 1 if left else 0
        if arguments.check:
            print(f"\nRun `donate stripe setup` to make {_count(changes)}.")
            return 1
        if not arguments.yes and not _confirm(changes):
            print("Nothing was changed.")
            return 1
        print()
        for step in changes:
            for result in carry_out(step):
                _show(result)
                left = left or result.by_hand
    finally:
        account.close()
    return 1 if left else 0


def _show(step: "Step") -> None:
    kind = "ok" if step.is_well else "change" if step.act else "by hand"
    print(f"{kind:8}{step.says}", flush=True)


def _confirm(changes: "list[Step]") -> bool:
    print(f"\nMake {_count(changes)}? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _count(changes: "list[Step]") -> str:
    return "this change" if len(changes) == 1 else f"these {len(changes)} changes"


def _check(arguments: argparse.Namespace) -> int:
    from donate.stripe_gateway.assumptions.report import check, table
    from donate.stripe_gateway.assumptions.world import Account

    if arguments.list:
        print(*table(), sep="\n")
        return 0
    settings = _settings_before_the_webhook()
    account = Account(
        settings.stripe_secret_key.get_secret_value(),
        settings.stripe_api_base,
        settings.checkout_hosts,
        settings.public_url,
        settings.stripe_account,
    )
    return check(
        account,
        SystemClock(),
        say=lambda line: print(line, flush=True),
        report=Path(arguments.report),
        wait_s=arguments.wait,
        links=not arguments.no_links,
    )


def _settings_before_the_webhook() -> Settings:
    # These commands need no webhook signing secret: `setup` creates it.
    settings = load_settings(stripe_webhook_secret=f"whsec_{secrets.token_hex(16)}")
    configure_logging(settings.log_level)
    return settings
