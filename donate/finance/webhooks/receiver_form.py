"""Reads the form in which an admin enters the address and the events of a program's webhooks."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_, BadInput, BadInputs, check_field
from donate.gifts.choosing.free_text import check_free_text
from donate.outbound_webhooks.desk import ReceiverRow
from donate.outbound_webhooks.events import CHOOSABLE, OutboundEvent
from donate.outbound_webhooks.receivers import ReceiverTerms
from donate.outbound_webhooks.targets import read_target

MAX_DESCRIPTION: Final = 100


def event_field(event: OutboundEvent) -> str:
    """Return the name of the form's checkbox for an event."""
    return f"event-{event}"


def filled_in(row: ReceiverRow) -> dict[str, str]:
    """Return the values with which the form of an existing program starts: what is stored."""
    receiver = row.receiver
    return {
        "url": receiver.url,
        "description": receiver.description,
        "with_donor": "yes" if receiver.with_donor else "",
        **{event_field(event): "yes" for event in row.events},
    }


def read_receiver_form(form: Mapping[str, str], *, allows_this_machine: bool) -> ReceiverTerms:
    """Return the typed values. Raises BadInputs, which lists each wrong field.

    `allows_this_machine` is for the demo: addresses of this machine are accepted.
    """
    problems: list[BadInput] = []
    url = form.get("url", "").strip()
    check_field(problems, lambda: read_target(url, allows_this_machine=allows_this_machine))
    description = check_field(problems, lambda: _read_description(form.get("description", "")))
    events = frozenset(event for event in CHOOSABLE if form.get(event_field(event)) == "yes")
    if not events:
        problems.append(BadInput("events", N_("Please choose at least one event.")))
    if problems:
        raise BadInputs(problems)
    return ReceiverTerms(url, description or "", events, form.get("with_donor") == "yes")


def _read_description(typed: str) -> str:
    text = check_free_text("description", typed, most=MAX_DESCRIPTION)
    if not text or "\n" in text:
        raise BadInput("description", N_("Please enter which program this is, in one line."))
    return text
