"""The page on which donors stop reminders about unfinished payments, or want them again."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.clock import Clock
from donate.donors.languages import language_of_gift, languages_of_gift
from donate.errors import NotFound
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Donor, Gift
from donate.gifts.queries import donor_of
from donate.letters.reminders.models import ReminderChannel
from donate.letters.reminders.stopping import (
    choose_reminders,
    gift_to_remind,
    wants_reminders,
)
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.languages import languages_beside
from donate.web.templating import Pages


class ReminderPages:
    """The routes under `/unsubscribe/{token}`. A wrong token gives status 404.

    Opening the page changes nothing, because mail programs open links to check them. Each POST is
    answered with the page itself, because mail providers follow no redirects (RFC 8058).
    """

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        links: GiftLinks,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._clock = clock
        self._links = links

    def add_to(self, router: APIRouter) -> None:
        """Add the routes of the page to `router`."""
        for method, path, answer in (
            ("GET", "/unsubscribe/{token}", self.show),
            ("POST", "/unsubscribe/{token}", self.stop),
            ("POST", "/unsubscribe/{token}/undo", self.undo),
        ):
            router.add_api_route(path, answer, methods=[method], response_model=None)

    def show(self, request: Request, token: str) -> Response:
        """Show whether the donor gets reminders, with a button that changes it."""
        gift, donor = self._find(token)
        return self._page(request, token, gift, donor)

    def stop(self, request: Request, token: str, by: str = "") -> Response:
        """Stop reminders. Our own page says `by=page`; a mail provider's request does not."""
        channel = ReminderChannel.PAGE if by == "page" else ReminderChannel.ONE_CLICK
        return self._choose(request, token, wants=False, channel=channel)

    def undo(self, request: Request, token: str) -> Response:
        """Let the donor get reminders again."""
        return self._choose(request, token, wants=True, channel=ReminderChannel.PAGE)

    def _choose(
        self, request: Request, token: str, *, wants: bool, channel: ReminderChannel
    ) -> Response:
        gift, donor = self._find(token)
        now = self._clock.now()
        with self._database.writing() as session:
            choose_reminders(session, gift, donor.email, wants=wants, channel=channel, now=now)
        return self._page(request, token, gift, donor)

    def _find(self, token: str) -> tuple[Gift, Donor]:
        with self._database.reading() as session:
            gift = gift_to_remind(session, self._links, token)
            if gift:
                return gift, donor_of(session, gift)
        raise NotFound("no such reminder")

    def _page(self, request: Request, token: str, gift: Gift, donor: Donor) -> Response:
        language = language_of_gift(request, gift)
        with self._database.reading() as session:
            wants = wants_reminders(session, donor.email)
        return self._pages.render(
            "donors/reminders.html",
            language,
            token=token,
            gift=gift,
            region=self._regions.get(gift.code),
            wants=wants,
            languages=languages_beside(language, languages_of_gift(gift)),
        )
