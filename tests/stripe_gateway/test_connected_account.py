"""With STRIPE_ACCOUNT every call acts as a connected account, and only its events count."""

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
from donate.stripe_gateway.models import StripeEvent
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.webhooks.inbox import Arrival
from donate.stripe_gateway.webhooks.settle import Settler
from tests.real_parts import SECRET_KEY, free_port
from tests.sandbox.running import RunningSandbox, run_sandbox, wait_until
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import NOW, as_bytes, event, gift_now, give, session_for
from tests.stripe_gateway.service import WEBHOOK_PATH, serving

ACCOUNT = "acct_1Connected0000"


@pytest.fixture
def connected() -> Iterator[RunningSandbox]:
    with run_sandbox(connected_account=ACCOUNT) as sandbox:
        yield sandbox


def test_a_gift_to_a_connected_account_arrives(database_url: str) -> None:
    """Session, webhook and confirmation all happen in the connected account."""
    port = free_port()
    hook = f"http://127.0.0.1:{port}{WEBHOOK_PATH}"
    with run_sandbox(connected_account=ACCOUNT, webhook_url=hook) as sandbox:
        how = {"stripe_api_base": sandbox.url, "stripe_account": ACCOUNT}
        with serving(database_url, port, **how) as service:
            gift = give(service.database, attempts=0)
            client = client_of(sandbox, account=ACCOUNT)
            url = checkouts_of(service.database, client).open_for(gift)
            sandbox.pay(url.rpartition("/")[2])
            wait_until(lambda: gift_now(service.database, gift).status == "confirmed")
            client.close()


def test_every_call_names_the_account(connected: RunningSandbox) -> None:
    """Creating, reading, listing and refunding act as the connected account."""
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
    """Stripe lets a key act only as accounts that are connected to it."""
    client = client_of(connected, account=account)
    expected = StripeKeyRefused if account else StripeRefused
    with pytest.raises(expected):
        client.list_page("events", {})
    client.close()


@pytest.mark.parametrize(
    ("source", "account", "state"),
    [
        ("webhook", ACCOUNT, "settled"),
        ("webhook", None, "foreign"),
        ("webhook", "acct_1Stranger0000", "foreign"),
        ("asked", None, "settled"),
        ("asked", ACCOUNT, "settled"),
        ("asked", "acct_1Stranger0000", "foreign"),
    ],
)
def test_only_events_of_the_account_are_ours(
    database: Database, source: str, account: str | None, state: str
) -> None:
    """A webhook without an account is the platform's; a fetched object is the account's."""
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


def test_an_address_that_stripe_refuses_closes_no_card(
    database: Database, sandbox: RunningSandbox
) -> None:
    """A domain is sent to Stripe in ASCII; an address without such a form is left out."""
    client = client_of(sandbox)
    checkouts = checkouts_of(database, client)
    log = []
    for email in ("zoe@bücher.example.org", "zoë@example.org"):
        gift = give(database, attempts=0)
        # An earlier version, with other rules, may have accepted it.
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
