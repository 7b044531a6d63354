"""With STRIPE_ACCOUNT, the service works with one connected account of a platform."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from donate.clock import FixedClock
from donate.errors import StripeKeyRefused, StripeRefused
from donate.gifts.queries import donor_of
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.catchup.lists import reading_client
from donate.stripe_gateway.models import EventSource, StripeEvent
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.webhooks.inbox import Arrival
from donate.stripe_gateway.webhooks.settle import Settler
from tests.real_parts import SECRET_KEY, free_port
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import NOW, as_bytes, event, gift_now, give, session_for
from tests.stripe_gateway.service import WEBHOOK_PATH, serving
from tests.waiting import until

ACCOUNT = "acct_1Connected0000"


@pytest.fixture
def connected() -> Iterator[RunningSandbox]:
    with run_sandbox(connected_account=ACCOUNT) as sandbox:
        yield sandbox


def test_a_gift_to_a_connected_account_arrives(database_url: str) -> None:
    """A gift to a connected account is paid, and confirmed by the account's webhook."""
    port = free_port()
    hook = f"http://127.0.0.1:{port}{WEBHOOK_PATH}"
    with run_sandbox(connected_account=ACCOUNT, webhook_url=hook) as sandbox:
        how = {"stripe_api_base": sandbox.url, "stripe_account": ACCOUNT}
        with serving(database_url, port, **how) as service:
            gift = give(service.database, attempts=0)
            client = client_of(sandbox, account=ACCOUNT)
            url = checkouts_of(service.database, client).open_for(gift)
            sandbox.pay(url.rpartition("/")[2])
            until(lambda: gift_now(service.database, gift).status == "confirmed")
            client.close()


def test_every_call_names_the_account(connected: RunningSandbox) -> None:
    """Every kind of call to Stripe is made for the connected account."""
    client = client_of(connected, account=ACCOUNT)
    lists = reading_client(SECRET_KEY, connected.url, account=ACCOUNT)
    params = {"mode": "payment", "success_url": "https://give.example.org"}
    price = {"currency": "cad", "unit_amount": 500, "product_data": {"name": "Gift"}}
    params |= {"line_items": [{"quantity": 1, "price_data": price}]}  # type: ignore[dict-item]
    session = client.create_session(params, "key-1")  # type: ignore[arg-type]
    assert client.retrieve_session(session.session_id)["id"] == session.session_id
    assert lists.list_page("sessions", {}).objects[0]["id"] == session.session_id
    with pytest.raises(StripeRefused):
        client.create_refund({"payment_intent": "pi_unknown"}, "key-2")
    with pytest.raises(StripeRefused):
        Billing(client).subscription("sub_unknown")
    for one in (client, lists):
        one.close()


@pytest.mark.parametrize("account", ["acct_1Stranger0000", ""])
def test_another_account_is_refused(connected: RunningSandbox, account: str) -> None:
    """The sandbox refuses a call for any account that is not connected to the key's account."""
    client = client_of(connected, account=account)
    expected = StripeKeyRefused if account else StripeRefused
    with pytest.raises(expected):
        client.list_page("events", {})
    client.close()


@pytest.mark.parametrize(
    ("source", "account", "state"),
    [
        (EventSource.WEBHOOK, ACCOUNT, "settled"),
        (EventSource.WEBHOOK, None, "foreign"),
        (EventSource.WEBHOOK, "acct_1Stranger0000", "foreign"),
        (EventSource.ASKED, None, "settled"),
        (EventSource.ASKED, ACCOUNT, "settled"),
        (EventSource.ASKED, "acct_1Stranger0000", "foreign"),
    ],
)
def test_only_events_of_the_account_are_ours(
    database: Database, source: EventSource, account: str | None, state: str
) -> None:
    """A webhook must name STRIPE_ACCOUNT; an event that we requested ourselves need not."""
    gift = give(database)
    account_field = {"account": account} if account else {}
    completed = event("checkout.session.completed", session_for(gift), **account_field)
    row = Arrival(as_bytes(completed), NOW, source=source).as_row()
    with database.writing() as session:
        insert_new(session, StripeEvent, [row])
    settler = Settler(database, FixedClock(NOW), livemode=False, account=ACCOUNT)
    while settler.settle_due():
        pass
    with database.reading() as session:
        assert session.exec(select(StripeEvent)).one().state == state
    assert (gift_now(database, gift).status == "confirmed") == (state == "settled")


def test_an_email_address_that_stripe_refuses_is_left_out(
    database: Database, sandbox: RunningSandbox
) -> None:
    """If Stripe refuses the donor's e-mail address, the session opens without the address."""
    client = client_of(sandbox)
    checkouts = checkouts_of(database, client)
    log = []
    for email in ("zoe@bücher.example.org", "zoë@example.org"):
        gift = give(database, attempts=0)
        # Today's form refuses this address; an earlier version of the service may have stored it.
        with database.writing() as session:
            donor_of(session, gift).email = email
        for _ in range(2):
            assert urlsplit(checkouts.open_for(gift)).netloc == urlsplit(sandbox.url).netloc
        requests = sandbox.control("GET", "/_sandbox/requests")
        log.append(
            [
                (one["parameters"].get("customer_email"), one["idempotency_key"], one["status"])
                for one in requests
                if one["method"] == "POST" and str(gift.id) in (one["idempotency_key"] or "")
            ]
        )
    accented, (refused, opened) = log
    assert [one[0] for one in accented] == ["zoe@xn--bcher-kva.example.org"]
    assert (refused[0], refused[2]) == ("zoë@example.org", 400)
    assert (opened[0], opened[2]) == (None, 200)
    assert opened[1] == f"{refused[1]}-without-email"
    client.close()
