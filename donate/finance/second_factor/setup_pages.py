"""The pages on which people set up, change or remove their own second factor."""

from typing import Final
from urllib.parse import urlsplit

import pyotp
import segno
from fastapi import Request
from markupsafe import Markup
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict
from donate.finance.access import SET_UP_SECOND_FACTOR, Gate, Visiting, needs
from donate.finance.fresh_proof.own_proof import OwnProof, lock_own_account
from donate.finance.people.account_pages import ME
from donate.finance.people.queries import end_own_sessions, prove_second_factor
from donate.finance.roles import Role
from donate.finance.second_factor.codes import (
    are_stored,
    begin_factor,
    confirm_factor,
    derive_recovery_codes,
    has_second_factor,
    remove_factor,
    replace_recovery_codes,
    unconfirmed_secret,
)
from donate.finance.staff.options import SignInOptions
from donate.storage.database import Database
from donate.web.templating import Pages

WRONG_FIRST_CODE: Final = N_("That code is wrong. Check that the clock of your phone is right.")
_NOT_OFFERED: Final = N_("The second step isn’t available on this installation.")


class FactorPages:
    """Sets up the second factor of the person who is signed in."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        gate: Gate,
        *,
        own_proof: OwnProof,
        options: SignInOptions,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._gate = gate
        self._own_proof = own_proof
        self._options = options

    @needs(Role.VIEWER, before_second_factor=True)
    def second_factor(self, request: Request, visit: Visiting) -> Response:
        """Show the next step of setting up the second factor.

        If it is set up, show how to change it.
        """
        return self._page(visit)

    @needs(Role.VIEWER, before_second_factor=True, fresh=True)
    def begin_second_factor(self, visit: Visiting) -> Response:
        """Store and show a new secret."""
        cipher = self._options.cipher
        try:
            if cipher is None:
                raise Conflict(_NOT_OFFERED)
            with self._database.writing() as session:
                lock_own_account(session, visit.signed_in)
                begin_factor(session, visit.signed_in.staff_id, cipher)
        except Conflict as conflict:
            return self._page(visit, conflict=str(conflict), status_code=409)
        return RedirectResponse(SET_UP_SECOND_FACTOR, 303)

    @needs(Role.VIEWER, before_second_factor=True, fresh=True)
    def confirm_second_factor(self, visit: Visiting) -> Response:
        """Confirm the second factor with its first code, and show the recovery codes."""
        me, now, cipher = visit.signed_in, self._clock.now(), self._options.cipher
        codes = self._codes_of_form(visit)
        try:
            self._own_proof.count_code(visit, "code")
            with self._database.writing() as session:
                lock_own_account(session, me)
                if not are_stored(session, me.staff_id, codes):
                    typed = visit.form.get("code", "")
                    if cipher is None or not confirm_factor(
                        session, me.staff_id, typed, cipher, now=now
                    ):
                        raise BadInput("code", WRONG_FIRST_CODE)
                    replace_recovery_codes(session, me.staff_id, codes)
                    prove_second_factor(session, me.token_hash, now=now)
                    end_own_sessions(session, me.staff_id, keep=me.token_hash, only=None)
                    self._record(session, visit, "second_factor_set_up")
                self._own_proof.forget_codes(session, visit)
        except BadInput as problem:
            return self._page(visit, problem=problem, status_code=422)
        return self._answer_codes(visit, codes)

    @needs(Role.VIEWER, fresh=True)
    def renew_codes(self, visit: Visiting) -> Response:
        """Replace the recovery codes and show the new ones."""
        me, codes = visit.signed_in, self._codes_of_form(visit)
        with self._database.writing() as session:
            lock_own_account(session, me)
            if not has_second_factor(session, me.staff_id):
                return RedirectResponse(SET_UP_SECOND_FACTOR, 303)
            if not are_stored(session, me.staff_id, codes):
                replace_recovery_codes(session, me.staff_id, codes)
                self._record(session, visit, "recovery_codes_renewed")
        return self._answer_codes(visit, codes)

    @needs(Role.VIEWER, fresh=True)
    def remove_second_factor(self, visit: Visiting) -> Response:
        """Remove the second factor. Refuses if the role requires one."""
        if self._is_required(visit):
            conflict = N_("Your role requires the second step.")
            return self._page(visit, conflict=conflict, status_code=409)
        with self._database.writing() as session:
            lock_own_account(session, visit.signed_in)
            if remove_factor(session, visit.signed_in.staff_id):
                self._record(session, visit, "second_factor_removed")
        return RedirectResponse(f"{ME}?done=factor-removed", 303)

    def _is_required(self, visit: Visiting) -> bool:
        return self._options.requires_second_factor(visit.signed_in.role)

    def _codes_of_form(self, visit: Visiting) -> list[str]:
        key = visit.form.get("form_key", "")
        return derive_recovery_codes(f"{visit.signed_in.csrf_token}\0{key}")

    def _record(self, session: Session, visit: Visiting, act: str) -> None:
        visit.record(session, act, now=self._clock.now(), about=visit.signed_in.email)

    def _answer_codes(self, visit: Visiting, codes: list[str]) -> Response:
        return self._pages.render(
            "finance/recovery_codes.html", visit.language, staff=visit.signed_in, codes=codes
        )

    def _page(
        self,
        visit: Visiting,
        *,
        problem: BadInput | None = None,
        conflict: str = "",
        status_code: int = 200,
    ) -> Response:
        me, cipher = visit.signed_in, self._options.cipher
        with self._database.reading() as session:
            has_factor = has_second_factor(session, me.staff_id)
            secret = unconfirmed_secret(session, me.staff_id, cipher) if cipher else None
        return self._pages.render(
            "finance/second_factor.html",
            visit.language,
            status_code=status_code,
            staff=me,
            is_led_here=self._gate.lacks_second_factor(me),
            is_offered=cipher is not None,
            is_required=self._is_required(visit),
            has_factor=has_factor,
            key=_in_fours(secret) if secret else "",
            picture=self._picture(me.email, secret) if secret else "",
            form_key=visit.new_form_key(),
            conflict=conflict,
            problems={problem.field: problem} if problem else {},
        )

    def _picture(self, email: str, secret: str) -> Markup:
        """Return a QR code of the secret as SVG, which an app can scan."""
        site = urlsplit(self._options.public_url).hostname or "donate"
        uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=site)
        svg = segno.make(uri, error="m").svg_inline(
            dark="#000", light="#fff", border=4, omitsize=True, svgclass=None, lineclass=None
        )
        return Markup(svg)  # noqa: S704 -- segno writes only paths, and no text of ours


def _in_fours(secret: str) -> str:
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
