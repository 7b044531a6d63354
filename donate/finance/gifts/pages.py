"""The staff page of one gift."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import Response

from donate.bank.received_transfers import thanks_leave_at, transfers_in_force
from donate.clock import Clock, local_date
from donate.errors import BadInput, BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.gifts.disputes import dispute_notices
from donate.finance.gifts.evidence_rows import evidence_rows
from donate.finance.gifts.pledges import pledge_details
from donate.finance.gifts.proof import proof_of
from donate.finance.gifts.queries import ProofRows, read_proof
from donate.finance.letters.view import letter_rows
from donate.finance.refunds.form import refund_section
from donate.finance.roles import Role
from donate.finance.staff.accounts import names_of
from donate.finance.words import (
    ACCOUNT_TO_CONFIRM,
    FLAGS,
    KINDS,
    MODE_NAMES,
    STATUSES,
    actor_name,
    status_sentences,
)
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact, plain_facts
from donate.gifts.offline.models import OfflineEntry
from donate.gifts.queries import (
    accounts_to_confirm,
    donor_of,
    facts_of,
    gift_by_id,
    months_of,
    paid_replacement,
    replaced_gift,
    wish_of,
)
from donate.gifts.status import STILL_PAYABLE, status_of
from donate.money import Money, format_amount
from donate.regions.modes import BY_HAND
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.stripe_gateway.dashboard import Dashboard
from donate.web.templating import Localizer, Pages

WORDS: Final = {"modes": MODE_NAMES, "statuses": STATUSES, "flags": FLAGS, "kinds": KINDS} | {
    "to_confirm": ACCOUNT_TO_CONFIRM
}


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact in the form in which a gift's page shows it to staff."""

    fact: GiftFact
    kind: str
    by: str
    day: date | None
    """The date of a transfer, for which the bank states no time; None for other facts."""
    amount: Money | None
    evidence: list[tuple[str, str]]
    taken_back: bool


class StaffGiftPages:
    """The page of one gift."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        dashboard: Dashboard | None,
        *,
        regions: Regions,
        letters_wait: timedelta | None,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._regions = regions
        self._letters_wait = letters_wait
        self._dashboard = dashboard

    @needs(Role.VIEWER)
    def gift(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Show the page of one gift."""
        return self.show(visit, gift_id, done=request.query_params.get("done", ""))

    def show(
        self,
        visit: AllowedRequest,
        gift_id: str,
        *,
        done: str = "",
        problem: BadInput | BadInputs | Conflict | None = None,
    ) -> Response:
        """Render the page of a gift. If a form has a problem, show it and the typed text."""
        language, _ = visit.language, Localizer(visit.language)
        conflict = _.sentence(problem) if isinstance(problem, Conflict) else ""
        problems = problem.problems if isinstance(problem, BadInput | BadInputs) else ()
        # Read in one database snapshot, so that every movement has the fact that caused it.
        with self._database.reading_snapshot() as session:
            gift = find_gift(session, gift_id)
            donor = donor_of(session, gift)
            facts = facts_of(session, gift.id)
            proof = read_proof(session, gift, facts)
            names = _names(session, proof)
            letters = letter_rows(session, gift, names, self._regions, language)
            wish = wish_of(session, gift)
            months = months_of(session, gift.pledge_id) if gift.pledge_id else []
            pledge = pledge_details(session, gift, language)
            to_confirm = accounts_to_confirm(session, [gift, *months])
            replacements = _replacements(session, gift, proof.entry)
        in_force = transfers_in_force(facts)
        values = plain_facts(facts)
        held = status_of(values).held_minor
        now, wait = self._clock.now(), self._letters_wait
        return self._pages.render(
            "finance/gift.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            gift=gift,
            donor=donor,
            country=_.name_of_country(donor.country),
            tongue=_.name_of_language(donor.language),
            returned=Money(gift.returned_minor - held, gift.currency),
            held=Money(held, gift.currency),
            proof=proof_of(proof, names, language, self._dashboard),
            because=status_sentences(gift, facts, names, language),
            # Sort by the time of recording: staff may date a transfer earlier than its gift.
            history=[
                _fact_row(f, gift, names, language, in_force=f in in_force)
                for f in sorted(facts, key=lambda f: (f.recorded_at, f.id))
            ],
            months=months,
            to_confirm=to_confirm,
            replacements=replacements,
            pledge=pledge,
            letters=letters,
            may_write=visit.signed_in.may(Role.FINANCE),
            wish=wish,
            transfers=in_force,
            leaves_at=None if wait is None else thanks_leave_at(facts, now, wait),
            returns=refund_section(gift, values, names, language),
            disputes=dispute_notices(gift, values, language, self._dashboard),
            may_refund=visit.signed_in.may(Role.FINANCE) and gift.mode.through_stripe,
            form_key=secrets.token_urlsafe(16),
            may_mark=visit.signed_in.may(Role.FINANCE) and gift.mode in BY_HAND,
            today=local_date(now, gift.time_zone),
            prefilled=format_amount(_missing(gift), language),
            done=done,
            typed=visit.form if problem else {},
            problems={p.field: p for p in problems},
            conflict=conflict,
            words=WORDS,
        )


def _names(session: Session, proof: ProofRows) -> dict[str, str]:
    """Return the names of all members of staff whom a gift's page mentions."""
    actors = proof.actors | {fact.actor for fact in proof.facts}
    actors |= {tied_by for fact in plain_facts(proof.facts) if (tied_by := fact.tied_by)}
    return names_of(session, actors)


def _replacements(
    session: Session, gift: Gift, entry: OfflineEntry | None
) -> dict[str, Gift | OfflineEntry | None]:
    """Return template variables: the gifts that this gift replaces or is replaced by, and `entry`.

    `entry` is what staff typed if this gift is a cheque or cash, otherwise None.
    """
    is_open = gift.status in STILL_PAYABLE
    return {
        "given_as": paid_replacement(session, gift) if is_open else None,
        "replaces": replaced_gift(session, gift),
        "entry": entry,
    }


def find_gift(session: Session, text: str) -> Gift:
    """Return the gift with this id. Raises NotFound if there is none."""
    try:
        gift_id = uuid.UUID(text)
    except ValueError as error:
        raise NotFound("no such gift") from error
    gift = gift_by_id(session, gift_id) if str(gift_id) == text else None
    if gift is None:
        raise NotFound("no such gift")
    return gift


def _missing(gift: Gift) -> Money:
    """Return the amount with which the form for a transfer starts: what has not been received yet.

    If all of the gift's amount has been received, return the whole amount.
    """
    missing = gift.amount_minor - gift.received_minor
    return Money(missing if missing > 0 else gift.amount_minor, gift.currency)


def _fact_row(
    fact: GiftFact, gift: Gift, names: Mapping[str, str], language: str, *, in_force: bool
) -> FactRow:
    amount = None
    if fact.amount_minor is not None and fact.currency:
        amount = Money(fact.amount_minor, fact.currency)
    is_transfer = fact.kind == FactKind.TRANSFER_RECEIVED
    return FactRow(
        fact=fact,
        kind=KINDS[fact.kind],
        by=actor_name(fact.actor, names, language),
        day=local_date(fact.happened_at, gift.time_zone) if is_transfer else None,
        amount=amount,
        evidence=evidence_rows(fact, names, language),
        taken_back=is_transfer and not in_force,
    )
