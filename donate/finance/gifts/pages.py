"""The staff pages for gifts: the list, and the page of one gift."""

import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from babel import Locale
from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, local_date
from donate.errors import BadInput, BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.exports.links import export_links
from donate.finance.gifts.disputes import dispute_sentences
from donate.finance.gifts.filters import months, read_cursor, read_query, write_cursor
from donate.finance.gifts.pledges import pledge_details
from donate.finance.gifts.searching import search_gifts
from donate.finance.letters.view import letter_rows
from donate.finance.models import Role
from donate.finance.refunds.form import refund_section
from donate.finance.staff.accounts import names_of
from donate.finance.transfers.rules import thanks_leave_at, transfers_in_force
from donate.finance.words import (
    ACCOUNT_TO_CONFIRM,
    FLAGS,
    KINDS,
    LANGUAGE,
    MODE_NAMES,
    STATUSES,
    actor_name,
    status_sentences,
)
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact, plain_facts
from donate.gifts.queries import (
    Cursor,
    accounts_to_confirm,
    donor_of,
    facts_of,
    gift_by_id,
    months_of,
    newest_gifts,
    paid_replacement,
    replaced_gift,
    totals,
    wish_of,
)
from donate.gifts.status import STILL_PAYABLE, status_of
from donate.letters.desk import letters_of
from donate.money import Money, format_amount
from donate.regions.modes import BY_HAND
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.giving_limits import GivingLimits
from donate.web.templating import Pages

PAGE_SIZE: Final = 50
# A whole line of a bank statement fits into this number of characters.
MOST_SEARCHED: Final = 300
WORDS: Final = {"modes": MODE_NAMES, "statuses": STATUSES, "flags": FLAGS, "kinds": KINDS} | {
    "to_confirm": ACCOUNT_TO_CONFIRM
}


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact as a gift's page shows it to staff."""

    fact: GiftFact
    kind: str
    by: str
    day: date | None
    """The date of a transfer, for which the bank gives no time; None for other facts."""
    amount: Money | None
    evidence: list[tuple[str, str]]
    taken_back: bool


class StaffGiftPages:
    """The list of gifts, and the page of one gift."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        time_zone: str,
        *,
        regions: Regions,
        limits: GivingLimits,
        letters_wait: timedelta | None,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._regions = regions
        self._codes = list(regions)
        self._limits = limits
        self._letters_wait = letters_wait

    @needs(Role.VIEWER)
    def gifts(self, request: Request, visit: Visiting) -> Response:
        """Show the newest gifts that match the filters, and the totals of all that match."""
        query = request.query_params
        filters = read_query(query, self._codes)
        searched = query.get("reference", "").strip()[:MOST_SEARCHED]
        problems = dict(filters.problems)
        after = read_cursor(query.get("after", ""))
        if query.get("after") and after is None:
            problems["after"] = BadInput("after", "This link is incomplete.")
        with self._database.reading() as session:
            rows = sums = None
            if searched:
                try:
                    rows = search_gifts(session, searched, self._codes)
                except BadInput as problem:
                    problems["reference"] = problem
            if rows and len(rows) == 1:
                return RedirectResponse(f"/finance/gifts/{rows[0][0].id}", 303)
            if not problems and not searched:
                # Fetch one gift more than a page has, to learn whether there is another page.
                rows = newest_gifts(session, filters.filter, limit=PAGE_SIZE + 1, after=after)
                sums = totals(session, filters.filter)
            to_confirm = accounts_to_confirm(session, [gift for gift, _ in rows or ()])
        older = None
        if rows and len(rows) > PAGE_SIZE and not searched:
            rows = rows[:PAGE_SIZE]
            last = rows[-1][0]
            older = filters.link(after=write_cursor(Cursor(last.opened_at, last.id)))
        return self._pages.render(
            "finance/gifts.html",
            LANGUAGE,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            filters=filters,
            searched=searched,
            problems=problems,
            rows=rows,
            to_confirm=to_confirm,
            totals=sums,
            older=older,
            is_first_page=after is None,
            card_gifts_refused=self._limits.cards.refused(self._clock.now()),
            codes=[(code, code) for code in self._codes],
            months=months(local_date(self._clock.now(), self._time_zone)),
            exports=export_links("gifts", filters.typed, visit.signed_in),
            words=WORDS,
        )

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
        """Render the page of a gift. If a form has a problem, show it and what was typed."""
        conflict = str(problem) if isinstance(problem, Conflict) else ""
        problems = problem.problems if isinstance(problem, BadInput | BadInputs) else ()
        with self._database.reading() as session:
            gift = find_gift(session, gift_id)
            donor = donor_of(session, gift)
            facts = facts_of(session, gift.id)
            names = _names(session, gift, facts)
            letters = letter_rows(session, gift, names, self._regions)
            wish = wish_of(session, gift)
            months = months_of(session, gift.pledge_id) if gift.pledge_id else []
            pledge = pledge_details(session, gift)
            to_confirm = accounts_to_confirm(session, [gift, *months])
            replacements = _replacements(session, gift)
        in_force = transfers_in_force(facts)
        values = plain_facts(facts)
        held = status_of(values).held_minor
        now, wait = self._clock.now(), self._letters_wait
        territories = Locale.parse(LANGUAGE, sep="-").territories
        return self._pages.render(
            "finance/gift.html",
            LANGUAGE,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            gift=gift,
            donor=donor,
            country=territories.get(donor.country, donor.country),
            tongue=Locale.parse(donor.language, sep="-").get_display_name(
                LANGUAGE.replace("-", "_")
            ),
            returned=Money(gift.returned_minor - held, gift.currency),
            held=Money(held, gift.currency),
            because=status_sentences(gift, facts, names),
            # Sort facts by the time of recording, because staff may date a transfer before the
            # gift.
            history=[
                _fact_row(f, gift, names, in_force=f in in_force)
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
            returns=refund_section(gift, values, names),
            disputes=dispute_sentences(gift, values),
            may_refund=visit.signed_in.may(Role.FINANCE) and gift.mode not in BY_HAND,
            form_key=secrets.token_urlsafe(16),
            may_mark=visit.signed_in.may(Role.FINANCE) and gift.mode in BY_HAND,
            today=local_date(now, gift.time_zone),
            prefilled=format_amount(_missing(gift), LANGUAGE),
            done=done,
            typed=visit.form if problem else {},
            problems={p.field: p for p in problems},
            conflict=conflict,
            words=WORDS,
        )


def _names(session: Session, gift: Gift, facts: Sequence[GiftFact]) -> dict[str, str]:
    """Return the names of all staff who are mentioned on a gift's page."""
    actors = {fact.actor for fact in facts}
    actors |= {letter.asked_by for letter in letters_of(session, gift.id)}
    actors |= {tied_by for fact in plain_facts(facts) if (tied_by := fact.tied_by)}
    return names_of(session, actors)


def _replacements(session: Session, gift: Gift) -> dict[str, Gift | None]:
    """Return the gift that replaces this one in another mode, and the one that it replaces."""
    is_open = gift.status in STILL_PAYABLE
    return {
        "given_as": paid_replacement(session, gift) if is_open else None,
        "replaces": replaced_gift(session, gift),
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
    """Return the part of the gift's amount that has not come; if all has, the whole amount."""
    missing = gift.amount_minor - gift.received_minor
    return Money(missing if missing > 0 else gift.amount_minor, gift.currency)


def _fact_row(fact: GiftFact, gift: Gift, names: Mapping[str, str], *, in_force: bool) -> FactRow:
    amount = None
    if fact.amount_minor is not None and fact.currency:
        amount = Money(fact.amount_minor, fact.currency)
    is_transfer = fact.kind == FactKind.TRANSFER_RECEIVED
    return FactRow(
        fact=fact,
        kind=KINDS[fact.kind],
        by=actor_name(fact.actor, names),
        day=local_date(fact.happened_at, gift.time_zone) if is_transfer else None,
        amount=amount,
        evidence=[
            (
                name.replace("_", " "),
                readable(actor_name(value, names) if name == "tied_by" else value),
            )
            for name, value in fact.evidence.items()
            if value not in (None, "", [], {})
        ],
        taken_back=is_transfer and not in_force,
    )


def readable(value: Any) -> str:
    """Return a JSON value as text for a page. UTF-8 has no lone surrogates, so replace them."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "replace").decode()
