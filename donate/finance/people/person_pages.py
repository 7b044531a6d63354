"""The pages on which admins manage staff: the list, the page of a person, and its forms."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict
from donate.finance.access import Visiting, needs
from donate.finance.models import Staff
from donate.finance.people.acts import (
    check_version,
    end_sessions_of,
    let_back_in,
    lock_person,
    release_provider_account,
    reset_factor,
    set_role,
    shut_out,
)
from donate.finance.people.queries import load_person, people_after
from donate.finance.people.words import PERSON_DONE, ROLE_MEANINGS, ROLE_NAMES
from donate.finance.roles import Role
from donate.finance.row_numbers import PersonNumber
from donate.storage.database import Database
from donate.web.templating import Pages

PEOPLE: Final = "/finance/people"
PEOPLE_ON_A_PAGE: Final = 50
Act = Callable[[Session, Staff, bool], str]


class PersonPages:
    """Lists people, and changes, disables and enables their accounts."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, *, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    @needs(Role.ADMIN)
    def people(self, request: Request, visit: Visiting) -> Response:
        """List people, sorted by e-mail address."""
        after = request.query_params.get("after", "")[:254]
        now = self._clock.now()
        with self._database.reading() as session:
            people = people_after(session, after, PEOPLE_ON_A_PAGE + 1, now=now)
        return self._pages.render(
            "finance/people.html",
            visit.language,
            staff=visit.signed_in,
            people=people[:PEOPLE_ON_A_PAGE],
            has_more=len(people) > PEOPLE_ON_A_PAGE,
            is_first_page=not after,
            role_names=ROLE_NAMES,
            time_zone=self._time_zone,
        )

    @needs(Role.ADMIN)
    def person(self, person_id: PersonNumber, request: Request, visit: Visiting) -> Response:
        """Show a person, and the changes that an admin can make."""
        done = PERSON_DONE.get(request.query_params.get("done", ""), "")
        return self.answer_person(visit, person_id, done=done)

    @needs(Role.ADMIN, fresh=True)
    def change_role(self, person_id: PersonNumber, visit: Visiting) -> Response:
        """Give the person another role."""
        typed = visit.form.get("role", "")
        if typed not in ROLE_NAMES:
            problem = BadInput("role", N_("Please choose a role from the list."))
            return self.answer_person(visit, person_id, problem=problem, status_code=422)
        role = Role(typed)

        def change(session: Session, person: Staff, is_last_admin: bool) -> str:  # noqa: FBT001
            if person.role == role:
                return "role"
            check_version(person, visit.form.get("version", ""))
            before = person.role
            set_role(person, role, is_last_admin=is_last_admin)
            self._record(session, visit, "role_changed", person, {"from": before, "to": role})
            return "role"

        return self._act(visit, person_id, change)

    @needs(Role.ADMIN, fresh=True)
    def disable_person(self, person_id: PersonNumber, visit: Visiting) -> Response:
        """Disable the person's account."""

        def change(session: Session, person: Staff, is_last_admin: bool) -> str:  # noqa: FBT001
            if person.disabled_at is None:
                check_version(person, visit.form.get("version", ""))
                shut_out(session, person, is_last_admin=is_last_admin, now=self._clock.now())
                self._record(session, visit, "staff_disabled", person)
            return "disabled"

        return self._act(visit, person_id, change)

    @needs(Role.ADMIN, fresh=True)
    def enable_person(self, person_id: PersonNumber, visit: Visiting) -> Response:
        """Enable the person's account."""

        def change(session: Session, person: Staff, is_last_admin: bool) -> str:  # noqa: ARG001, FBT001
            if person.disabled_at is not None:
                check_version(person, visit.form.get("version", ""))
                let_back_in(person)
                self._record(session, visit, "staff_enabled", person)
            return "enabled"

        return self._act(visit, person_id, change)

    @needs(Role.ADMIN, fresh=True)
    def end_sessions(self, person_id: PersonNumber, visit: Visiting) -> Response:
        """End all sessions of the person."""
        return self._change(
            visit, person_id, end_sessions_of, act="sessions_ended", done="sessions"
        )

    @needs(Role.ADMIN, fresh=True)
    def reset_second_factor(self, person_id: PersonNumber, visit: Visiting) -> Response:
        """Delete the person's second factor, so that they have to set up a new one."""
        return self._change(
            visit, person_id, reset_factor, act="second_factor_reset", done="factor"
        )

    @needs(Role.ADMIN, fresh=True)
    def release_account(self, person_id: PersonNumber, visit: Visiting) -> Response:
        """Forget which account at the identity provider is the person's."""
        return self._change(
            visit,
            person_id,
            release_provider_account,
            act="provider_account_released",
            done="released",
        )

    def answer_person(
        self,
        visit: Visiting,
        person_id: int,
        *,
        done: str = "",
        conflict: str = "",
        problem: BadInput | None = None,
        status_code: int = 200,
    ) -> Response:
        """Return the page of a person, with their current data. Raises NotFound."""
        with self._database.reading() as session:
            person = load_person(session, person_id, now=self._clock.now())
        return self._pages.render(
            "finance/person.html",
            visit.language,
            status_code=status_code,
            staff=visit.signed_in,
            person=person,
            done=done,
            conflict=conflict,
            problems={problem.field: problem} if problem else {},
            role_names=ROLE_NAMES,
            role_meanings=ROLE_MEANINGS,
            form_key=visit.new_form_key(),
            time_zone=self._time_zone,
        )

    def _act(self, visit: Visiting, person_id: int, act: Act) -> Response:
        try:
            with self._database.writing() as session:
                admin_id = visit.signed_in.staff_id
                person, is_last_admin = lock_person(session, admin_id, person_id)
                done = act(session, person, is_last_admin)
        except Conflict as conflict:
            return self.answer_person(visit, person_id, conflict=str(conflict), status_code=409)
        return RedirectResponse(f"{PEOPLE}/{person_id}?done={done}", 303)

    def _change(
        self,
        visit: Visiting,
        person_id: int,
        change: Callable[[Session, Staff], int],
        *,
        act: str,
        done: str,
    ) -> Response:
        """Make a change that needs no other fields, and record it if there was something to do."""

        def change_and_record(session: Session, person: Staff, is_last_admin: bool) -> str:  # noqa: ARG001, FBT001
            if change(session, person):
                self._record(session, visit, act, person)
            return done

        return self._act(visit, person_id, change_and_record)

    def _record(
        self,
        session: Session,
        visit: Visiting,
        act: str,
        person: Staff,
        detail: dict[str, Any] | None = None,
    ) -> None:
        visit.record(session, act, now=self._clock.now(), about=person.email, detail=detail)
