"""A monthly bank debit, from the donor's agreement to its end; each debit takes days."""

from donate.gifts.models import Gift
from tests.journeys.donor_steps import AMOUNT, BANK_ACCOUNT, RECEIVED, World
from tests.journeys.monthly import (
    at_stripe,
    bank_says,
    later_month,
    months,
    subscription_of,
    subscriptions,
)
from tests.links import token_of
from tests.waiting import until

UNDER_WAY = "We’ve sent the debit request to your bank"


def agree(world: World) -> tuple[Gift, str]:
    """Choose a monthly debit and agree to it; return the gift and the subscription's id."""
    form = world.fill_in("bank_debit") | {"frequency": "monthly"}
    back = world.pay(world.submit(form), BANK_ACCOUNT)
    until(lambda: UNDER_WAY in world.page(back))
    (gift,) = months(world)
    return gift, subscription_of(world, gift)


def test_each_month_is_debited(world: World) -> None:
    """One agreement starts one subscription, and a month is confirmed when its debit arrives."""
    gift, subscription_id = agree(world)
    assert (months(world)[0].status, months(world)[0].received_minor) == ("processing", 0)
    assert "Thank you for giving every month" in world.page(f"/pledges/{token_of(gift)}")
    bank_says(world, subscription_id, yes=True)
    until(lambda: RECEIVED in world.page(f"/gifts/{token_of(gift)}"))
    world.sandbox.renew(subscription_id, succeed=None)
    assert len(months(world)) == 1
    bank_says(world, subscription_id, yes=True)
    until(lambda: [month.status for month in months(world)] == ["confirmed", "confirmed"])
    assert [month.received_minor for month in months(world)] == [AMOUNT, AMOUNT]
    assert later_month(world).mode == "bank_debit"
    assert [subscription["id"] for subscription in subscriptions(world)] == [subscription_id]


def test_after_a_refused_first_debit_the_donor_can_agree_again(world: World) -> None:
    """If the bank refuses the first debit, the pledge ends, and the donor can agree again."""
    gift, first = agree(world)
    bank_says(world, first, yes=False)
    page = f"/gifts/{token_of(gift)}"
    until(lambda: "Your bank declined the debit" in world.page(page))
    until(lambda: at_stripe(world, first)["status"] == "canceled")
    invoice = at_stripe(world, first)["latest_invoice"]
    until(lambda: world.invoice(invoice)["status"] == "void")
    until(lambda: "Your monthly gift has ended" in world.page(f"/pledges/{token_of(gift)}"))
    world.pay(world.submit_to(f"{page}/checkout"), BANK_ACCOUNT)
    until(lambda: len(subscriptions(world)) == 2)
    (second,) = (
        subscription["id"] for subscription in subscriptions(world) if subscription["id"] != first
    )
    bank_says(world, second, yes=True)
    until(lambda: RECEIVED in world.page(page))
    until(lambda: "Thank you for giving every month" in world.page(f"/pledges/{token_of(gift)}"))
    (only,) = months(world)
    assert (only.received_minor, only.flags) == (AMOUNT, "")


def test_a_refused_month_is_debited_again(world: World) -> None:
    """A refused month can be debited again, by one debit at a time, and stays a single gift."""
    gift, subscription_id = agree(world)
    bank_says(world, subscription_id, yes=True)
    world.sandbox.renew(subscription_id, succeed=None)
    bank_says(world, subscription_id, yes=False)
    until(lambda: len(months(world)) == 2)
    page = f"/gifts/{token_of(later_month(world))}"
    assert "Your bank declined the debit" in world.page(page)
    assert "Use another card" not in world.page(page)
    for _ in range(2):
        location = world.submit_to(f"{page}/checkout")
        assert location == f"{page}?problem=asked"
        assert "We’ve sent the debit request to your bank again" in world.page(location)
        assert "Try again" not in world.page(location)
    # While the debit is under way, the month cannot be given in another mode.
    assert world.submit_to(f"{page}/instead", mode="interac") == f"{page}?problem=page"
    bank_says(world, subscription_id, yes=True)
    until(lambda: RECEIVED in world.page(page))
    assert [month.received_minor for month in months(world)] == [AMOUNT, AMOUNT]
    assert gift.id == later_month(world).pledge_id


def test_a_monthly_debit_is_changed_and_ended(world: World) -> None:
    """A monthly debit can be changed, paused and ended, but not moved to another bank account."""
    gift, subscription_id = agree(world)
    bank_says(world, subscription_id, yes=True)
    pledge = f"/pledges/{token_of(gift)}"
    until(lambda: RECEIVED in world.page(f"/gifts/{token_of(gift)}"))
    assert "Use another card" not in world.page(pledge)
    assert "cancel this monthly gift and start a new one" in world.page(pledge)
    assert world.http.post(f"{pledge}/card").status_code == 409
    world.submit_to(f"{pledge}/amount", amount="75.50")
    until(lambda: "$75.50 every month" in world.page(pledge))
    world.submit_to(f"{pledge}/pause", until="resumed")
    until(lambda: "Your monthly gift is paused" in world.page(pledge))
    world.submit_to(f"{pledge}/cancel")
    until(lambda: at_stripe(world, subscription_id)["status"] == "canceled")
