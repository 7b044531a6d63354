"""The pages for adding and inviting people, and the page on which they set their password."""

from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict, Unavailable
from donate.finance.access import EVERYBODY, Gate, Visiting, needs
from donate.finance.activity.trail import record_act
from donate.finance.models import Staff
from donate.finance.people.acts import lock_person
from donate.finance.people.invitation_mail import send_invitation
from donate.finance.people.invitations import (
    derive_token,
    end_invitation,
    find_invited,
    is_invitation_stored,
    store_invitation,
)
from donate.finance.people.person_pages import PersonPages
from donate.finance.people.words import ROLE_MEANINGS, ROLE_NAMES
from donate.finance.roles import Role
from donate.finance.row_numbers import PersonNumber
from donate.finance.staff.accounts import (
    check_person,
    end_access,
    insert_staff,
)
from donate.finance.staff.addresses import SIGN_IN
from donate.finance.staff.options import SignInOptions
from donate.finance.staff.password_check import PasswordChecker
from donate.finance.staff.password_rules import tidy_password
from donate.storage.database import Database
from donate.web.templating import Pages


class InvitationPages:
    """Adds people, shows their invitation links, and lets them set their password."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        people: PersonPages,
        *,
        gate: Gate,
        checker: PasswordChecker,
        options: SignInOptions,
    ) -> None:
        self._gate = gate
        self._database = database
        self._pages = pages
        self._clock = clock
        self._people = people
        self._checker = checker
        self._options = options

    @needs(Role.ADMIN)
    def new_person(self, visit: Visiting) -> Response:
        """Show the form that adds a person."""
        return self._form(visit, {})

    @needs(Role.ADMIN, fresh=True)
    def add_person(self, visit: Visiting) -> Response:
        """Add a person and show their invitation link. A double click adds the person only once."""
        typed, now = visit.form, self._clock.now()
        problems: dict[str, BadInput] = {}
        if typed.get("role") not in ROLE_NAMES:
            problems["role"] = BadInput("role", N_("Please choose a role from the list."))
        email = name = ""
        try:
            email, name = check_person(typed.get("email", ""), typed.get("name", ""))
        except BadInput as problem:
            problems[problem.field] = problem
        if problems:
            return self._form(visit, problems)
        token = derive_token(visit.signed_in.csrf_token, typed.get("form_key", ""), email)
        try:
            with self._database.writing() as session:
                if is_invitation_stored(session, token):
                    staff = find_invited(session, token, now=now)
                    is_new = False
                else:
                    role, is_new = Role(typed["role"]), True
                    staff = insert_staff(session, email, name=name, role=role, now=now)
                    store_invitation(session, staff, token, now=now)
                    detail = {"role": role}
                    visit.record(session, "staff_added", now=now, about=email, detail=detail)
        except Conflict:
            taken = BadInput("email", N_("This address already has an account."))
            return self._form(visit, {"email": taken}, status_code=409)
        return self._answer_link(visit, staff, token, is_new=is_new)

    @needs(Role.ADMIN, fresh=True)
    def invite_again(self, person_id: PersonNumber, visit: Visiting) -> Response:
        """Show a new link for setting a password. The person's earlier links stop working."""
        now = self._clock.now()
        try:
            with self._database.writing() as session:
                staff, _ = lock_person(session, visit.signed_in.staff_id, person_id)
                if staff.disabled_at:
                    raise Conflict(N_("This account is disabled. Enable it first."))
                secret, key = visit.signed_in.csrf_token, visit.form.get("form_key", "")
                token = derive_token(secret, key, staff.email)
                is_new = not is_invitation_stored(session, token)
                if is_new:
                    store_invitation(session, staff, token, now=now)
                    visit.record(session, "staff_invited", now=now, about=staff.email)
        except Conflict as conflict:
            return self._people.answer_person(
                visit, person_id, conflict=str(conflict), status_code=409
            )
        return self._answer_link(visit, staff, token, is_new=is_new)

    @needs(EVERYBODY)
    def invitation(self, request: Request, visit: Visiting) -> Response:
        """Show the form for an invited person to set their password."""
        return self._password_form(request, visit, request.query_params.get("token", ""))

    @needs(EVERYBODY)
    def accept(self, request: Request, visit: Visiting) -> Response:
        """Set the password of an invited person. Each link works only once."""
        token, now = visit.form.get("token", ""), self._clock.now()
        with self._database.reading() as session:
            staff = find_invited(session, token, now=now)
        if staff is None:
            return self._password_form(request, visit, token)
        password = tidy_password(visit.form.get("password", ""))
        try:
            self._checker.check_new(password, staff)
        except BadInput as problem:
            return self._password_form(request, visit, token, problem)
        password_hash = self._checker.hash(password)
        with self._database.writing() as session:
            locked = session.get(Staff, staff.id, with_for_update=True)
            if locked is None or locked.disabled_at or not end_invitation(session, token):
                raise Unavailable("the invitation was used or ended meanwhile")
            locked.password_hash = password_hash
            end_access(session, locked)
            record_act(
                session,
                "invitation_accepted",
                now=now,
                staff_id=locked.id,
                about=locked.email,
                address=visit.address,
            )
        return RedirectResponse(f"{SIGN_IN}?done=password-set", 303)

    def _password_form(
        self, request: Request, visit: Visiting, token: str, problem: BadInput | None = None
    ) -> Response:
        with self._database.reading() as session:
            person = find_invited(session, token, now=self._clock.now())
        if person is None:
            self._gate.record_refusal(request, None, "wrong invitation")
        return self._pages.render(
            "finance/invitation.html",
            visit.language,
            status_code=404 if person is None else 422 if problem else 200,
            staff=None,
            person=person,
            token=token,
            problems={problem.field: problem} if problem else {},
        )

    def _form(
        self, visit: Visiting, problems: dict[str, BadInput], *, status_code: int = 422
    ) -> Response:
        typed: dict[str, Any] = {
            name: visit.form.get(name, "")[:300] for name in ("name", "email", "role")
        }
        return self._pages.render(
            "finance/person_new.html",
            visit.language,
            status_code=status_code if problems else 200,
            staff=visit.signed_in,
            typed=typed,
            problems=problems,
            role_names=ROLE_NAMES,
            role_meanings=ROLE_MEANINGS,
            form_key=visit.new_form_key(),
        )

    def _answer_link(
        self, visit: Visiting, staff: Staff | None, token: str, *, is_new: bool
    ) -> Response:
        if staff is None:  # after a double click, if the person used the link in between
            return RedirectResponse("/finance/people", 303)
        link = f"{self._options.public_url}/finance/invitation?token={token}"
        sent = is_new and send_invitation(
            self._options, staff, link, visit.language, now=self._clock.now()
        )
        return self._pages.render(
            "finance/person_invited.html",
            visit.language,
            staff=visit.signed_in,
            person=staff,
            link=link,
            sent=sent,
            is_repeated=not is_new,
            sends_mail=self._options.new_carrier is not None,
        )
