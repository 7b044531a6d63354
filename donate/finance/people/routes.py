"""The routes for signing in, for people's own accounts, and for managing people."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pwdlib import PasswordHash

from donate.clock import Clock
from donate.finance.access import Gate
from donate.finance.fresh_proof.own_proof import OwnProof
from donate.finance.fresh_proof.pages import ConfirmPages
from donate.finance.people.account_pages import OwnAccountPages
from donate.finance.people.invitation_pages import InvitationPages
from donate.finance.people.person_pages import PersonPages
from donate.finance.provider.client import IdentityProvider
from donate.finance.provider.pages import ProviderPages
from donate.finance.second_factor.code_pages import CodePages
from donate.finance.second_factor.setup_pages import FactorPages
from donate.finance.staff.options import SignInOptions
from donate.finance.staff.password_check import PasswordChecker
from donate.finance.staff.sign_in import SignIn
from donate.storage.database import Database
from donate.web.templating import Pages

_Route = tuple[str, str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """What the pages for signing in and the pages about people all need."""

    database: Database
    pages: Pages
    clock: Clock
    gate: Gate
    options: SignInOptions
    time_zone: str
    charity: Sequence[str]
    """The names of the charity, which nobody may use as a password."""


def add_people_routes(
    router: APIRouter,
    parts: PeopleParts,
    *,
    passwords: PasswordHash,
    pause: Callable[[float], None],
) -> None:
    """Add the routes for signing in, for people's own accounts, and for managing people.

    `pause` waits for some seconds, to delay sign-ins. Tests pass a function that does not wait.
    """
    checker = PasswordChecker(parts.database, passwords, charity=parts.charity)
    for method, path, answer in (
        *_sign_in_routes(parts, checker, pause),
        *_own_routes(parts, checker),
        *_people_routes(parts, checker),
    ):
        router.add_api_route(path, answer, methods=[method])


def _sign_in_routes(
    parts: PeopleParts, checker: PasswordChecker, pause: Callable[[float], None]
) -> Iterator[_Route]:
    """Yield the routes for signing in.

    There are routes for the identity provider only if one is configured.
    """
    database, pages, clock, gate = parts.database, parts.pages, parts.clock, parts.gate
    options = parts.options
    has_provider = options.provider is not None
    sign_in = SignIn(
        database, pages, clock, gate, checker=checker, pause=pause, has_provider=has_provider
    )
    codes = CodePages(database, pages, clock, gate, cipher=options.cipher)
    yield "GET", "/sign-in", sign_in.form
    yield "POST", "/sign-in", sign_in.sign_in
    yield "GET", "/sign-in/code", codes.code_form
    yield "POST", "/sign-in/code", codes.check_code
    yield "POST", "/sign-out", sign_in.sign_out
    if options.provider:
        provider = IdentityProvider(options.provider, clock)
        there = ProviderPages(database, clock, gate, sign_in, provider=provider)
        yield "GET", "/sign-in/provider", there.lead_there
        yield "GET", "/sign-in/provider/back", there.come_back


def _own_routes(parts: PeopleParts, checker: PasswordChecker) -> Iterator[_Route]:
    database, pages, clock = parts.database, parts.pages, parts.clock
    own_proof = OwnProof(database, clock, checker, cipher=parts.options.cipher)
    confirm = ConfirmPages(parts.gate, own_proof)
    account = OwnAccountPages(
        database,
        pages,
        clock,
        parts.gate,
        checker=checker,
        own_proof=own_proof,
        offers_second_factor=parts.options.cipher is not None,
        time_zone=parts.time_zone,
    )
    factor = FactorPages(
        database, pages, clock, parts.gate, own_proof=own_proof, options=parts.options
    )
    yield "GET", "/me", account.account
    yield "POST", "/me/confirmed", confirm.confirmed
    yield "POST", "/me/password", account.change_password
    yield "POST", "/me/session-ended", account.end_session
    yield "POST", "/me/sessions-ended", account.end_other_sessions
    yield "GET", "/me/second-factor", factor.second_factor
    yield "POST", "/me/second-factor/begun", factor.begin_second_factor
    yield "POST", "/me/second-factor/confirmed", factor.confirm_second_factor
    yield "POST", "/me/second-factor/codes", factor.renew_codes
    yield "POST", "/me/second-factor/removed", factor.remove_second_factor


def _people_routes(parts: PeopleParts, checker: PasswordChecker) -> Iterator[_Route]:
    database, pages, clock = parts.database, parts.pages, parts.clock
    people = PersonPages(database, pages, clock, time_zone=parts.time_zone)
    invitations = InvitationPages(
        database, pages, clock, people, gate=parts.gate, checker=checker, options=parts.options
    )
    yield "GET", "/invitation", invitations.invitation
    yield "POST", "/invitation", invitations.accept
    yield "GET", "/people", people.people
    yield "GET", "/people/new", invitations.new_person
    yield "POST", "/people/new", invitations.add_person
    yield "GET", "/people/{person_id}", people.person
    yield "POST", "/people/{person_id}/invited", invitations.invite_again
    yield "POST", "/people/{person_id}/role", people.change_role
    yield "POST", "/people/{person_id}/disabled", people.disable_person
    yield "POST", "/people/{person_id}/enabled", people.enable_person
    yield "POST", "/people/{person_id}/sessions-ended", people.end_sessions
    yield "POST", "/people/{person_id}/second-factor-reset", people.reset_second_factor
    yield "POST", "/people/{person_id}/provider-account-released", people.release_account
