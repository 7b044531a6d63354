"""A donor skips a month of a gift by card or debit at the pretend Stripe, and replaces the card."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from donate.gifts.models import Gift
from donate.web.templating import Localizer
from tests.journeys.donor_steps import BANK_ACCOUNT, RECEIVED, World, field
from tests.journeys.monthly import at_stripe, bank_says, months, subscription_of, subscriptions
from tests.links import token_of
from tests.sandbox.running import CARD
from tests.waiting import until

MONTHLY = {"frequency": "monthly"}
MASTERCARD = CARD | {"number": "5555 5555 5555 4444"}
WORDS = Localizer("en-CA")


def begin(world: World) -> tuple[str, str]:
    """Begin a monthly gift by card; return the path of its page and the subscription’s id."""
    back = world.pay(world.submit(world.fill_in() | MONTHLY))
    until(lambda: RECEIVED in world.page(back))
    (gift,) = months(world)
    pledge, subscription_id = f"/pledges/{token_of(gift)}", subscription_of(world, gift)
    until(lambda: "ending in 4242" in world.page(pledge))
    return pledge, subscription_id


def due_at(world: World, subscription_id: str) -> datetime:
    (item,) = at_stripe(world, subscription_id)["items"]["data"]
    return datetime.fromtimestamp(item["current_period_end"], UTC)


def test_a_skipped_month_is_not_collected(world: World) -> None:
    """The skipped month’s invoice is void, the next month is paid, and the page says so before."""
    pledge, subscription_id = begin(world)
    (gift,) = months(world)
    first = due_at(world, subscription_id).astimezone(ZoneInfo(gift.time_zone)).date()
    assert f"Skip {WORDS.month(first, 'LLLL')}" in world.page(pledge)
    world.submit_to(f"{pledge}/pause", until=field(world.page(pledge), "until"))
    until(lambda: "We’ll skip one month" in world.page(pledge))
    assert f"We won’t collect anything in {WORDS.month(first, 'LLLL y')}." in world.page(pledge)
    pause = at_stripe(world, subscription_id)["pause_collection"]
    assert pause["behavior"] == "void"
    skipped = world.sandbox.renew(subscription_id)["invoice"]
    assert skipped["status"] == "void"
    # The pause ends on the day on which the next month is collected.
    next_month = due_at(world, subscription_id)
    assert timedelta(0) <= next_month - datetime.fromtimestamp(pause["resumes_at"], UTC)
    assert next_month - datetime.fromtimestamp(pause["resumes_at"], UTC) <= timedelta(days=1)
    assert world.sandbox.renew(subscription_id)["invoice"]["status"] == "paid"
    until(lambda: len(months(world)) == 2)


def test_another_card_is_shown_at_once(world: World) -> None:
    """When the donor returns from Stripe with another card, the page shows its last digits."""
    pledge, subscription_id = begin(world)
    assert "Visa ending in 4242" in world.page(pledge)
    portal = world.submit_to(f"{pledge}/card")
    world.sandbox.http.post(portal, data=MASTERCARD)
    assert "Mastercard ending in 4444" in world.page(f"{pledge}?done=card")
    world.sandbox.renew(subscription_id)
    until(lambda: len(months(world)) == 2)
    assert "Mastercard ending in 4444" in world.page(pledge)


def test_a_bank_account_is_shown(world: World) -> None:
    """The page of a monthly debit shows the last digits of the account, and can skip a month."""
    agreement = world.submit(world.fill_in("bank_debit") | MONTHLY)
    world.pay(agreement, BANK_ACCOUNT)
    until(lambda: subscriptions(world))
    (subscription,) = subscriptions(world)
    bank_says(world, subscription["id"], yes=True)
    gift: Gift = months(world)[0]
    pledge = f"/pledges/{token_of(gift)}"
    until(lambda: RECEIVED in world.page(f"/gifts/{token_of(gift)}"))
    until(lambda: "Account ending in 6789" in world.page(pledge))
    world.submit_to(f"{pledge}/pause", until=field(world.page(pledge), "until"))
    until(lambda: "We’ll skip one month" in world.page(pledge))
