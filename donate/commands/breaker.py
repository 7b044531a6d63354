"""`donate breaker`: shows and sets the protection against card testing from the command line."""

import argparse
from collections.abc import Callable
from typing import Final

from donate.breaker.attack_queries import recent_attacks
from donate.breaker.models import Lane, Level, SwitchPosition
from donate.breaker.switch import set_switch, switch_position
from donate.clock import SystemClock
from donate.finance.activity.trail import record_act
from donate.settings import Settings
from donate.storage.database import Database
from donate.wiring.from_settings import breaker_of

_SHOWN: Final = 3
_NETWORKS: Final = 5
_TIME: Final = "%Y-%m-%d %H:%M UTC"


def add_breaker_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    open_database: Callable[[], Database],
    read_settings: Callable[[], Settings],
) -> None:
    """Add `donate breaker`."""
    text = "show or set the protection against card testing"
    command = commands.add_parser("breaker", help=text, description=f"{text.capitalize()}.")
    command.add_argument(
        "do",
        nargs="?",
        choices=("status", *SwitchPosition),
        default="status",
        help="pause cards, keep it calm, let it decide (automatic), or print the status",
    )
    command.set_defaults(run=_run, open_database=open_database, read_settings=read_settings)


def _run(arguments: argparse.Namespace) -> int:
    database: Database = arguments.open_database()
    if arguments.do != "status":
        position, now = SwitchPosition(arguments.do), SystemClock().now()
        with database.writing() as session:
            set_switch(session, position, "shell", now=now)
            record_act(session, f"breaker_{position}", now=now)
    breaker = breaker_of(arguments.read_settings(), database, SystemClock())
    with database.reading() as session:
        print(f"switch: {switch_position(session)}")
        for lane in Lane:
            print(f"{lane}: {breaker.level(session, lane).name.lower()}")
        for logged in recent_attacks(session, _SHOWN):
            attack = logged.attack
            end = f"{attack.ended_at:{_TIME}}" if attack.ended_at else "now"
            print(
                f"attack on {attack.lane} from {attack.began_at:{_TIME}} to {end}: "
                f"{attack.opened} opened, {attack.asked} challenged, {attack.refused} refused"
            )
            for step in logged.steps:
                print(f"  {step.at:{_TIME}} {Level(step.level).name.lower()}")
            for row in logged.networks[:_NETWORKS]:
                tried = row.opened + row.asked + row.refused
                print(f"  {row.network}: {tried} tries, {row.opened} opened")
    database.close()
    return 0
