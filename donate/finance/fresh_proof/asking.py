"""The page that asks staff to prove again who they are.

It is shown in place of the answer to a form that needs a fresh proof.
"""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from donate.errors import BadInput
from donate.finance.people.queries import has_password
from donate.finance.second_factor.codes import has_second_factor
from donate.finance.sessions import SignedIn
from donate.finance.staff.addresses import HOME, safe_next
from donate.storage.database import Database
from donate.web.templating import Pages

OWN_PASSWORD: Final = "own_password"  # noqa: S105 -- the name of a field
OWN_CODE: Final = "own_code"
THEN: Final = "then"
_NOT_KEPT: Final = {OWN_PASSWORD, OWN_CODE, THEN, "csrf"}


class ProofForm:
    """Asks for the password and the code, or to sign in at the identity provider again.

    The page keeps the fields of the form that was sent, so that nothing has to be typed twice.
    """

    def __init__(self, database: Database, pages: Pages, *, has_provider: bool) -> None:
        self._database = database
        self._pages = pages
        self._has_provider = has_provider

    def ask(
        self,
        staff: SignedIn,
        typed: Mapping[str, str],
        *,
        then: str,
        problem: BadInput | None = None,
        conflict: str = "",
    ) -> Response:
        """Return the page, with status 401.

        `then` is the URL to which the form in `typed` was sent. It is empty if there was no form;
        then `next` in `typed` is the page to show afterwards.
        """
        with self._database.reading() as session:
            asks_password = has_password(session, staff.staff_id)
            asks_code = has_second_factor(session, staff.staff_id)
        return self._pages.render(
            "finance/confirm.html",
            staff.language,
            status_code=401,
            staff=staff,
            then=then,
            page=safe_next(then.rpartition("/")[0] if then else typed.get("next", HOME)),
            kept={name: value for name, value in typed.items() if name not in _NOT_KEPT},
            asks_password=asks_password,
            asks_code=asks_code,
            has_provider=self._has_provider,
            problems={problem.field: problem} if problem else {},
            conflict=conflict,
        )
