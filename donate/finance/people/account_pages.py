"""A person's own account page: password, sessions, and whether a second factor is set up."""

from typing import Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput
from donate.finance.access import Gate, Visiting, needs
from donate.finance.fresh_proof.asking import OWN_PASSWORD
from donate.finance.fresh_proof.own_proof import OwnProof
from donate.finance.models import Staff
from donate.finance.people.queries import end_own_sessions, own_sessions
from donate.finance.people.words import ACCOUNT_DONE, ROLE_MEANINGS, ROLE_NAMES
from donate.finance.roles import Role
from donate.finance.second_factor.codes import has_second_factor, unused_recovery_codes
from donate.finance.staff.accounts import end_access
from donate.finance.staff.password_check import PasswordChecker
from donate.finance.staff.password_rules import tidy_password
from donate.storage.database import Database
from donate.web.secret_tokens import hash_of
from donate.web.templating import Pages

ME: Final = "/finance/me"


class OwnAccountPages:
    """The pages on which people see and change their own account."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        gate: Gate,
        *,
        checker: PasswordChecker,
        own_proof: OwnProof,
        offers_second_factor: bool,
        time_zone: str,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._checker = checker
        self._gate = gate
        self._own_proof = own_proof
        self._offers_second_factor = offers_second_factor
        self._time_zone = time_zone

    @needs(Role.VIEWER)
    def account(self, request: Request, visit: Visiting) -> Response:
        """Show the person's own account."""
        done = ACCOUNT_DONE.get(request.query_params.get("done", ""), "")
        return self._account(visit, done=done)

    @needs(Role.VIEWER)
    def change_password(self, visit: Visiting) -> Response:
        """Change the person's own password, and end all their other sessions.

        The form always has the old password and the code, because it is their proof as well.
        """
        password = tidy_password(visit.form.get("new_password", ""))
        try:
            self._check_new(password, visit)
            password_hash = self._checker.hash(password)
            with self._own_proof.checked(visit) as proof:
                proof.person.password_hash = password_hash
                end_access(proof.session, proof.person, keep=hash_of(proof.token))
                self._record(proof.session, visit, "password_set")
        except BadInput as problem:
            return self._account(visit, problem=problem)
        answer = RedirectResponse(f"{ME}?done=password", 303)
        self._gate.cookies.set(answer, self._gate.session_cookie, proof.token)
        return answer

    @needs(Role.VIEWER, fresh=True)
    def end_session(self, visit: Visiting) -> Response:
        """End one of the person's own sessions."""
        return self._end(visit, only=visit.form.get("session", ""), done="session")

    @needs(Role.VIEWER, fresh=True)
    def end_other_sessions(self, visit: Visiting) -> Response:
        """End all of the person's own sessions except this one."""
        return self._end(visit, only=None, done="sessions")

    def _check_new(self, password: str, visit: Visiting) -> None:
        with self._database.reading() as session:
            person = session.get_one(Staff, visit.signed_in.staff_id)
        if not person.password_hash:
            raise BadInput(OWN_PASSWORD, N_("You sign in without a password."))
        try:
            self._checker.check_new(password, person)
        except BadInput as problem:
            raise BadInput("new_password", problem.message, problem.values) from None
        if password == tidy_password(visit.form.get(OWN_PASSWORD, "")):
            raise BadInput("new_password", N_("This is your old password. Please choose another."))

    def _end(self, visit: Visiting, *, only: str | None, done: str) -> Response:
        me = visit.signed_in
        with self._database.writing() as session:
            if end_own_sessions(session, me.staff_id, keep=me.token_hash, only=only):
                self._record(session, visit, "sessions_ended")
        return RedirectResponse(f"{ME}?done={done}", 303)

    def _record(self, session: Session, visit: Visiting, act: str) -> None:
        visit.record(session, act, now=self._clock.now(), about=visit.signed_in.email)

    def _account(
        self, visit: Visiting, *, done: str = "", problem: BadInput | None = None
    ) -> Response:
        me, now = visit.signed_in, self._clock.now()
        with self._database.reading() as session:
            person = session.get_one(Staff, me.staff_id)
            sessions = own_sessions(session, me.staff_id, now=now)
            has_factor = has_second_factor(session, me.staff_id)
            codes = unused_recovery_codes(session, me.staff_id)
        return self._pages.render(
            "finance/account.html",
            visit.language,
            status_code=422 if problem else 200,
            staff=me,
            has_password=bool(person.password_hash),
            sessions=sessions,
            has_factor=has_factor,
            codes=codes,
            offers_second_factor=self._offers_second_factor,
            done=done,
            problems={problem.field: problem} if problem else {},
            role_name=ROLE_NAMES[me.role],
            role_meaning=ROLE_MEANINGS[me.role],
            time_zone=self._time_zone,
        )
