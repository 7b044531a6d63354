"""Carries out `donate stripe`: what an operator does at Stripe, from a terminal."""

import argparse

from donate.observability import configure_logging
from donate.settings import Settings, load_settings


def add_stripe_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `donate stripe` and its sub-commands."""
    stripe = commands.add_parser("stripe", help="set up the Stripe account")
    acts = stripe.add_subparsers(required=True, metavar="ACT")
    says = "make the webhook endpoint and the settings that the service needs at Stripe"
    setup = acts.add_parser("setup", help=says, description=f"{says[0].upper()}{says[1:]}.")
    setup.add_argument("--check", action="store_true", help="only look; exit 1 if anything differs")
    setup.add_argument("--yes", action="store_true", help="make the changes without asking")
    setup.set_defaults(run=_setup)


def _setup(given: argparse.Namespace) -> int:
    settings = _settings()
    print(f"{settings.stripe_api_base}: nothing is looked up yet.")
    return 1 if given.check else 0


def _settings() -> Settings:
    settings = load_settings()
    configure_logging(settings.log_level)
    return settings
