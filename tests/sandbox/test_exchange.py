"""An account that settles in one currency: its payments, refunds and disputes are exchanged."""

import pytest

from donate.sandbox.objects.exchange import settled
from donate.sandbox.store import Store
from tests.sandbox.paid_account import PaidAccount, amounts

DAY_S = 86_400


@pytest.fixture
def in_cad(account: PaidAccount) -> PaidAccount:
    account.sandbox.control("POST", "/_sandbox/account", settles_in="cad")
    return account


def test_a_payment_is_exchanged_with_its_fee(in_cad: PaidAccount) -> None:
    """The payment stays in US dollars; its transaction, fee and payout are in Canadian ones."""
    charge = in_cad.pay(5_000, "usd")
    (line,) = in_cad.lines()
    assert (charge["amount"], charge["currency"]) == (5_000, "usd")
    assert (line.source, line.currency) == (charge["id"], "cad")
    assert line.amount == round(5_000 * line.exchange_rate)
    assert line.fee == round(line.amount * 0.029) + 30
    assert {detail.currency for detail in line.fee_details} == {"cad"}
    in_cad.wait(5)
    (payout,) = in_cad.payouts()
    assert (payout.currency, payout.amount) == ("cad", line.net)
    assert amounts(in_cad, "available") == {"cad": 0}


def test_the_own_currency_is_not_exchanged(in_cad: PaidAccount) -> None:
    """A payment in the account's currency has no rate, and without the setting none has."""
    in_cad.pay(5_000, "cad")
    in_cad.sandbox.control("POST", "/_sandbox/account", settles_in="")
    in_cad.pay(5_000, "usd")
    assert [(line.currency, line.exchange_rate) for line in in_cad.lines()] == [
        ("usd", None),
        ("cad", None),
    ]


def test_money_goes_back_at_the_rate_of_its_day(in_cad: PaidAccount) -> None:
    """A refund and a dispute take what their currency costs on their day, not what was paid."""
    refunded, disputed = in_cad.pay(5_000, "usd"), in_cad.pay(5_000, "usd")
    paid = in_cad.lines()[0].amount
    in_cad.wait(2)
    control = in_cad.sandbox.control
    control("POST", "/_sandbox/refund", payment_intent=refunded["payment_intent"], amount=5_000)
    control("POST", "/_sandbox/dispute", payment_intent=disputed["payment_intent"])
    dispute, refund = in_cad.lines(created={"gte": in_cad.now})
    assert refund.amount == dispute.amount == -round(5_000 * refund.exchange_rate)
    assert refund.amount != -paid
    assert (dispute.fee, dispute.currency) == (1_500, "cad")


@pytest.mark.parametrize(
    ("amount", "currency", "into", "wanted"),
    [
        pytest.param(7_000, "jpy", "cad", 6_389, id="yen have no cents"),
        pytest.param(990, "cad", "jpy", 1_085, id="cents become yen"),
        pytest.param(5_000, "usd", "kwd", 15_380, id="thousandths end in 0"),
    ],
)
def test_currencies_keep_their_decimals(amount: int, currency: str, into: str, wanted: int) -> None:
    """An exchanged amount has the decimals of its currency, and comes back with the other sign."""
    store = Store(1, "http://127.0.0.1:9")
    store.set_clock(3 * DAY_S)
    store.settles_in = into
    assert settled(store, amount, currency)[:2] == (wanted, into)
    assert settled(store, -amount, currency)[:2] == (-wanted, into)
