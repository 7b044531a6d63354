"""The staff page that opens a gift for money which nobody announced, and ties its bank line."""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from babel import Locale
from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.bank.reconciliation.deciding import GiftPart, decide_line
from donate.bank.statements.models import RecordedLine
from donate.bank.statements.queries import line_by_number
from donate.clock import Clock
from donate.errors import N_, BadInput, BadInputs, Conflict, NotFound, check_field
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.activity.trail import amount_detail
from donate.finance.offline.entry_form import found_donors, has_form_key
from donate.finance.offline.words import TypedForm
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.statements.words import STATEMENTS
from donate.gifts.models import Donor
from donate.gifts.offline.queries import known_donor
from donate.gifts.offline.recorder import ANONYMOUS_NAME
from donate.gifts.offline.rules import check_fund, check_giver
from donate.gifts.opening import UnannouncedGift, open_unannounced
from donate.money import format_amount, read_amount
from donate.regions.modes import Mode
from donate.regions.regions import Region, Regions
from donate.storage.database import Database
from donate.web.templating import Pages


class NewGiftPages:
    """The form that opens a gift for a bank line."""

    def __init__(self, database: Database, regions: Regions, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock

    @needs(Role.FINANCE)
    def new(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show the form for a gift that nobody announced."""
        return self._form(visit, number, {})

    @needs(Role.FINANCE)
    def opened(self, request: Request, visit: Visiting, number: str) -> Response:
        """Open the gift and tie the line to it.

        If the search button was pressed, search for a donor.
        """
        typed, now, line_id = visit.form, self._clock.now(), as_number(number)
        if typed.get("step") == "find" or line_id is None or not has_form_key(typed):
            return self._form(visit, number, typed)
        try:
            with self._database.writing() as session:
                line = _credit(session, line_id)
                found = self._check(session, line, typed, visit.language)
                actor = visit.signed_in.actor
                key = f"bank:{line_id}:{typed['form_key']}"
                gift = open_unannounced(session, found, key, actor=actor, now=now)
                decide_line(
                    session,
                    line_id,
                    [GiftPart(gift.id, found.amount.amount_minor)],
                    version=as_number(typed.get("version", "")) or 0,
                    actor=actor,
                    now=now,
                )
                visit.record(
                    session,
                    "bank_line_gift_opened",
                    now=now,
                    about=f"bank line {line_id}, {gift.reference}",
                    detail=amount_detail(found.amount),
                )
        except (BadInput, BadInputs) as problem:
            return self._form(visit, number, typed, problems=problem.problems)
        except Conflict as conflict:
            return self._form(visit, number, typed, conflict=str(conflict))
        return RedirectResponse(f"{STATEMENTS}/lines/{line_id}?done=gift_opened", 303)

    def _check(
        self, session: Session, line: RecordedLine, typed: Mapping[str, str], language: str
    ) -> UnannouncedGift:
        region = self._regions.get(typed.get("code", ""))
        if region is None or region.currency != line.currency:
            raise BadInput("code", N_("Please choose a code from the list."))
        problems: list[BadInput] = []
        checked = partial(check_field, problems)
        amount = checked(lambda: read_amount(typed.get("amount", ""), line.currency, language))
        fund = checked(lambda: check_fund(region, typed.get("fund", "")))
        profile = known_donor(session, typed.get("donor", ""))
        giver = checked(lambda: check_giver(typed, profile))
        if problems or amount is None or giver is None:
            raise BadInputs(problems)
        name, email, _, speaks = giver
        donor = Donor(
            name=name or ANONYMOUS_NAME,
            email=email,
            country=region.country,
            language=speaks or region.language(typed.get("language", "")),
        )
        return UnannouncedGift(
            region, Mode.INTERAC, amount, donor, profile.id if profile else None, fund or ""
        )

    def _form(
        self,
        visit: AllowedRequest,
        number: str,
        typed: Mapping[str, str],
        *,
        problems: Sequence[BadInput] = (),
        conflict: str = "",
    ) -> Response:
        with self._database.reading() as session:
            line = _credit(session, as_number(number))
            found = found_donors(session, typed)
        regions = [each for each in self._regions.values() if each.currency == line.currency]
        left = line.open_amount
        values = {"amount": format_amount(left, visit.language), "donor": "new"} | dict(typed)
        return self._pages.render(
            "finance/statements/new_gift.html",
            visit.language,
            status_code=409 if conflict else 422 if problems else 200,
            staff=visit.signed_in,
            line=line,
            left=left,
            typed=TypedForm(values),
            problems={each.field: each for each in problems},
            conflict=conflict,
            found=found,
            form_key=secrets.token_urlsafe(16),
            **_choices(regions, values, visit.language),
        )


def _credit(session: Session, line_id: int | None) -> RecordedLine:
    """Return the bank line if money came in with it. Raises NotFound otherwise."""
    line = line_by_number(session, line_id)
    if line is None or line.amount_minor < 0:
        raise NotFound("no such line with money in")
    return line


def _choices(regions: Sequence[Region], typed: Mapping[str, str], language: str) -> dict[str, Any]:
    region = next((each for each in regions if each.code == typed.get("code")), None)
    region = region or next(iter(regions), None)
    locale = str(Locale.parse(language, sep="-"))
    return {
        "codes": [(each.code, each.currency) for each in regions],
        "funds": [(key, text.in_language(language)) for key, text in region.funds.items()]
        if region
        else [],
        "donor_languages": [
            (tag, Locale.parse(tag, sep="-").get_language_name(locale))
            for tag in (region.languages if region else ())
        ],
    }
