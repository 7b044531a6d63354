"""Control routes for the balance and payouts: the schedule, failures, and other transactions."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from donate.sandbox.control.bodies import ControlBody
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.balance import book_line, fee_detail, midnight_after
from donate.sandbox.objects.expand import answers
from donate.sandbox.payouts.payouts import FAILURES, fail_payout, play_payouts
from donate.sandbox.payouts.schedule import Interval, Schedule
from donate.sandbox.store import Store


class PayoutSchedule(ControlBody):
    """The body of a request to set the schedule. The first payout day is the next midnight (UTC).

    It has the same fields as `Schedule`.
    """

    interval: Interval = "daily"
    delay_days: Annotated[int, Field(ge=0, le=31)] = 3
    weekly_anchor: Annotated[int, Field(ge=0, le=6)] = 4
    monthly_anchor: Annotated[int, Field(ge=1, le=31)] = 1
    minimum: Annotated[int, Field(ge=1)] = 1
    debit_negative_balances: bool = True
    gives_trace_ids: bool = True


class FailPayout(ControlBody):
    code: str = "account_closed"


# The category of reserves is a guess, because https://docs.stripe.com/reports/reporting-categories
# names none for them. A type that is not listed here gets the last category.
_CATEGORIES = {
    "payment_failure_refund": "charge_failure",
    "reserve_hold": "risk_reserved_funds",
    "reserve_release": "risk_reserved_funds",
    "stripe_fee": "fee",
    "tax_fee": "tax",
    "topup": "topup",
}
_OTHER_CATEGORY = "other_adjustment"


class BookTransaction(ControlBody):
    """The body of a request to add a balance transaction of any type, even an unknown one."""

    type: str
    amount: int
    currency: str = "cad"
    fee: int = 0
    fee_type: str = "stripe_fee"
    category: str | None = None
    source: str | None = None
    description: str | None = None
    balance_type: str = "payments"
    at_once: bool = True
    """If true, the money is available at once, otherwise after the schedule's delay."""


def add_payouts(router: APIRouter, store: Store) -> None:
    @router.post("/payouts/schedule")
    async def set_schedule(body: PayoutSchedule) -> dict[str, Any]:
        play_payouts(store)
        store.payout_schedule = Schedule(**body.model_dump())
        store.next_payout_day = midnight_after(store.now(), 1)
        return asdict(store.payout_schedule)

    @router.post("/balance_transactions")
    async def book_transaction(body: BookTransaction) -> dict[str, Any]:
        play_payouts(store)
        days = 0 if body.at_once else store.payout_schedule.delay_days
        fee = fee_detail(body.fee, body.currency, body.description or "Fee", body.fee_type)
        transaction = book_line(
            store,
            amount=body.amount,
            available_on=store.now() if body.at_once else midnight_after(store.now(), days),
            balance_type=body.balance_type,
            currency=body.currency,
            description=body.description,
            fee_details=[fee] if body.fee else [],
            reporting_category=body.category or _CATEGORIES.get(body.type, _OTHER_CATEGORY),
            source=body.source,
            type=body.type,
        )
        charge = store.charges.get(body.source or "")
        if charge is not None and body.type == "payment_failure_refund":
            charge["failure_balance_transaction"] = transaction["id"]
        return answers(store, balance_transaction=transaction)

    @router.post("/payouts/{payout_id}/fail")
    async def fail(payout_id: str, body: FailPayout) -> dict[str, Any]:
        play_payouts(store)
        payout = store.find(store.payouts, payout_id, "payout")
        if body.code not in FAILURES:
            raise Refusal(f"Use one of these codes: {', '.join(FAILURES)}.", param="code")
        return answers(store, payout=fail_payout(store, payout, body.code))
