"""The page that sends the one-time link to a gift's own address. Each e-mail and gift leads here.

The gift's token is in the URL, and never the address.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.donors.first_step import redirect_to
from donate.donors.gift_page.gift_view import masked_email
from donate.donors.languages import language_of_gift, languages_of_gift
from donate.donors.own_page import words
from donate.donors.own_page.asking import LinkRequests
from donate.errors import NotFound
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Donor, Gift
from donate.gifts.queries import donor_of
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.languages import languages_beside
from donate.web.limits.networks import address_of
from donate.web.origins import is_cross_site
from donate.web.templating import Pages


class GiftLinkPages:
    """The routes under `/gifts/{token}/my-gifts`. They show nothing about other gifts."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        link_requests: LinkRequests,
        links: GiftLinks,
    ) -> None:
        self._database = database
        self._regions = regions
        self._pages = pages
        self._link_requests = link_requests
        self._links = links

    def add_to(self, router: APIRouter) -> None:
        """Add the routes to `router`."""
        path = "/gifts/{token}/my-gifts"
        router.add_api_route(path, self.show, methods=["GET"], response_model=None)
        router.add_api_route(path, self.send, methods=["POST"], response_model=None)

    def show(self, request: Request, token: str, asked: str = "") -> Response:
        """Show the button that sends the link."""
        gift, donor = self._find(token)
        language = language_of_gift(request, gift)
        return self._pages.render(
            "donors/own_page/send.html",
            language,
            here=f"{self._links.path(gift)}/my-gifts",
            gift_page=self._links.path(gift),
            email=masked_email(donor.email),
            was_asked=bool(asked),
            asked=words.ASKED,
            region=self._regions.get(gift.code),
            languages=languages_beside(language, languages_of_gift(gift)),
        )

    def send(self, request: Request, token: str) -> Response:
        """Store a request for a link to the gift's address."""
        gift, donor = self._find(token)
        language = language_of_gift(request, gift)
        page = f"{self._links.path(gift)}/my-gifts?lang={language}"
        if is_cross_site(request):
            return redirect_to(page)
        self._link_requests.ask(donor.email, language, address=address_of(request))
        return redirect_to(f"{page}&asked=yes")

    def _find(self, token: str) -> tuple[Gift, Donor]:
        with self._database.reading() as session:
            gift = self._links.find_gift(session, token)
            donor = gift and donor_of(session, gift)
        if gift and donor and donor.email:
            return gift, donor
        raise NotFound("no such gift, or it has no e-mail address")
