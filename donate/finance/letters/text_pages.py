"""Pages on which staff write the texts of e-mails, look at them, and send themselves a test."""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock, local_date
from donate.errors import BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.letters.example_mail import (
    EXAMPLE_SENT,
    check_example_limit,
    check_mail_is_set_up,
    send_example_mail,
)
from donate.finance.letters.text_view import (
    address_of_text,
    preview_headers,
    preview_of,
    text_groups,
    text_place,
)
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.staff.accounts import names_of
from donate.finance.staff.options import SignInOptions
from donate.finance.words import LETTERS, actor_name
from donate.gifts.links.gift_links import GiftLinks
from donate.letters.texts.example import example_context, standard_text
from donate.letters.texts.queries import TextPlace, parts_of_row, text_versions, texts_in_force
from donate.letters.texts.recorder import CHANGED_MEANWHILE, record_text
from donate.letters.texts.rules import PARTS, TextParts, check_text, placeholders_of
from donate.regions.regions import Region, Regions
from donate.storage.database import Database
from donate.web.templating import Pages

_MAX_SHOWN: Final = 10_000
# The example gift does not exist, so its links open nothing.
_EXAMPLE_KEY: Final = ("example",)
Problem = BadInputs | Conflict


class LetterTextPages:
    """The list of the texts of e-mails, and the page of one text."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        options: SignInOptions,
        *,
        time_zone: str,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._options = options
        self._time_zone = time_zone

    def add_routes(self, router: APIRouter) -> None:
        """Add the route of each page."""
        one = "/letters/texts/{code}/{language}/{kind}"
        for method, path, answer in (
            ("GET", "/letters/texts", self.texts),
            ("GET", one, self.text),
            ("POST", f"{one}/preview", self.previewed),
            ("POST", f"{one}/saved", self.saved),
            ("POST", f"{one}/standard", self.standard),
            ("POST", f"{one}/test", self.tested),
        ):
            router.add_api_route(path, answer, methods=[method])

    @needs(Role.FINANCE)
    def texts(self, visit: Visiting) -> Response:
        """List every text, by region and language, and say which of them staff wrote."""
        with self._database.reading() as session:
            in_force = texts_in_force(session)
            groups = text_groups(session, self._regions, in_force, visit.language)
        return self._pages.render(
            "finance/letter_texts.html",
            visit.language,
            staff=visit.signed_in,
            groups=groups,
            time_zone=self._time_zone,
        )

    @needs(Role.FINANCE)
    def text(
        self, request: Request, visit: Visiting, code: str, language: str, kind: str
    ) -> Response:
        """Show one text with its form, and how the e-mail looks with it."""
        region, place = text_place(self._regions, code, language, kind)
        return self._show(visit, region, place, done=request.query_params.get("done", ""))

    @needs(Role.FINANCE)
    def previewed(self, visit: Visiting, code: str, language: str, kind: str) -> Response:
        """Show how the e-mail would look with the typed text. Nothing is saved."""
        region, place = text_place(self._regions, code, language, kind)
        try:
            parts = check_text(visit.form, placeholders_of(place.kind, region))
        except BadInputs as problem:
            return self._show(visit, region, place, problem=problem)
        return self._show(visit, region, place, parts=parts, done="previewed")

    @needs(Role.FINANCE)
    def saved(self, visit: Visiting, code: str, language: str, kind: str) -> Response:
        """Save the typed text. E-mails that are sent from now on have it."""
        region, place = text_place(self._regions, code, language, kind)
        try:
            parts = check_text(visit.form, placeholders_of(place.kind, region))
            # If staff typed exactly the standard text, store none, so that its later changes apply.
            is_standard = parts == standard_text(place.kind, region, place.language)
            self._record(visit, place, None if is_standard else parts)
        except (BadInputs, Conflict) as problem:
            return self._show(visit, region, place, problem=problem)
        return RedirectResponse(f"{address_of_text(place)}?done=saved", 303)

    @needs(Role.FINANCE)
    def standard(self, visit: Visiting, code: str, language: str, kind: str) -> Response:
        """Go back to the standard text."""
        region, place = text_place(self._regions, code, language, kind)
        try:
            self._record(visit, place, None)
        except Conflict as problem:
            return self._show(visit, region, place, problem=problem)
        return RedirectResponse(f"{address_of_text(place)}?done=standard", 303)

    @needs(Role.FINANCE)
    def tested(self, visit: Visiting, code: str, language: str, kind: str) -> Response:
        """Send the e-mail with the typed text to the person who is signed in. Save nothing."""
        region, place = text_place(self._regions, code, language, kind)
        now, staff = self._clock.now(), visit.signed_in
        try:
            parts = check_text(visit.form, placeholders_of(place.kind, region))
            check_mail_is_set_up(self._options)
            with self._database.writing() as session:
                check_example_limit(session, staff.staff_id, now)
                _record_act(visit, session, EXAMPLE_SENT, place, now)
            context = example_context(
                place.kind,
                region,
                place.language,
                today=local_date(now, region.time_zone),
                links=GiftLinks(self._options.public_url, _EXAMPLE_KEY),
                own_text=parts,
            )
            send_example_mail(self._options, place.kind, context, staff, now=now)
        except (BadInputs, Conflict) as problem:
            return self._show(visit, region, place, problem=problem)
        return self._show(visit, region, place, parts=parts, done="tested")

    def _record(self, visit: AllowedRequest, place: TextPlace, parts: TextParts | None) -> None:
        now, seen = self._clock.now(), as_number(visit.form.get("seen", ""))
        if seen is None:
            raise NotFound("no such version")
        with self._database.writing() as session:
            changed = record_text(
                session, place, parts, seen=seen, actor=visit.signed_in.actor, now=now
            )
            if changed:
                act = "letter_text_written" if parts else "letter_text_standard"
                _record_act(visit, session, act, place, now)

    def _show(
        self,
        visit: AllowedRequest,
        region: Region,
        place: TextPlace,
        *,
        done: str = "",
        parts: TextParts | None = None,
        problem: Problem | None = None,
    ) -> Response:
        """Show the page of a text. `parts` is the typed text, if it is valid."""
        with self._database.reading() as session:
            versions = text_versions(session, place)
            names = names_of(session, {row.written_by for row in versions})
        own_text = parts_of_row(versions[0]) if versions else None
        in_force = own_text or standard_text(place.kind, region, place.language)
        is_form = any(part in visit.form for part in PARTS)
        typed = {part: visit.form.get(part, "")[:_MAX_SHOWN] for part in PARTS} if is_form else {}
        newest = versions[0].number if versions else 0
        is_edit_conflict = isinstance(problem, Conflict) and problem.message == CHANGED_MEANWHILE
        seen = newest if not typed or is_edit_conflict else as_number(visit.form.get("seen", ""))
        today = local_date(self._clock.now(), region.time_zone)
        context = example_context(
            place.kind, region, place.language, today=today, own_text=parts or own_text
        )
        shown = preview_of(self._pages, place.kind, context)
        problems = problem.problems if isinstance(problem, BadInputs) else ()
        return self._pages.render(
            "finance/letter_text.html",
            visit.language,
            status_code=422 if problems else 409 if problem else 200,
            headers=preview_headers(shown.html),
            staff=visit.signed_in,
            place=place,
            address=address_of_text(place),
            kind=LETTERS[place.kind],
            typed=typed or asdict(in_force),
            stored=asdict(in_force) if is_edit_conflict else {},
            seen=seen or 0,
            limits=PARTS,
            placeholders=placeholders_of(place.kind, region),
            problems={each.field: each for each in problems},
            conflict=problem if isinstance(problem, Conflict) else None,
            done=done,
            preview=shown,
            is_typed=parts is not None,
            is_own=own_text is not None,
            sends_mail=self._options.new_carrier is not None,
            versions=[(row, actor_name(row.written_by, names, visit.language)) for row in versions],
            time_zone=self._time_zone,
        )


def _record_act(
    visit: AllowedRequest, session: Session, act: str, place: TextPlace, now: datetime
) -> None:
    about, detail = f"{place.code} {place.language}", {"kind": place.kind}
    visit.record(session, act, now=now, about=about, detail=detail)
