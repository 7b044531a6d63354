"""Checks the forms in which staff change a pledge. All functions are pure."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from donate.clock import read_day, start_of_day
from donate.errors import N_, BadInput, BadInputs, Conflict, check_field
from donate.gifts.choosing.free_text import check_free_text
from donate.stripe_gateway.models import PledgeAction
from donate.stripe_gateway.requests.pledge_requests import StaffChange

MAX_PAUSE: Final = timedelta(days=2 * 366)
_MAX_KEY: Final = 64
INCOMPLETE_FORM: Final = N_("This form is incomplete. Please reload the page and fill it in again.")
_WHEN: Final[Mapping[str, PledgeAction]] = {
    "now": PledgeAction.CANCEL,
    "month": PledgeAction.CANCEL_LATER,
}


def form_key_of(form: Mapping[str, str]) -> str:
    """Return the key that identifies this form. Raises Conflict if the form has no key."""
    key = form.get("form_key", "")
    if not 1 <= len(key) <= _MAX_KEY or not key.isascii():
        raise Conflict(INCOMPLETE_FORM)
    return key


def check_reason_of_staff(form: Mapping[str, str]) -> str:
    """Return the reason that was typed. Raises BadInput if there is none."""
    return check_free_text("reason", form.get("reason", ""), required=True)


def check_staff_change(
    form: Mapping[str, str], act: PledgeAction, *, actor: str, today: date, time_zone: str
) -> StaffChange:
    """Check the form for a change. Raises BadInputs, or Conflict if hidden fields are missing.

    For the form that ends the pledge, `act` is CANCEL; a field of the form says when the pledge
    ends.
    """
    form_key, version = form_key_of(form), form.get("version", "")
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    reason = checked(lambda: check_reason_of_staff(form))
    resumes_at = None
    if act is PledgeAction.PAUSE:
        until = form.get("until", "").strip()
        resumes_at = checked(lambda: _check_until(until, today, time_zone))
    if act is PledgeAction.CANCEL:
        act = checked(lambda: _check_when(form.get("when", ""))) or act
        if form.get("confirmed") != "yes":
            sure = N_("Please tick this box to confirm the end of this monthly gift.")
            problems.append(BadInput("confirmed", sure))
    if reason is None or problems:
        raise BadInputs(problems)
    return StaffChange(act, actor, reason, form_key, version, resumes_at)


def _check_when(text: str) -> PledgeAction:
    if text not in _WHEN:
        raise BadInput("when", N_("Please choose when it ends."))
    return _WHEN[text]


def _check_until(text: str, today: date, time_zone: str) -> datetime | None:
    if not text:
        return None
    day = read_day(text)
    if day is None:
        raise BadInput("until", N_("Please enter a date such as 2026-03-31."))
    if day <= today:
        raise BadInput("until", N_("Please enter a date after today."))
    if day > today + MAX_PAUSE:
        raise BadInput("until", N_("Please enter a date within two years."))
    return start_of_day(day, time_zone)
