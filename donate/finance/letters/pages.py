"""Pages that show e-mails to donors, and forms for sending an e-mail again or dismissing it."""

from collections.abc import Callable
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.gifts.pages import StaffGiftPages, find_gift
from donate.finance.roles import Role
from donate.finance.words import HELD_BY, LETTERS, letter_reason, letter_status, letter_time
from donate.gifts.links.gift_links import HIDDEN_LINKS
from donate.gifts.models import Gift
from donate.letters.context import can_be_written, load_context
from donate.letters.desk import (
    dismiss_letter,
    letter_of,
    letters_set_aside,
    may_be_sent_again,
    send_again,
)
from donate.letters.email_message import render_letter
from donate.letters.held import dismiss_held, held_letters, send_held
from donate.letters.models import Letter, ShareLimit
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

SHOWN: Final = 200
_MOST_DIGITS: Final = 18


class LetterPages:
    """The pages and forms about e-mails to donors."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        gift_pages: StaffGiftPages,
        *,
        time_zone: str,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._gift_pages = gift_pages
        self._time_zone = time_zone

    def add_routes(self, router: APIRouter) -> None:
        """Add the route of each page."""
        for method, path, answer in (
            ("GET", "/letters", self.letters),
            ("POST", "/letters/again", self.all_again),
            ("POST", "/letters/held-sent", self.send_held),
            ("POST", "/letters/held-dismissed", self.dismiss_held),
            ("GET", "/gifts/{gift_id}/letters/{number}", self.letter),
            ("POST", "/gifts/{gift_id}/letter-again", self.again),
            ("POST", "/gifts/{gift_id}/letter-dismissed", self.dismissed),
        ):
            router.add_api_route(path, answer, methods=[method])

    @needs(Role.VIEWER)
    def letters(self, request: Request, visit: Visiting) -> Response:
        """Show the e-mails that a limit holds back, and those that could not be sent."""
        with self._database.reading() as session:
            rows = letters_set_aside(session, limit=SHOWN)
            held = held_letters(session, limit=SHOWN)
        return self._pages.render(
            "finance/letters.html",
            visit.language,
            staff=visit.signed_in,
            rows=[(letter, gift, letter_reason(letter, visit.language)) for letter, gift in rows],
            held=held,
            limits=HELD_BY,
            shown=SHOWN,
            may_decide=visit.signed_in.may(Role.FINANCE),
            done=request.query_params.get("done", ""),
            time_zone=self._time_zone,
            names=LETTERS,
        )

    @needs(Role.VIEWER)
    def letter(self, request: Request, visit: Visiting, gift_id: str, number: str) -> Response:
        """Show the text of an e-mail, without the secret tokens that open the donor's pages."""
        with self._database.reading() as session:
            gift = find_gift(session, gift_id)
            letter = letter_of(session, gift, _number(number))
            about = load_context(session, letter, self._regions, HIDDEN_LINKS)
        text = ""
        if can_be_written(letter.kind, about):
            text = render_letter(self._pages, letter, about).text
        return self._pages.render(
            "finance/letter.html",
            visit.language,
            staff=visit.signed_in,
            gift=gift,
            email=about.donor.email,
            letter=letter,
            kind=LETTERS[letter.kind],
            status=letter_status(letter, visit.language),
            moment=letter_time(letter),
            text=text,
        )

    @needs(Role.FINANCE)
    def all_again(self, request: Request, visit: Visiting) -> Response:
        """Send the failed e-mails again that are still true, at most SHOWN of them."""
        now = self._clock.now()
        with self._database.writing() as session:
            queued = 0
            for letter, gift in letters_set_aside(session, limit=SHOWN):
                if letter.id and may_be_sent_again(session, letter, self._regions):
                    queued += bool(
                        send_again(
                            session,
                            gift,
                            letter.id,
                            letter.again + 1,
                            regions=self._regions,
                            actor=visit.signed_in.actor,
                            now=now,
                        )
                    )
            if queued:
                visit.record(session, "letters_again", now=now, detail={"letters": queued})
        return RedirectResponse("/finance/letters?done=again", 303)

    @needs(Role.FINANCE)
    def send_held(self, visit: Visiting) -> Response:
        """Send the e-mails of one network that a limit holds back."""
        now = self._clock.now()
        return self._decide_held(visit, "held_letters_sent", partial(send_held, now=now))

    @needs(Role.FINANCE)
    def dismiss_held(self, visit: Visiting) -> Response:
        """Dismiss the e-mails of one network that a limit holds back."""
        return self._decide_held(visit, "held_letters_dismissed", dismiss_held)

    def _decide_held(
        self, visit: AllowedRequest, act: str, decide: Callable[[Session, ShareLimit, str], int]
    ) -> Response:
        held_by, network = visit.form.get("held_by", ""), visit.form.get("network", "")[:64]
        if held_by not in set(ShareLimit):
            raise BadInput("held_by", N_("Please choose one of the groups on the page."))
        with self._database.writing() as session:
            letters = decide(session, ShareLimit(held_by), network)
            if letters:
                now, detail = self._clock.now(), {"letters": letters}
                visit.record(session, act, now=now, about=network, detail=detail)
        return RedirectResponse(f"/finance/letters?done={act}", 303)

    @needs(Role.FINANCE)
    def again(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Put one e-mail into the queue again, so that it is sent again."""
        again = _number(visit.form.get("again", ""))

        def send(session: Session, gift: Gift, number: int) -> Letter | None:
            return send_again(
                session,
                gift,
                number,
                again,
                regions=self._regions,
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )

        return self._act(visit, gift_id, "letter_again", send)

    @needs(Role.FINANCE)
    def dismissed(self, request: Request, visit: Visiting, gift_id: str) -> Response:
        """Dismiss an e-mail that could not be sent, so that it is never sent."""
        return self._act(visit, gift_id, "letter_dismissed", dismiss_letter)

    def _act(
        self,
        visit: AllowedRequest,
        gift_id: str,
        act: str,
        do: Callable[[Session, Gift, int], Letter | None],
    ) -> Response:
        number = _number(visit.form.get("letter", ""))
        try:
            with self._database.writing() as session:
                gift = find_gift(session, gift_id)
                letter = do(session, gift, number)
                if letter:
                    detail = {"kind": letter.kind, "letter": number}
                    now = self._clock.now()
                    visit.record(session, act, now=now, about=gift.reference, detail=detail)
        except Conflict as conflict:
            return self._gift_pages.show(visit, gift_id, problem=conflict)
        return RedirectResponse(f"/finance/gifts/{gift_id}?done={act}", 303)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise NotFound("no such letter")
    return int(text)
