"""The list of programs that get webhooks, and the page of one, with its newest deliveries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from donate.clock import Clock, local_date
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.webhooks.receiver_form import MAX_DESCRIPTION, event_field, filled_in
from donate.finance.webhooks.words import (
    EVENT_NAMES,
    RECEIVER_DONE,
    STATE_NAMES,
    STATE_TONES,
    outcome_of,
)
from donate.outbound_webhooks.desk import list_receivers, load_receiver, newest_deliveries
from donate.outbound_webhooks.events import CHOOSABLE
from donate.outbound_webhooks.receivers import BY_RECEIVER
from donate.outbound_webhooks.targets import MAX_URL
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from donate.web.templating import Pages

WEBHOOKS: Final = "/finance/webhooks"
SHOWN: Final = 50
NO_KEY: Final = N_(
    "Webhooks need the setting SECOND_FACTOR_KEY, which encrypts their secrets. Ask the person who "
    "runs this service to set it."
)


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """What the pages about webhooks need from the settings.

    `cipher` encrypts secrets; if it is None, no program can be added. `on_due` is called when a
    webhook is due. `allows_this_machine` is for the demo: addresses of this machine are accepted.
    """

    cipher: SecretCipher | None
    on_due: Callable[[], None]
    allows_this_machine: bool


class ReceiverPages:
    """Shows the programs that get webhooks."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        time_zone: str,
        *,
        options: WebhookOptions,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._options = options

    @needs(Role.VIEWER)
    def receivers(self, visit: Visiting) -> Response:
        """List the programs."""
        with self._database.reading() as session:
            rows = list_receivers(session)
        return self.render(visit, "receivers.html", rows=rows)

    @needs(Role.VIEWER)
    def receiver(self, number: str, request: Request, visit: Visiting) -> Response:
        """Show a program, its newest deliveries, and what an admin can do."""
        query = request.query_params
        return self.answer_receiver(
            visit,
            number,
            done=RECEIVER_DONE.get(query.get("done", ""), ""),
            before=as_number(query.get("before", "")),
            only_failed=query.get("show") == "failed",
        )

    @needs(Role.ADMIN)
    def new_receiver(self, visit: Visiting) -> Response:
        """Show the form that adds a program."""
        return self.answer_form(visit, {})

    def answer_form(
        self,
        visit: AllowedRequest,
        problems: Mapping[str, BadInput],
        *,
        conflict: Conflict | None = None,
        status_code: int = 200,
    ) -> Response:
        """Return the form that adds a program, with what was typed."""
        return self.render(
            visit,
            "new_receiver.html",
            status_code=status_code,
            problems=problems,
            conflict=conflict or (None if self._options.cipher else Conflict(NO_KEY)),
            typed=visit.form,
            form_key=visit.form.get("form_key") or visit.new_form_key(),
        )

    def answer_receiver(
        self,
        visit: AllowedRequest,
        number: str,
        *,
        done: str = "",
        before: int | None = None,
        only_failed: bool = False,
        problems: Mapping[str, BadInput] | None = None,
        conflict: Conflict | None = None,
    ) -> Response:
        """Return the page of a program. Raises NotFound.

        It lists deliveries with a smaller id than `before`, if that is given; `done` is a message.
        """
        now = self._clock.now()
        with self._database.reading() as session:
            row = load_receiver(session, number_in(number))
            # Fetch one more than fits on a page, to find out whether there is another page.
            found = newest_deliveries(
                session,
                row.receiver.id or 0,
                before=before,
                only_failed=only_failed,
                most=SHOWN + 1,
            )
        problems = problems or {}
        return self.render(
            visit,
            "receiver.html",
            status_code=409 if conflict else 422 if problems else 200,
            row=row,
            deliveries=[(one, outcome_of(one.delivery, visit.language)) for one in found[:SHOWN]],
            older=found[SHOWN - 1].delivery.id if len(found) > SHOWN else None,
            before=before,
            only_failed=only_failed,
            is_gone=row.receiver.disabled_why == BY_RECEIVER,
            signs_twice=bool(row.receiver.old_secret_until and now < row.receiver.old_secret_until),
            done=done,
            problems=problems,
            conflict=conflict,
            typed=visit.form if problems and "url" in visit.form else filled_in(row),
            since=visit.form.get("since") or local_date(now, self._time_zone).isoformat(),
        )

    def render(
        self, visit: AllowedRequest, template: str, *, status_code: int = 200, **context: Any
    ) -> Response:
        """Return a page about webhooks."""
        return self._pages.render(
            f"finance/webhooks/{template}",
            visit.language,
            status_code=status_code,
            staff=visit.signed_in,
            may_change=visit.signed_in.may(Role.ADMIN),
            events=[(event_field(event), event, EVENT_NAMES[event]) for event in CHOOSABLE],
            event_names=EVENT_NAMES,
            state_names=STATE_NAMES,
            state_tones=STATE_TONES,
            max_url=MAX_URL,
            max_description=MAX_DESCRIPTION,
            time_zone=self._time_zone,
            **context,
        )


def number_in(text: str) -> int:
    """Return the row id that a URL contains. Raises NotFound if the text is not a number."""
    number = as_number(text)
    if number is None:
        raise NotFound("no such row")
    return number
