"""A monthly gift by card, from the Give page to its end."""

from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from donate.gifts.models import Gift
from tests.journeys.donor_steps import AMOUNT, RECEIVED, World
from tests.journeys.monthly import at_stripe, later_month, months, subscription_of
from tests.journeys.staff import sign_in
from tests.links import token_of
from tests.sandbox.running import CARD
from tests.waiting import until

MONTHLY = {"frequency": "monthly"}
DECLINED = CARD | {"number": "4000 0000 0000 0002"}


def begin(world: World) -> tuple[Gift, str]:
    """Begin a monthly gift and pay the first month; return that gift and the subscription's id."""
    back = world.pay(world.submit(world.fill_in() | MONTHLY))
    until(lambda: RECEIVED in world.page(back))
    (gift,) = months(world)
    return gift, subscription_of(world, gift)


def test_each_month_is_a_gift_of_its_own(world: World) -> None:
    """Each month of a pledge is a gift of its own, and the pledge's page lists all months."""
    first, subscription_id = begin(world)
    assert (first.frequency, first.received_minor) == ("monthly", AMOUNT)
    world.sandbox.renew(subscription_id)
    until(lambda: [gift.status for gift in months(world)] == ["confirmed", "confirmed"])
    page = world.page(f"/pledges/{token_of(first)}")
    assert "Thank you for giving every month" in page
    assert page.count("status-confirmed") == 2
    month = later_month(world)
    assert f"/pledges/{token_of(first)}" in world.page(f"/gifts/{token_of(month)}")
    sign_in(world)
    for gift, other in ((first, month), (month, first)):
        staff_page = world.page(f"/finance/gifts/{gift.id}")
        assert "Every month" in staff_page
        assert f'href="/finance/gifts/{other.id}"' in staff_page


def test_the_amount_is_changed_from_the_next_month_on(world: World) -> None:
    """If a donor changes the amount, the next month is collected with the new amount."""
    first, subscription_id = begin(world)
    pledge = f"/pledges/{token_of(first)}"
    refused = world.http.post(f"{pledge}/amount", data={"amount": "1e2"})
    assert refused.status_code == 422
    assert 'value="1e2"' in refused.text
    french = world.http.post(
        f"{pledge}/amount", data={"amount": "75.5", "language_switch": "fr-CA"}
    )
    assert "Votre don mensuel" in french.text
    assert 'value="75.5"' in french.text
    world.submit_to(f"{pledge}/amount", amount="75.50")
    until(lambda: "$75.50 every month" in world.page(pledge))
    world.sandbox.renew(subscription_id)
    until(lambda: len(months(world)) == 2)
    assert later_month(world).received_minor == 7_550
    assert months(world)[0].received_minor == AMOUNT


def test_a_monthly_gift_is_paused_and_resumed(world: World) -> None:
    """While a monthly gift is paused, nothing is collected; once resumed, months continue."""
    first, subscription_id = begin(world)
    pledge = f"/pledges/{token_of(first)}"
    world.submit_to(f"{pledge}/pause", until="resumed")
    until(lambda: "Your monthly gift is paused" in world.page(pledge))
    assert "Done." in world.page(f"{pledge}?done=pause")
    assert "Your monthly gift has ended." not in world.page(f"{pledge}?done=cancel")
    world.sandbox.renew(subscription_id)
    world.submit_to(f"{pledge}/resume")
    until(lambda: "Thank you for giving every month" in world.page(pledge))
    assert "Done." not in world.page(f"{pledge}?done=pause")
    world.submit_to(f"{pledge}/pause", until="resumed")
    until(lambda: "Your monthly gift is paused" in world.page(pledge))
    world.submit_to(f"{pledge}/resume")
    sign_in(world)
    assert "Change to monthly gift requested" in world.page(f"/finance/gifts/{first.id}")
    world.sandbox.renew(subscription_id)
    until(lambda: len(months(world)) == 2)


def test_the_donor_ends_a_monthly_gift(world: World) -> None:
    """A donor can end a monthly gift; Stripe then collects nothing, and changes are refused."""
    first, subscription_id = begin(world)
    pledge = f"/pledges/{token_of(first)}"
    world.submit_to(f"{pledge}/cancel")
    until(lambda: "Your monthly gift has ended" in world.page(pledge))
    assert at_stripe(world, subscription_id)["status"] == "canceled"
    assert "frequency=monthly" in world.page(pledge)
    again = world.http.post(f"{pledge}/pause")
    assert again.status_code == 409
    assert "can’t be changed" in again.text
    assert "/pause" not in world.page(pledge)


def test_a_failed_month_is_tried_again_with_another_card(world: World) -> None:
    """If a month's card is declined, the donor can replace the card and pay the same gift."""
    first, subscription_id = begin(world)
    world.sandbox.renew(subscription_id, succeed=False)
    until(lambda: len(months(world)) == 2)
    month = later_month(world)
    page = f"/gifts/{token_of(month)}"
    assert "We couldn’t collect this gift" in world.page(page)
    pledge = f"/pledges/{token_of(first)}"
    until(lambda: "Your last payment didn’t go through" in world.page(pledge))
    portal = world.submit_to(f"{pledge}/card")
    world.sandbox.http.post(portal, data=DECLINED)
    assert world.submit_to(f"{page}/checkout").endswith("?problem=declined")
    assert "Your card was declined again" in world.page(f"{page}?problem=declined")
    back = world.sandbox.http.post(portal, data=CARD).headers["location"]
    assert back == f"{world.url}{pledge}?done=card"
    assert "Now open the gift" in world.page(f"{pledge}?done=card")
    charged, default = world.charged_card(subscription_id)
    assert charged == default
    assert world.submit_to(f"{page}/checkout") == page
    # The worker may be just about to record the payment.
    until(lambda: RECEIVED in world.page(page))
    assert (later_month(world).status, later_month(world).received_minor) == ("confirmed", AMOUNT)


def test_a_new_card_is_kept_if_the_donor_does_not_return(world: World) -> None:
    """A card saved on Stripe's page pays the next months even if the donor never comes back."""
    first, subscription_id = begin(world)
    until(lambda: "Thank you for giving every month" in world.page(f"/pledges/{token_of(first)}"))
    world.sandbox.http.post(world.submit_to(f"/pledges/{token_of(first)}/card"), data=CARD)
    before, default = world.charged_card(subscription_id)
    assert before != default
    world.submit_to(f"/pledges/{token_of(first)}/card")
    assert world.charged_card(subscription_id) == (default, default)


@pytest.mark.parametrize("mode", ["interac", "card"])
def test_a_failed_month_is_given_another_way(world: World, mode: str) -> None:
    """If a donor gives a failed month in another mode, Stripe can no longer collect it."""
    _, subscription_id = begin(world)
    invoice = world.sandbox.renew(subscription_id, succeed=False)["invoice"]["id"]
    until(lambda: len(months(world)) == 2)
    month = later_month(world)
    place = world.submit_to(f"/gifts/{token_of(month)}/instead", mode=mode)
    other = months(world)[-1]
    assert (other.mode, other.frequency, other.amount_minor) == (mode, "once", AMOUNT)
    assert other.pledge_id is None
    assert place.startswith(f"{world.sandbox.url}/pay/") == (mode == "card")
    assert world.invoice(invoice)["status"] == "void"
    again = world.submit_to(f"/gifts/{token_of(month)}/instead", mode=mode)
    assert again == place
    assert len(months(world)) == 3
    if mode == "card":
        world.sandbox.http.post(place, data=CARD)
        first = next(gift for gift in months(world) if gift.pledge_id == gift.id)
        until(lambda: "Given another way" in world.page(f"/pledges/{token_of(first)}"))


def test_a_paid_month_is_not_paid_again(world: World) -> None:
    """A month that was paid can be neither paid again nor given in another mode."""
    _, subscription_id = begin(world)
    world.sandbox.renew(subscription_id)
    until(lambda: len(months(world)) == 2)
    month = later_month(world)
    for action in ("checkout", "instead"):
        answer = world.http.post(f"/gifts/{token_of(month)}/{action}", data={"mode": "interac"})
        assert answer.status_code in (303, 409)
    assert len(months(world)) == 2


def test_only_the_first_token_opens_the_pledge(world: World) -> None:
    """Only the token of the first month's gift opens the pledge's page; others get 404."""
    _, subscription_id = begin(world)
    world.sandbox.renew(subscription_id)
    until(lambda: len(months(world)) == 2)
    for token in (token_of(later_month(world)), "nosuchtoken", "%00"):
        assert world.http.get(f"/pledges/{token}").status_code == 404
        assert world.http.post(f"/pledges/{token}/cancel").status_code == 404


def test_the_donor_ends_a_pledge_at_stripe(world: World) -> None:
    """If a donor ends a pledge at Stripe, its page says when it ends; the donor can undo this."""
    first, subscription_id = begin(world)
    pledge = f"/pledges/{token_of(first)}"
    until(lambda: "Thank you for giving every month" in world.page(pledge))
    customer = at_stripe(world, subscription_id)["customer"]
    opened = world.sandbox.http.post(
        "/v1/billing_portal/sessions", data={"customer": customer}, headers=world.stripe_headers
    )
    end = f"{opened.json()['url']}/subscriptions/{subscription_id}"
    world.sandbox.http.post(end, data={"wanted": "end"})
    until(lambda: "Your monthly gift is ending soon" in world.page(pledge))
    subscription = at_stripe(world, subscription_id)
    assert subscription["cancel_at_period_end"] is False
    moment = datetime.fromtimestamp(subscription["cancel_at"], UTC).astimezone(
        ZoneInfo(first.time_zone)
    )
    day = f"{moment:%B} {moment.day}, {moment.year}"
    assert (
        f"Your monthly gift ends on {day}. Nothing will be collected from that day on."
        in world.page(pledge)
    )
    assert f"/give/{first.code}" in world.page(pledge)
    sign_in(world)
    assert f"Ends on {day}." in world.page(f"/finance/gifts/{first.id}")
    world.sandbox.http.post(end, data={"wanted": "keep"})
    until(lambda: "Your monthly gift ends on" not in world.page(pledge))
    world.sandbox.http.post(end, data={"wanted": "end"})
    until(lambda: "Your monthly gift ends on" in world.page(pledge))
    assert world.sandbox.renew(subscription_id)["invoice"] is None
    until(lambda: "Your monthly gift has ended" in world.page(pledge))
    assert "payments didn’t go through" not in world.page(pledge)


STATUSES = {
    "trialing": "Your monthly gift is set up",
    "past_due": "Your last payment didn’t go through",
    "unpaid": "Your last few payments didn’t go through",
    "paused": "Your monthly gift is on hold",
    "active": "Thank you for giving every month",
}


def test_each_status_of_a_subscription_is_explained(world: World) -> None:
    """For each status of Stripe's subscription, the pledge's page explains the status."""
    first, subscription_id = begin(world)
    pledge, path = f"/pledges/{token_of(first)}", f"/_sandbox/subscriptions/{subscription_id}"

    def says(text: str) -> bool:
        return text in world.page(pledge)

    for status, headline in STATUSES.items():
        world.sandbox.control("POST", f"{path}/status", status=status)
        until(partial(says, headline))
        assert "Use another card" in world.page(pledge)
        assert ("/pause?" in world.page(pledge)) == (status in {"active", "trialing"})
    sign_in(world)
    assert "Stripe collects it every month." in world.page(f"/finance/gifts/{first.id}")
    world.sandbox.control("POST", f"{path}/cancel", reason="payment_failed")
    until(lambda: "It ended because payments didn’t go through." in world.page(pledge))
    assert "Start again" in world.page(pledge)
    staff_page = world.page(f"/finance/gifts/{first.id}")
    assert "Stripe ended it because payments failed." in staff_page
    assert world.http.post(f"{pledge}/card").status_code == 409
