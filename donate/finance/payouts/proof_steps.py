"""The steps in a gift's proof that come from Stripe's balance: fees and payouts. Pure functions."""

from collections.abc import Iterator
from typing import Final

from donate.errors import N_
from donate.finance.gifts.proof_steps import ProofContext, ProofStep
from donate.finance.payouts.words import PAYOUT_STATUSES
from donate.money import Money
from donate.stripe_gateway.balance.categories import KIND_TITLES, BalanceKind, balance_kind
from donate.stripe_gateway.balance.models import BalanceTransaction

# For these kinds of transactions, the proof always states the fee, even if it is zero.
_PAID: Final = frozenset({BalanceKind.GIFT})


def fee_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about each transaction's fee, as Stripe states it, and its net amount."""
    _ = context.localizer
    for transaction, _payout in context.rows.balance:
        kind = _kind_of(transaction)
        if not transaction.fee_minor and kind not in _PAID:
            continue
        net = Money(transaction.net_minor, transaction.currency)
        tax = Money(transaction.tax_minor, transaction.currency)
        yield ProofStep(
            title,
            (
                _(KIND_TITLES[kind]),
                _("Net: %(amount)s.", amount=_.money(net)),
                *([_("Tax in it: %(amount)s.", amount=_.money(tax))] if tax.amount_minor else []),
            ),
            amount=Money(transaction.fee_minor, transaction.currency),
            at=transaction.created_at,
            by="Stripe",
            in_stripe=context.in_stripe(transaction.source_id),
            folded=((N_("balance transaction"), transaction.txn_id),),
        )


def payout_steps(context: ProofContext, title: str) -> Iterator[ProofStep]:
    """Yield a step about the payout for each transaction of the gift."""
    _ = context.localizer
    for transaction, payout in context.rows.balance:
        if payout is None:
            continue
        status = PAYOUT_STATUSES.get(payout.status)
        yield ProofStep(
            title,
            (
                _(KIND_TITLES[_kind_of(transaction)]),
                _("Status: %(status)s.", status=_(status) if status else payout.status),
            ),
            amount=Money(transaction.net_minor, transaction.currency),
            day=payout.arrives_on,
            by="Stripe",
            page=f"/finance/payouts/{payout.payout_id}",
            in_stripe=context.in_stripe(payout.payout_id),
            folded=((N_("payout"), payout.payout_id),),
        )


def _kind_of(transaction: BalanceTransaction) -> BalanceKind:
    return balance_kind(transaction.type, transaction.reporting_category)
