"""What happens to the gifts of a charity's year: paid, failed, refunded, disputed."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from donate.gifts.facts import FactKind
from donate.gifts.offline.models import EntryState, OfflineEntry
from donate.gifts.offline.recorder import record_entries
from donate.regions.modes import Mode
from donate.regions.regions import Regions, load_regions
from tests.stripe_gateway.balance.payouts import charge

if TYPE_CHECKING:
    from tests.books.recorded.charity_year import CharityYear

REGION = load_regions()["LWCAN"]
REGIONS = {
    "CAD": REGION,
    "USD": REGION.model_copy(update={"code": "LWUSD", "currency": "USD"}),
}


class YearsGifts:
    """Gifts, and what Stripe says about them. Each method lets one thing happen today."""

    def __init__(self, year: CharityYear) -> None:
        self.year = year

    def card(self, currency: str, amount: int) -> None:
        gift = self.year.open(currency, amount)
        days = self.year.random.choice([0, 0, 0, 1, 3])
        if days:

            def paid_later() -> None:
                self.year.paid(gift, amount)

            self.year.in_days(days, paid_later)
        else:
            self.year.paid(gift, amount)

    def month(self, currency: str, amount: int) -> None:
        gift, number = self.year.open(currency, amount), uuid.uuid4().hex
        self.year.fact(gift, FactKind.PAYMENT_SUCCEEDED, f"in_{number}", amount)
        self.year.changed(currency, confirmed=amount)
        self.year.fact(gift, FactKind.PAYMENT_NAMED, f"pi_{number}", None)
        self.year.stated(currency, amount, 80, source=charge(f"pi_{number}"))

    def amount_differs(self, currency: str, amount: int) -> None:
        self.year.paid(self.year.open(currency, amount), amount - 1)

    def awaited(self, currency: str, amount: int) -> None:
        self.year.open(currency, amount)

    def lapsed(self, currency: str, amount: int) -> None:
        gift = self.year.open(currency, amount)
        self.year.in_days(3, lambda: self.year.fact(gift, FactKind.GIFT_LAPSED, str(gift.id), None))

    def processing(self, currency: str, amount: int) -> None:
        gift = self.year.open(currency, amount)
        self.year.fact(gift, FactKind.PAYMENT_PROCESSING, f"cs_{uuid.uuid4().hex}", None)

    def stripe_differs(self, currency: str, amount: int) -> None:
        gift, intent = self.year.open(currency, amount), f"pi_{uuid.uuid4().hex}"
        self.year.fact(gift, FactKind.PAYMENT_SUCCEEDED, intent, amount)
        self.year.changed(currency, confirmed=amount)
        self.year.stated(currency, amount + 1, source=charge(intent))

    def top_up(self, currency: str, amount: int) -> None:
        number = f"txn_{uuid.uuid4().hex}"
        self.year.stated(currency, amount, kind="topup", id=number, source=f"tu_{number}")
        self.year.changed(currency, in_transit=-amount)
        if self.year.random.random() < 0.7:
            self.year.in_days(1, lambda: self.year.banks[currency].topped_up(number, amount))

    def failed(self, currency: str, amount: int) -> None:
        gift = self.year.open(currency, amount)
        self.year.fact(gift, FactKind.PAYMENT_FAILED, f"cs_{uuid.uuid4().hex}", None)

    def not_at_stripe(self, currency: str, amount: int) -> None:
        gift = self.year.open(currency, amount)
        self.year.fact(gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{uuid.uuid4().hex}", amount)
        self.year.changed(currency, confirmed=amount)

    def converted(self, currency: str, amount: int, then: str = "") -> None:
        """Pay a gift that Stripe converts, and take it back at another rate if `then` says how."""
        gift, intent = self.year.open(currency, amount), f"pi_{uuid.uuid4().hex}"
        into, rate = ("CAD", 1.36) if currency == "USD" else ("USD", 0.73)
        paid = charge(intent) | {"amount": amount, "currency": currency.lower()}
        back = paid | {"id": f"re_{uuid.uuid4().hex}", "object": then or "refund"}

        def paid_today() -> None:
            self.year.fact(gift, FactKind.PAYMENT_SUCCEEDED, intent, amount)
            self.year.changed(currency, confirmed=amount)

        def taken_back() -> None:
            kind = FactKind.DISPUTE_OPENED if then == "dispute" else FactKind.REFUND_SUCCEEDED
            self.year.fact(gift, kind, str(back["id"]), amount)
            self.year.changed(currency, confirmed=-amount)
            what: dict[str, Any] = {
                "kind": "adjustment" if then == "dispute" else "refund",
                "category": then,
            }
            settled = -round(amount * (rate + 0.01))
            self.year.stated(into, settled, source=back, exchange_rate=rate + 0.01, **what)

        self.year.stated(into, round(amount * rate), 60, source=paid, exchange_rate=rate)
        self.year.in_days(self.year.random.choice([1, 2]), paid_today)
        if then:
            self.year.in_days(4, taken_back)

    def converted_refund(self, currency: str, amount: int) -> None:
        self.converted(currency, amount, "refund")

    def converted_dispute(self, currency: str, amount: int) -> None:
        self.converted(currency, amount, "dispute")

    def not_recorded(self, currency: str, amount: int) -> None:
        self.year.stated(currency, amount, 50, source=charge(f"pi_{uuid.uuid4().hex}"))

    def refund(self, currency: str, amount: int, *, fails: bool = False) -> None:
        gift = self.year.open(currency, amount)
        intent, refund = self.year.paid(gift, amount), f"re_{uuid.uuid4().hex}"
        source = {"id": refund, "object": "refund", "payment_intent": intent}
        part = amount // 2

        def refunded() -> None:
            self.year.fact(gift, FactKind.REFUND_SUCCEEDED, refund, part)
            self.year.changed(currency, confirmed=-part)
            self.year.stated(currency, -part, kind="refund", source=source)

        def failed() -> None:
            self.year.fact(gift, FactKind.REFUND_FAILED, refund, part)
            self.year.changed(currency, confirmed=part)
            self.year.stated(currency, part, kind="refund_failure", source=source)

        self.year.in_days(2, refunded)
        if fails:
            self.year.in_days(5, failed)

    def refund_fails(self, currency: str, amount: int) -> None:
        self.refund(currency, amount, fails=True)

    def dispute(self, currency: str, amount: int, *steps: str) -> None:
        gift = self.year.open(currency, amount)
        intent, dispute = self.year.paid(gift, amount), f"dp_{uuid.uuid4().hex}"
        source = {"id": dispute, "object": "dispute", "payment_intent": intent}

        def opened(round_source: str) -> None:
            self.year.fact(gift, FactKind.DISPUTE_OPENED, round_source, amount)
            self.year.changed(currency, confirmed=-amount)
            category = {"kind": "adjustment", "category": "dispute", "source": source}
            self.year.stated(currency, -amount, 1_500, **category)

        def won() -> None:
            self.year.fact(gift, FactKind.DISPUTE_WON, dispute, amount)
            self.year.changed(currency, confirmed=amount)
            category = {"kind": "adjustment", "category": "dispute_reversal", "source": source}
            self.year.stated(currency, amount, -1_500, **category)

        def lost() -> None:
            self.year.fact(gift, FactKind.DISPUTE_LOST, dispute, amount)

        known = {"won": won, "lost": lost, "again": lambda: opened(f"{dispute}:2")}
        self.year.in_days(1, lambda: opened(dispute))
        for place, step in enumerate(steps):
            self.year.in_days(3 + 2 * place, known[step])

    def dispute_lost(self, currency: str, amount: int) -> None:
        self.dispute(currency, amount, "lost")

    def dispute_twice(self, currency: str, amount: int) -> None:
        self.dispute(currency, amount, "won", "again")

    def unknown_type(self, currency: str, amount: int) -> None:
        self.year.stated(currency, -amount, kind="moon_fee", category="lunar", source=None)

    def reserve(self, currency: str, amount: int) -> None:
        category = "risk_reserved_funds"
        self.year.stated(currency, -amount, kind="reserve_hold", category=category, source=None)

    def own_stripe_fee(self, currency: str, amount: int) -> None:
        self.year.stated(currency, -amount, kind="stripe_fee", category="fee", source=None)

    def instant_payout(self, currency: str, amount: int) -> None:
        self.year.paid(self.year.open(currency, amount), amount)
        self.year.pay_out(currency, automatic=False, method="instant")

    def returned_payout(self, currency: str, amount: int) -> None:
        self.card(currency, amount)
        self.year.pay_out(currency, comes_back=True)

    def failing_payout(self, currency: str, amount: int) -> None:
        self.year.paid(self.year.open(currency, amount), amount)
        self.year.pay_out(currency, fails=True)

    def cheque(self, currency: str, amount: int) -> None:
        """Enter a cheque some days after it came."""
        came, key = self.year.day - timedelta(self.year.random.choice([0, 1, 4])), uuid.uuid4().hex
        self.year.changed(currency, chosen=amount)
        self.year.changes[currency, came].update(confirmed=amount)
        entry = OfflineEntry(
            form_key=key,
            state=EntryState.RECORDED,
            code=REGIONS[currency].code,
            mode=Mode.CHEQUE,
            amount_minor=amount,
            currency=currency,
            received_on=came,
            language="en-CA",
            cheque_number="42",
            entered_by="staff:1",
            entered_at=self.year.now,
        )
        regions = Regions({region.code: region for region in REGIONS.values()})
        with self.year.database.writing() as session:
            entry.state = EntryState.RECORDED
            record_entries(session, regions, [entry], actor="staff:1", now=self.year.now)
            session.add(entry)
