"""`donate staff`: adds staff accounts and changes them, even if no admin can sign in."""

import argparse
import getpass
import sys
from collections.abc import Callable
from typing import Final

from donate.clock import SystemClock
from donate.errors import BadInput
from donate.settings import Settings
from donate.storage.database import Database

_ROLES: Final = ("viewer", "finance", "admin")


def add_staff_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    open_database: Callable[[], Database],
    load_settings: Callable[[], Settings],
) -> None:
    """Add `donate staff` and its subcommands. They open the database with `open_database`."""
    staff = commands.add_parser("staff", help="manage who may sign in at /finance")
    subcommands = staff.add_subparsers(required=True, metavar="COMMAND")
    for name, text, run in (
        ("add", "add an account; prompts for a password", _add),
        ("role", "change what a person may do", _change_role),
        ("password", "set a new password and sign the person out", _set_password),
        ("disable", "disable an account", _disable),
        ("enable", "enable a disabled account", _enable),
        ("reset-second-factor", "delete a lost second factor", _reset_second_factor),
        (
            "release-provider-account",
            "forget which account at the identity provider is a person’s",
            _release_provider_account,
        ),
        ("token", "create a token for a program that reads gifts", _add_token),
        ("list", "list all accounts", _list),
    ):
        command = subcommands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}."
        )
        command.set_defaults(run=run, open_database=open_database, load_settings=load_settings)
        if name == "add":
            help_of_role = "viewers cannot change anything, admins manage people (default: finance)"
            command.add_argument("--name", required=True, help="name to show to other staff")
            command.add_argument("--role", choices=_ROLES, default="finance", help=help_of_role)
        if name != "list":
            command.add_argument("email", help="the e-mail address of the account")
        if name == "role":
            command.add_argument("role", choices=_ROLES)


def _add(arguments: argparse.Namespace) -> int:
    from donate.finance.roles import Role
    from donate.finance.staff.accounts import add_staff

    password, now, charity = _ask_password(), SystemClock().now(), _charity(arguments)
    with arguments.open_database().writing() as session:
        staff = add_staff(
            *(session, arguments.email),
            name=arguments.name,
            role=Role(arguments.role),
            password=password,
            now=now,
            charity=charity,
        )
    print(f"{staff.email} can now sign in as {staff.role}.")
    return 0


def _change_role(arguments: argparse.Namespace) -> int:
    from donate.finance.roles import Role
    from donate.finance.staff.accounts import give_role

    with arguments.open_database().writing() as session:
        role = Role(arguments.role)
        staff = give_role(session, arguments.email, role, now=SystemClock().now())
    print(f"{staff.email} is now {staff.role}.")
    return 0


def _set_password(arguments: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import set_password

    password, now, charity = _ask_password(), SystemClock().now(), _charity(arguments)
    with arguments.open_database().writing() as session:
        set_password(session, arguments.email, password, now=now, charity=charity)
    print("The password is set, and all sessions are signed out.")
    return 0


def _disable(arguments: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import disable

    with arguments.open_database().writing() as session:
        disable(session, arguments.email, now=SystemClock().now())
    print(f"{arguments.email} can no longer sign in.")
    return 0


def _enable(arguments: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import enable

    with arguments.open_database().writing() as session:
        enable(session, arguments.email, now=SystemClock().now())
    print(f"{arguments.email} can sign in again.")
    return 0


def _reset_second_factor(arguments: argparse.Namespace) -> int:
    from donate.finance.activity.trail import record_act
    from donate.finance.people.acts import reset_factor
    from donate.finance.staff.accounts import staff_by_email

    with arguments.open_database().writing() as session:
        staff = staff_by_email(session, arguments.email)
        existed = reset_factor(session, staff)
        if existed:
            now = SystemClock().now()
            record_act(session, "second_factor_reset", about=staff.email, now=now)
    print(
        f"{staff.email} signs in with the password alone until they set up another second factor."
        if existed
        else f"{staff.email} has no second factor."
    )
    return 0


def _release_provider_account(arguments: argparse.Namespace) -> int:
    from donate.finance.activity.trail import record_act
    from donate.finance.people.acts import release_provider_account
    from donate.finance.staff.accounts import staff_by_email

    with arguments.open_database().writing() as session:
        staff = staff_by_email(session, arguments.email)
        existed = release_provider_account(session, staff)
        if existed:
            act, now = "provider_account_released", SystemClock().now()
            record_act(session, act, about=staff.email, now=now)
    print(
        f"The next account there that signs in as {staff.email} is theirs."
        if existed
        else f"{staff.email} has never signed in at the identity provider."
    )
    return 0


def _add_token(arguments: argparse.Namespace) -> int:
    from donate.finance.staff.tokens import add_token

    with arguments.open_database().writing() as session:
        print(add_token(session, arguments.email, now=SystemClock().now()))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import all_staff

    with arguments.open_database().reading() as session:
        for staff in all_staff(session):
            state = "disabled" if staff.disabled_at else staff.role
            print(f"{staff.email}\t{staff.name}\t{state}")
    return 0


def _charity(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the charity's names, which nobody may use as a password."""
    from donate.regions.regions import load_regions

    return load_regions(arguments.load_settings().regions_file).charity_names()


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password (12 characters or more): ")
    if first != getpass.getpass("Repeat the password: "):
        raise BadInput("password", "The two passwords differ; nothing was changed.")
    return first
