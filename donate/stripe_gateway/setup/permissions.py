"""Checks which permissions the key has at Stripe, without changing anything there.

To check permission to read, it requests the shortest possible page of a list. To check permission
to write, it tries to change an object that does not exist. If the key has the permission, Stripe
answers that there is no such object; otherwise, Stripe answers 403.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from donate.errors import StripeRefused
from donate.stripe_gateway.setup.account import Call, NotPermitted, StripeAccount
from donate.stripe_gateway.setup.steps import Step, by_hand, well

_UNKNOWN_ID: Final = "DonateDoctorAsksForNothing"
_ONE_ROW: Any = {"limit": 1}
_METADATA: Any = {"metadata": {"made_by": "donate"}}


@dataclass(frozen=True, slots=True)
class _Permission:
    """A permission of a restricted key, as the Dashboard lists it.

    `without` says what fails if the key lacks it. `reads` and `write` are the calls that check it.
    """

    name: str
    without: str
    reads: tuple[Call, ...]
    write: Call | None = None


def _write_permissions(mode: str) -> tuple[_Permission, ...]:
    return (
        _Permission(
            "Checkout Sessions",
            "nobody can give by card or bank debit",
            (lambda sdk: sdk.v1.checkout.sessions.list(_ONE_ROW),),
            lambda sdk: sdk.v1.checkout.sessions.expire(f"cs_{mode}_{_UNKNOWN_ID}"),
        ),
        _Permission(
            "Customers",
            "no donor can replace the card of a monthly gift",
            (lambda sdk: sdk.v1.customers.list(_ONE_ROW),),
            lambda sdk: sdk.v1.customers.update(f"cus_{_UNKNOWN_ID}", _METADATA),
        ),
        _Permission(
            "Charges and Refunds",
            "no gift can be sent back",
            (
                lambda sdk: sdk.v1.charges.list(_ONE_ROW),
                lambda sdk: sdk.v1.refunds.list(_ONE_ROW),
            ),
            lambda sdk: sdk.v1.refunds.create({"payment_intent": f"pi_{_UNKNOWN_ID}"}),
        ),
        _Permission(
            "Products",
            "no monthly debit can begin",
            (),
            lambda sdk: sdk.v1.products.update(f"prod_{_UNKNOWN_ID}", _METADATA),
        ),
        _Permission(
            "Subscriptions",
            "no monthly gift can be changed or ended",
            (lambda sdk: sdk.v1.subscriptions.list(_ONE_ROW),),
            lambda sdk: sdk.v1.subscriptions.update(f"sub_{_UNKNOWN_ID}", _METADATA),
        ),
        _Permission(
            "Invoices",
            "no month that failed can be tried again",
            (lambda sdk: sdk.v1.invoices.list(_ONE_ROW),),
            lambda sdk: sdk.v1.invoices.void_invoice(f"in_{_UNKNOWN_ID}"),
        ),
        _Permission(
            "Customer portal",
            "no monthly donor can replace a card",
            (),
            lambda sdk: sdk.v1.billing_portal.sessions.create({"customer": f"cus_{_UNKNOWN_ID}"}),
        ),
    )


_READ_PERMISSIONS: Final = (
    _Permission(
        "Payment Intents",
        "no payment can be looked up",
        (lambda sdk: sdk.v1.payment_intents.list(_ONE_ROW),),
    ),
    _Permission(
        "Payment Methods",
        "no monthly donor reads which card is charged",
        (lambda sdk: sdk.v1.payment_methods.list(_ONE_ROW),),
    ),
    _Permission(
        "Setup Intents",
        "no monthly debit can begin",
        (lambda sdk: sdk.v1.setup_intents.list(_ONE_ROW),),
    ),
    _Permission(
        "Balance transaction sources",
        "the day on which a debit came and Stripe’s fees are unknown",
        (lambda sdk: sdk.v1.balance_transactions.list(_ONE_ROW),),
    ),
    _Permission(
        "Payouts",
        "no payout is read, so nobody sees which gifts the bank’s money is",
        (lambda sdk: sdk.v1.payouts.list(_ONE_ROW),),
    ),
    _Permission(
        "Events",
        "events that webhooks missed are never fetched",
        (lambda sdk: sdk.v1.events.list(_ONE_ROW),),
    ),
    _Permission(
        "Disputes",
        "a dispute that webhooks missed is never seen",
        (lambda sdk: sdk.v1.disputes.list(_ONE_ROW),),
    ),
)


def permission_steps(account: StripeAccount, *, livemode: bool) -> Iterator[Step]:
    """Yield a Step for each permission: granted, missing, or impossible to check.

    Raises as `ask` does.
    """
    granted = []
    for permission in (*_write_permissions("live" if livemode else "test"), *_READ_PERMISSIONS):
        try:
            for read in permission.reads:
                account.ask(read)
            if permission.write is None or _may_write(account, permission.write):
                granted.append(permission.name)
            else:
                yield Step(
                    f"{permission.name}: it could not be checked whether the key may write.",
                    is_well=True,
                )
        except NotPermitted as error:
            yield by_hand(f"{permission.name}: {error}. Without it, {permission.without}.")
    if granted:
        yield well(f"The key may do what the service needs with {', '.join(granted)}.")


def _may_write(account: StripeAccount, write: Call) -> bool:
    try:
        account.ask(write)
    except StripeRefused as error:
        return error.code == "resource_missing"
    return False
