"""A gift in each mode, from the Give page to its confirmation, over HTTP."""

from datetime import UTC, datetime

import pytest

from donate.clock import local_date
from donate.gifts.queries import facts_of
from tests.journeys.donor_steps import AMOUNT, BANK_ACCOUNT, RECEIVED, World, field
from tests.journeys.staff import sign_in
from tests.links import token_of
from tests.real_parts import SECRET_KEY
from tests.waiting import until

COMPLETED = "checkout.session.completed"


def test_card(world: World) -> None:
    """A donor who pays by card on Stripe's page reads that the gift is received."""
    checkout = world.submit(world.fill_in())
    assert checkout.startswith(f"{world.sandbox.url}/pay/")
    assert world.gift().status == "awaited"
    back = world.pay(checkout)
    assert back.startswith(f"{world.url}/gifts/")
    until(lambda: RECEIVED in world.page(back))
    gift = world.gift()
    assert (gift.status, gift.received_minor, gift.net_minor) == ("confirmed", AMOUNT, AMOUNT)
    assert gift.reference in world.page(back)
    totals = world.sandbox.control("GET", "/_sandbox/state")["totals"]
    assert totals["cad"]["paid"] == AMOUNT


def test_one_form_is_one_gift(world: World) -> None:
    """A form that is sent twice leads to one gift and one page of Stripe's."""
    form = world.fill_in()
    first = world.submit(form)
    assert world.submit(form) == first
    back = world.pay(first)
    until(lambda: RECEIVED in world.page(back))
    assert RECEIVED in world.page(world.submit(form))
    assert world.gift().status == "confirmed"


def test_a_declined_card_and_another(world: World) -> None:
    """After a declined card, the donor can pay the same gift with another card."""
    checkout = world.submit(world.fill_in())
    session_id = checkout.rpartition("/")[2]
    world.sandbox.pay(session_id, outcome="declined")
    until(lambda: "payment_declined" in world.facts())
    assert world.gift().status == "awaited"
    back = world.pay(checkout)
    until(lambda: RECEIVED in world.page(back))


def test_bank_debit(world: World) -> None:
    """A debit that the bank refuses fails the gift, and a second debit confirms the gift."""
    checkout = world.submit(world.fill_in("bank_debit"))
    back = world.pay(checkout, BANK_ACCOUNT)
    until(lambda: world.gift().status == "processing")
    assert "We’ve sent the debit request to your bank" in world.page(back)
    assert RECEIVED not in world.page(back)
    session_id = checkout.rpartition("/")[2]
    world.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=False)
    until(lambda: world.gift().status == "failed")
    assert "Your bank declined the debit" in world.page(back)
    again = world.submit_to(f"/gifts/{token_of(world.gift())}/checkout")
    assert again != checkout
    back = world.pay(again, BANK_ACCOUNT)
    until(lambda: world.gift().status == "processing")
    session_id = again.rpartition("/")[2]
    world.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=True)
    until(lambda: RECEIVED in world.page(back))
    gift = world.gift()
    assert (gift.status, gift.received_minor, gift.flags) == ("confirmed", AMOUNT, "")


def test_a_debit_that_the_bank_takes_back(world: World) -> None:
    """If a donor's bank disputes a debit that arrived, the gift's net amount becomes zero."""
    checkout = world.submit(world.fill_in("bank_debit"))
    back = world.pay(checkout, BANK_ACCOUNT)
    session_id = checkout.rpartition("/")[2]
    paid = world.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=True)
    until(lambda: RECEIVED in world.page(back))
    intent = paid["session"]["payment_intent"]
    dispute = world.sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent)["dispute"]
    until(lambda: (world.gift().status, world.gift().net_minor) == ("disputed", 0))
    assert "This payment is being disputed" in world.page(back)
    ended = f"/_sandbox/dispute/{dispute['id']}"
    world.sandbox.control("POST", ended, outcome="lost")
    until(lambda: (world.gift().status, world.gift().net_minor) == ("charged_back", 0))
    assert "Your bank reversed this payment" in world.page(back)


def test_interac(world: World) -> None:
    """Staff can mark an Interac transfer as received, which confirms the gift, and undo it."""
    address = world.submit(world.fill_in("interac"))
    gift = world.gift()
    page = world.page(address)
    for text in ("partnership@loveworldcan.ca", gift.reference, "50.00", "Waiting for your tran"):
        assert text in page
    assert RECEIVED not in page
    sign_in(world)
    details = f"/finance/gifts/{gift.id}"
    marking = {
        "csrf": field(world.page(details), "csrf"),
        "received_on": local_date(datetime.now(UTC), gift.time_zone).isoformat(),
        "amount": "50.00",
        "bank_reference": "CA1b2c3d",
        "note": "",
    }
    assert world.http.post(f"{details}/received", data=marking).status_code == 303
    assert RECEIVED in world.page(address)
    assert world.gift().received_minor == AMOUNT
    with world.database.reading() as session:
        (received,) = [f for f in facts_of(session, gift.id) if f.kind == "transfer_received"]
    undoing = {
        "csrf": marking["csrf"],
        "transfer": received.source_id,
        "reason": "It was another donor's.",
    }
    assert world.http.post(f"{details}/undone", data=undoing).status_code == 303
    assert RECEIVED not in world.page(address)
    assert (world.gift().status, world.gift().received_minor) == ("awaited", 0)


def test_a_webhook_delivered_often(world: World) -> None:
    """A payment's event that is delivered fifty more times changes nothing."""
    back = world.pay(world.submit(world.fill_in()))
    until(lambda: RECEIVED in world.page(back))
    before = world.facts()
    (completed,) = world.events(COMPLETED)
    world.deliver(completed, times=50)
    assert world.facts() == before
    assert world.gift().net_minor == AMOUNT


def test_no_webhook_arrives(world: World) -> None:
    """If no webhook arrives, the service asks Stripe when the donor returns from paying."""
    world.webhooks(paused=True)
    back = world.pay(world.submit(world.fill_in()))
    assert RECEIVED in world.page(back)
    assert world.gift().status == "confirmed"


def test_a_webhook_arrives_late(world: World) -> None:
    """If a webhook arrives after the service asked Stripe, the payment still counts once."""
    world.webhooks(paused=True)
    back = world.pay(world.submit(world.fill_in()))
    assert RECEIVED in world.page(back)
    before = world.facts()
    world.webhooks(paused=False, deliver_missed=True)
    until(lambda: not world.sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"])
    assert world.facts() == before


@pytest.mark.parametrize("is_reversed", [False, True])
def test_webhooks_in_any_order(world: World, is_reversed: bool) -> None:
    """Events of a payment, a refund and a won dispute give the same result in reverse order."""
    world.webhooks(paused=True)
    checkout = world.submit(world.fill_in())
    world.pay(checkout)
    headers = {"authorization": f"Bearer {SECRET_KEY}"}
    session = world.sandbox.http.get(
        f"/v1/checkout/sessions/{checkout.rpartition('/')[2]}", headers=headers
    ).json()
    payment = session["payment_intent"]
    world.sandbox.control("POST", "/_sandbox/refund", payment_intent=payment, amount=1_000)
    opened = world.sandbox.control("POST", "/_sandbox/dispute", payment_intent=payment)
    dispute = opened["dispute"]["id"]
    world.sandbox.control("POST", f"/_sandbox/dispute/{dispute}", outcome="won")
    events = world.events()
    for event_id in reversed(events) if is_reversed else events:
        world.deliver(event_id)

    def ended() -> bool:
        gift = world.gift()
        return (gift.status, gift.net_minor, gift.flags) == ("partly_refunded", AMOUNT - 1_000, "")

    until(ended)
