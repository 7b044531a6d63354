"""What the key may do at Stripe, asked without changing anything there.

Reading is tried with the shortest page of a list. Writing is tried on an object that does not
exist: whoever may write is told that there is no such object, and whoever may not gets a 403.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from donate.errors import StripeRefused
from donate.stripe_gateway.setup.account import Call, NotPermitted, StripeAccount
from donate.stripe_gateway.setup.steps import Step, by_hand, well

_NOTHING: Final = "DonateDoctorAsksForNothing"
_ONE: Any = {"limit": 1}
_METADATA: Any = {"metadata": {"made_by": "donate"}}


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the Dashboard's page of a restricted key, and what is lost without it."""

    name: str
    without: str
    reads: tuple[Call, ...]
    write: Call | None = None


def _written(mode: str) -> tuple[_Row, ...]:
    return (
        _Row(
            "Checkout Sessions",
            "nobody can give by card or bank debit",
            (lambda sdk: sdk.v1.checkout.sessions.list(_ONE),),
            lambda sdk: sdk.v1.checkout.sessions.expire(f"cs_{mode}_{_NOTHING}"),
        ),
        _Row(
            "Customers",
            "no donor can replace the card of a monthly gift",
            (lambda sdk: sdk.v1.customers.list(_ONE),),
            lambda sdk: sdk.v1.customers.update(f"cus_{_NOTHING}", _METADATA),
        ),
        _Row(
            "Charges and Refunds",
            "no gift can be sent back",
            (
                lambda sdk: sdk.v1.charges.list(_ONE),
                lambda sdk: sdk.v1.refunds.list(_ONE),
            ),
            lambda sdk: sdk.v1.refunds.create({"payment_intent": f"pi_{_NOTHING}"}),
        ),
        _Row(
            "Products",
            "no monthly debit can begin",
            (),
            lambda sdk: sdk.v1.products.update(f"prod_{_NOTHING}", _METADATA),
        ),
        _Row(
            "Subscriptions",
            "no monthly gift can be changed or ended",
            (lambda sdk: sdk.v1.subscriptions.list(_ONE),),
            lambda sdk: sdk.v1.subscriptions.update(f"sub_{_NOTHING}", _METADATA),
        ),
        _Row(
            "Invoices",
            "no month that failed can be tried again",
            (lambda sdk: sdk.v1.invoices.list(_ONE),),
            lambda sdk: sdk.v1.invoices.void_invoice(f"in_{_NOTHING}"),
        ),
        _Row(
            "Customer portal",
            "no monthly donor can replace a card",
            (),
            lambda sdk: sdk.v1.billing_portal.sessions.create({"customer": f"cus_{_NOTHING}"}),
        ),
    )


_READ: Final = (
    _Row(
        "Payment Intents",
        "no payment can be looked up",
        (lambda sdk: sdk.v1.payment_intents.list(_ONE),),
    ),
    _Row(
        "Setup Intents",
        "no monthly debit can begin",
        (lambda sdk: sdk.v1.setup_intents.list(_ONE),),
    ),
    _Row(
        "Balance transaction sources",
        "nobody knows on which day a debit came",
        (lambda sdk: sdk.v1.balance_transactions.list(_ONE),),
    ),
    _Row(
        "Events",
        "what webhooks missed is never fetched",
        (lambda sdk: sdk.v1.events.list(_ONE),),
    ),
    _Row(
        "Disputes",
        "a dispute that webhooks missed is never seen",
        (lambda sdk: sdk.v1.disputes.list(_ONE),),
    ),
)


def permission_steps(account: StripeAccount, *, livemode: bool) -> Iterator[Step]:
    """Say which permissions the key lacks, and which could not be tried. Raises as `ask` does."""
    held = []
    for row in (*_written("live" if livemode else "test"), *_READ):
        try:
            for read in row.reads:
                account.ask(read)
            if row.write is None or _may_write(account, row.write):
                held.append(row.name)
            else:
                yield Step(
                    f"{row.name}: whether the key may write could not be tried.", is_well=True
                )
        except NotPermitted as error:
            yield by_hand(f"{row.name}: {error}. Without it, {row.without}.")
    if held:
        yield well(f"The key may do what the service needs with {', '.join(held)}.")


def _may_write(account: StripeAccount, write: Call) -> bool:
    try:
        account.ask(write)
    except StripeRefused as error:
        return error.code == "resource_missing"
    return False
