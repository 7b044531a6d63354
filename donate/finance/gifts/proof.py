"""The proof of a gift: all steps from the donor's choice to the receipt. Pure functions.

A step without a function is shown as "Not known yet". To fill it in, add to its ProofPlace a
function that yields the step.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from donate.errors import N_
from donate.finance.gifts.proof_steps import (
    ProofContext,
    ProofStep,
    amount_steps,
    announced_steps,
    batch_steps,
    choice_steps,
    entry_steps,
    event_steps,
    instruction_steps,
    invoice_steps,
    session_steps,
    subscription_steps,
    transfer_steps,
)
from donate.finance.gifts.queries import ProofRows
from donate.finance.payouts.proof_steps import fee_steps, payout_steps
from donate.gifts.models import Gift
from donate.stripe_gateway.dashboard import Dashboard
from donate.web.templating import Localizer

NOT_KNOWN: Final = N_("Not known yet")


@dataclass(frozen=True, slots=True)
class ProofPlace:
    """A place in the proof of a gift. `describe` yields the steps for this place.

    If there are no steps, the page shows `if_none`. If `if_none` is empty too, the page leaves the
    place out.
    """

    title: str
    describe: Callable[[ProofContext, str], Iterator[ProofStep]] | None = None
    if_none: str = NOT_KNOWN


_CHOICE: Final = ProofPlace(N_("Choice"), choice_steps)
_SESSION: Final = ProofPlace(N_("Checkout session"), session_steps)
_EVENT: Final = ProofPlace(N_("Event from Stripe"), event_steps)
_AMOUNT: Final = ProofPlace(N_("Amount"), amount_steps)
_FEE: Final = ProofPlace(N_("Fee"), fee_steps)
_PAYOUT: Final = ProofPlace(N_("Payout"), payout_steps)
_BANK_LINE: Final = ProofPlace(N_("Bank line"))
_RECEIPT: Final = ProofPlace(N_("Receipt"))

_AFTER_STRIPE: Final = (_EVENT, _AMOUNT, _FEE, _PAYOUT, _BANK_LINE, _RECEIPT)
_THROUGH_STRIPE: Final = (_CHOICE, _SESSION, *_AFTER_STRIPE)
_MONTH: Final = (
    _CHOICE,
    # Only the first monthly payment has a checkout session.
    ProofPlace(N_("Checkout session"), session_steps, if_none=""),
    ProofPlace(N_("Subscription"), subscription_steps),
    ProofPlace(N_("Invoice"), invoice_steps),
    *_AFTER_STRIPE,
)
_TRANSFER: Final = (
    _CHOICE,
    ProofPlace(N_("Instructions sent"), instruction_steps, N_("No e-mail with instructions.")),
    ProofPlace(N_("Reported as sent"), announced_steps, N_("Not reported by the donor.")),
    ProofPlace(N_("Marked as received"), transfer_steps),
    *(_AMOUNT, _BANK_LINE, _RECEIPT),
)
_OFFLINE: Final = (
    ProofPlace(N_("Entry"), entry_steps),
    ProofPlace(N_("Batch"), batch_steps, N_("Entered on its own.")),
    *(_AMOUNT, _BANK_LINE, _RECEIPT),
)


def proof_of(
    rows: ProofRows, names: Mapping[str, str], language: str, dashboard: Dashboard | None
) -> list[ProofStep]:
    """Return the steps that prove a gift, in order.

    `names` maps actors, such as `staff:7`, to the names of staff.
    """
    context = ProofContext(rows, names, Localizer(language), dashboard)
    found: list[ProofStep] = []
    for place in _chain_of(rows.gift):
        known = list(place.describe(context, place.title)) if place.describe else []
        found += known
        if not known and place.if_none:
            sentence = context.localizer(place.if_none)
            found.append(ProofStep(place.title, (sentence,), is_known=False))
    return found


def _chain_of(gift: Gift) -> tuple[ProofPlace, ...]:
    if gift.mode.facts.staff_only:
        return _OFFLINE
    if not gift.mode.through_stripe:
        return _TRANSFER
    return _MONTH if gift.pledge_id else _THROUGH_STRIPE
