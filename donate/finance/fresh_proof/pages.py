"""Takes the proof of the person who is signed in, and then the form that they had sent."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.errors import BadInput
from donate.finance.access import Gate, Visiting, needs
from donate.finance.fresh_proof.asking import THEN
from donate.finance.fresh_proof.own_proof import OwnProof
from donate.finance.roles import Role
from donate.finance.staff.addresses import HOME, safe_next


class ConfirmPages:
    """Takes the form of the page that asks whether it is really the person who is signed in."""

    def __init__(self, gate: Gate, own_proof: OwnProof) -> None:
        self._gate = gate
        self._own_proof = own_proof

    @needs(Role.VIEWER, before_second_factor=True)
    def confirmed(self, request: Request, visit: Visiting) -> Response:
        """Check the proof, and have the browser send the first form again, to its own URL."""
        then = visit.form.get(THEN, "")
        try:
            with self._own_proof.checked(visit) as proof:
                token = proof.token
        except BadInput as problem:
            me = visit.signed_in
            self._gate.record_refusal(request, me, "wrong proof")
            return self._gate.proof_form.ask(me, visit.form, then=then, problem=problem)
        # A browser that gets 307 sends the same fields by POST to the new URL.
        url, status_code = (safe_next(then), 307) if then else (self._page(visit), 303)
        answer = RedirectResponse(url, status_code)
        self._gate.cookies.set(answer, self._gate.session_cookie, token)
        return answer

    def _page(self, visit: Visiting) -> str:
        return safe_next(visit.form.get("next", HOME))
