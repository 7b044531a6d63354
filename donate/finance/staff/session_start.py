"""Signs a person in, once they have proved everything that is required."""

from dataclasses import dataclass, field
from datetime import datetime

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.errors import Unavailable
from donate.finance.access import Gate
from donate.finance.activity.trail import record_act
from donate.finance.models import Staff
from donate.finance.second_factor.pending import begin_pending, end_pending
from donate.finance.sessions import end_session, start_session
from donate.finance.staff.browsers import browser_name
from donate.finance.staff.devices import KEPT, remember_device
from donate.web.limits.networks import address_of, network_of

CODE_PAGE = "/finance/sign-in/code"


@dataclass(frozen=True, slots=True)
class StartedSession:
    """The tokens of the cookies of a new session and of the browser."""

    token: str = field(repr=False)
    device: str = field(repr=False)


class SessionStart:
    """Starts sessions, and sets the cookies for signing in."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def start(
        self,
        session: Session,
        request: Request,
        staff: Staff,
        *,
        now: datetime,
        second_factor_at: datetime | None = None,
        proved_at: datetime | None = None,
    ) -> StartedSession:
        """Start a session, and end the browser's earlier session. Remember the browser.

        `proved_at` is when the person proved what signing in needs; None if it is not known.
        """
        if staff.id is None:
            raise Unavailable("the account was not stored yet")
        end_session(session, request.cookies.get(self._gate.session_cookie, ""))
        staff.signed_in_at = now
        address = address_of(request)
        token = start_session(
            session,
            staff.id,
            now=now,
            second_factor_at=second_factor_at,
            proved_at=proved_at,
            address=address,
            browser=browser_name(request.headers.get("user-agent", "")),
        )
        network = network_of(address)
        record_act(session, "signed_in", now=now, staff_id=staff.id, address=network)
        earlier = request.cookies.get(self._gate.device_cookie, "")
        return StartedSession(token, remember_device(session, earlier, staff.id, now=now))

    def wait_for_code(
        self,
        session: Session,
        request: Request,
        staff_id: int,
        target: str,
        *,
        now: datetime,
        proved_at: datetime | None,
    ) -> str:
        """Store that this person still has to enter a code. Return the token for the cookie."""
        end_pending(session, request.cookies.get(self._gate.pending_cookie, ""))
        return begin_pending(session, staff_id, target, now=now, proved_at=proved_at)

    def answer_started(self, started: StartedSession, target: str) -> Response:
        """Return a redirect to a staff page, with the cookies of the new session."""
        answer = RedirectResponse(target, 303)
        self._gate.cookies.set(answer, self._gate.session_cookie, started.token)
        kept_s = int(KEPT.total_seconds())
        self._gate.cookies.set(answer, self._gate.device_cookie, started.device, kept_s)
        self._gate.cookies.drop(answer, self._gate.form_cookie)
        self._gate.cookies.drop(answer, self._gate.pending_cookie)
        return answer

    def answer_pending(self, token: str) -> Response:
        """Return a redirect to the page that asks for a code, with its cookie."""
        answer = RedirectResponse(CODE_PAGE, 303)
        self._gate.cookies.set(answer, self._gate.pending_cookie, token)
        return answer
