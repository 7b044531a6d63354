"""What erasing a donor would take out, what is kept and why, and what stands in the way."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from donate.errors import N_
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.facts import FactKind
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.gifts.offline.models import EntryState
from donate.gifts.status import StatusName
from donate.personal_data.collecting import held_rows
from donate.personal_data.donor_scope import scope_for_staff
from donate.personal_data.erasing.rules import DELETED, REPLACED, SCRUBBED
from donate.personal_data.erasing.traces import Traces
from donate.personal_data.inventory.all_tables import INVENTORY
from donate.stripe_gateway.models import EventState

# Books and records are kept for six years from the end of the last year to which they relate:
# https://www.canada.ca/en/revenue-agency/services/charities-giving/charities.html
_YEARS: Final = 6
_CUSTOMER: Final = re.compile(rb'"(cus_[A-Za-z0-9_]+)"')
_PAYMENT: Final = re.compile(r"pi_[A-Za-z0-9_]+")
_UNDER_WAY: Final = N_("A payment for %(reference)s is under way. Erase the donor once it is over.")

Rows = Mapping[str, list[dict[str, Any]]]
Sentences = Sequence[tuple[str, Mapping[str, str]]]
"""Msgids, each with the values of its placeholders."""


@dataclass(frozen=True, slots=True)
class ErasureSummary:
    """What staff read before they erase a donor.

    `erased` has the titles of the tables and how many of their rows are about the donor. `confirm`
    is what has to be typed: the reference of the newest gift, or the donor's number.
    """

    number: int
    confirm: str
    is_erased: bool
    erased: Sequence[tuple[str, int]]
    kept: Sentences
    obstacles: Sentences
    customers: Sequence[str]
    payments: Sequence[str]


def erasure_summary(session: Session, main: DonorProfile, *, now: datetime) -> ErasureSummary:
    """Return the summary of a main profile. It only reads."""
    held = held_rows(session, scope_for_staff(session, main))
    assert main.id is not None
    touched = {*REPLACED, *DELETED, *SCRUBBED}
    references = [row["reference"] for row in held["gift"]]
    bodies = b" ".join(bytes(row["payload"]) for row in held["stripe_event"])
    sources = {row["source_id"] for row in held["gift_fact"]}
    return ErasureSummary(
        number=main.id,
        confirm=references[-1] if references else str(main.id),
        is_erased=main.erased_at is not None,
        erased=[
            (entry.title, len(held[entry.name]))
            for entry in INVENTORY
            if entry.name in touched and held[entry.name]
        ],
        kept=list(_kept(held)),
        obstacles=list(_obstacles(held, now)),
        customers=sorted({found.decode() for found in _CUSTOMER.findall(bodies)}),
        payments=sorted(source for source in sources if _PAYMENT.fullmatch(source)),
    )


def traces_of(held: Rows) -> Traces:
    """Return the texts by which the donor of these rows is recognized."""
    addresses, names = set(), set()
    for table, address, name in (
        ("donor_profile", "email", "name"),
        ("donor", "email", "name"),
        ("offline_entry", "donor_email", "donor_name"),
    ):
        addresses |= {row[address] for row in held[table]}
        names |= {row[name] for row in held[table]}
    for row in held["donor_edit"]:
        some = {"email": addresses, "name": names}.get(row["field"], set())
        some |= {row["old"], row["new"]}
    return Traces(addresses, names)


def _obstacles(held: Rows, now: datetime) -> Iterator[tuple[str, Mapping[str, str]]]:
    references = {row["id"]: row["reference"] for row in held["gift"]}
    started = {f["gift_id"] for f in held["gift_fact"] if f["kind"] is FactKind.PLEDGE_STARTED}
    started |= {row["gift_id"] for row in held["open_agreement"] if row["ask_at"]}
    for row in held["pledge"]:
        if row["id"] in started and row["stage"] is not PledgeStage.ENDED:
            yield (
                N_("The monthly gift %(reference)s still runs. End it first."),
                {"reference": references[row["id"]]},
            )
    for row in held["gift"]:
        named = {"reference": row["reference"]}
        if row["status"] is StatusName.PROCESSING:
            yield _UNDER_WAY, named
        if row["status"] is StatusName.DISPUTED:
            yield N_("%(reference)s is disputed. The bank may still ask who gave it."), named
    for row in held["open_checkout"]:
        if row["ask_at"] and row["expires_at"] > now:
            yield _UNDER_WAY, {"reference": references[row["gift_id"]]}
    for table in ("open_refund", "open_pledge_change"):
        for row in held[table]:
            if row["ask_at"]:
                yield (
                    N_("Stripe has not yet answered a request about %(reference)s. Wait for it."),
                    {"reference": references[row["gift_id"]]},
                )
    yield from _unsettled(held)


def _unsettled(held: Rows) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield what may still become a gift, or a part of one."""
    drafts = (row for row in held["offline_entry"] if row["state"] is EntryState.DRAFT)
    for number in sorted({row["batch_id"] for row in drafts}):
        yield (
            N_(
                "The open batch %(number)s of cheques and cash has an entry of this donor. Close "
                "the batch or remove the entry first."
            ),
            {"number": str(number)},
        )
    if any(row["state"] is EventState.WAITING for row in held["stripe_event"]):
        yield N_("Stripe’s news about a gift is not settled yet. Wait for it."), {}
    if any(row["state"] == "offered" for row in held["transfer_mail"]):
        yield N_("An Interac e-Transfer of this donor is under way. Wait for it."), {}


def _kept(held: Rows) -> Iterator[tuple[str, Mapping[str, str]]]:
    years = [row["day"].year for row in held["gift_movement"]]
    if years:
        yield (
            N_(
                "Amounts, days, references, funds and Stripe’s identifiers of the gifts: the books "
                "need them until the end of %(year)s at least."
            ),
            {"year": str(max(years) + _YEARS)},
        )
        yield (
            N_(
                "The packs of months that are closed, with name and e-mail: they are records of "
                "the books."
            ),
            {},
        )
        yield (
            N_(
                "Official receipts are not written here. If one is still to be issued, do that "
                "first: it needs the name and the address, and its duplicate is kept elsewhere."
            ),
            {},
        )
    if held["bank_line"]:
        yield (
            N_(
                "What the bank wrote: %(count)s lines of statements, and the files they came in. "
                "They may have the payer’s name, and are records of the books."
            ),
            {"count": str(len(held["bank_line"]))},
        )
    if any(row["cheque_number"] for row in held["offline_entry"]):
        yield N_("The numbers and banks of cheques: they are records of the books."), {}
    if held["reminder_choice"]:
        yield (
            N_("A hash of the e-mail address, so that the wish to get no reminders is kept."),
            {},
        )
    yield (
        N_(
            "Copies outside of this database: backups, files that were exported, and e-mails that "
            "were sent. Whoever has them must erase them."
        ),
        {},
    )
