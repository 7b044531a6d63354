"""The secret links of gifts, made with the tests' own key."""

from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift

LINK_KEY = "b1946ac92492d2347c6235b4d2611184c8a1"


def links_at(public_url: str) -> GiftLinks:
    """Return the links of a service with the tests' key."""
    return GiftLinks(public_url, (LINK_KEY,))


LINKS = links_at("http://127.0.0.1:8000")


def token_of(gift: Gift) -> str:
    """Return the token of the link to a gift's page."""
    return LINKS.token(gift)


def stop_token_of(gift: Gift) -> str:
    """Return the token of the link to the page about a gift's reminders."""
    return LINKS.token(gift, "reminders")
