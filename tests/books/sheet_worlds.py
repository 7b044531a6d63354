"""A small charity whose gifts, Stripe balance and bank account happen event by event.

It counts by itself what each column of the daily sheet has to be.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from hypothesis import strategies as st

from donate.books.journal.bookings import BankBooking, BankPartKind, BookedMovement, StripeBooking
from donate.books.sheet.items import ChosenGift, GiftMoney, GiftStanding, SheetItems, StatedTotals
from donate.regions.modes import Mode
from tests.books.booking_samples import FIRST, of_stripe

EVENTS = (
    *("card", "card_recorded_late", "refund", "dispute", "dispute_won", "awaited", "lapsed"),
    *("payout", "payout_arrives", "payout_fails", "debit", "transfer", "transfer_at_bank"),
    *("cheque", "deposit", "bank_fee", "unmatched", "explained_later", "interest"),
    *("reserve", "new_type", "stripe_fee", "other_stripe_charge", "paid_more"),
)


@dataclass
class World:
    """The state of the charity, and all that happened."""

    day: date = FIRST
    count: int = 0
    stripe_balance: int = 0
    in_transit: int = 0
    bank_balance: int = 0
    chosen: int = 0
    confirmed: int = 0
    gifts: list[ChosenGift] = field(default_factory=list)
    money: list[GiftMoney] = field(default_factory=list)
    stripe: list[StripeBooking] = field(default_factory=list)
    bank: list[BankBooking] = field(default_factory=list)
    payouts: list[tuple[str, int]] = field(default_factory=list)
    transfers: list[tuple[str, int]] = field(default_factory=list)
    in_dispute: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def items(self) -> SheetItems:
        return SheetItems(self.gifts, self.money, self.stripe, self.bank)

    @property
    def stated(self) -> StatedTotals:
        return StatedTotals(
            chosen=self.chosen,
            confirmed=self.confirmed,
            at_stripe=self.stripe_balance,
            in_transit=self.in_transit,
            at_bank=self.bank_balance,
        )

    def happen(self, event: str, amount: int) -> None:
        """Let one event happen, on the next day, with an amount from which the rest follows."""
        self.day += timedelta(1)
        self.count += 1
        getattr(self, f"_{event}")(f"{event}_{self.count}", amount)

    def _chosen(self, name: str, amount: int, standing: str = "confirmed") -> None:
        self.chosen += amount
        self.gifts.append(ChosenGift(name, self.day, "CAD", amount, GiftStanding(standing)))

    def _moved(self, source: str, name: str, mode: Mode, kind: str, amount: int) -> None:
        self.confirmed += amount
        kind_of = BookedMovement(kind)
        is_held = kind_of is BookedMovement.DISPUTE
        self.money.append(GiftMoney(source, name, self.day, "CAD", mode, kind_of, amount, is_held))

    def _at_stripe(self, type_: str, amount: int, source: str, fee: int = 0, **more: str) -> None:
        self.stripe_balance += amount - fee
        self.stripe.append(
            of_stripe(
                type_,
                amount,
                id=f"txn_{len(self.stripe)}",
                day=self.day,
                fee_minor=fee,
                fee_tax_minor=fee // 8,
                source_id=source,
                **more,
            )
        )

    def _at_bank(self, kind: str, amount: int, source: str = "", late: int = 0) -> None:
        self.bank_balance += amount
        explained = self.day + timedelta(late) if late else None
        self.bank.append(
            BankBooking(
                f"line_{len(self.bank)}",
                self.day,
                "main",
                "CAD",
                BankPartKind(kind),
                amount,
                explained,
                source,
            )
        )

    def _card(self, name: str, amount: int) -> None:
        self._chosen(name, amount)
        self._moved(f"pi_{name}", name, Mode.CARD, "payment", amount)
        self._at_stripe("charge", amount, f"pi_{name}", fee=amount // 30 + 1)

    def _card_recorded_late(self, name: str, amount: int) -> None:
        self._chosen(name, amount)
        self._moved(f"pi_{name}", name, Mode.CARD, "payment", amount)

    def _paid_more(self, name: str, amount: int) -> None:
        self._chosen(name, amount)
        self._moved(f"bank_{name}", name, Mode.INTERAC, "transfer", amount + 1)
        self.transfers.append((f"bank_{name}", amount + 1))

    def _other_stripe_charge(self, name: str, amount: int) -> None:
        self._at_stripe("charge", amount, f"pi_{name}")

    def _refund(self, name: str, amount: int) -> None:
        self._card(name, amount + 5)
        self._moved(f"re_{name}", name, Mode.CARD, "refund", -amount)
        self._at_stripe("refund", -amount, f"re_{name}")

    def _dispute(self, name: str, amount: int) -> None:
        self._card(name, amount)
        self._moved(f"dp_{name}", name, Mode.CARD, "dispute", -amount)
        self._at_stripe("adjustment", -amount + 1, f"dp_{name}", fee=1_500, category="dispute")
        self._at_stripe("adjustment", -1, f"dp_{name}", category="dispute")
        self.in_dispute.append((f"dp_{name}", name, amount))

    def _dispute_won(self, _name: str, _amount: int) -> None:
        if self.in_dispute:
            source, name, amount = self.in_dispute.pop()
            self.money = [
                replace(one, is_held=False) if one.source_id == source else one
                for one in self.money
            ]
            self._moved(source, name, Mode.CARD, "dispute_returned", amount)
            self._at_stripe("adjustment", amount, source, category="dispute_reversal")

    def _awaited(self, name: str, amount: int) -> None:
        self._chosen(name, amount, "awaited")

    def _lapsed(self, name: str, amount: int) -> None:
        self._chosen(name, amount, "lapsed")

    def _payout(self, name: str, amount: int) -> None:
        self._at_stripe("payout", -amount, f"po_{name}")
        self.in_transit += amount
        self.payouts.append((f"po_{name}", amount))

    def _debit(self, name: str, amount: int) -> None:
        self._payout(name, -amount)

    def _payout_arrives(self, _name: str, _amount: int) -> None:
        if self.payouts:
            source, amount = self.payouts.pop(0)
            self.in_transit -= amount
            self._at_bank("stripe", amount, source)

    def _payout_fails(self, _name: str, _amount: int) -> None:
        if self.payouts:
            source, amount = self.payouts.pop(0)
            self.in_transit -= amount
            self._at_stripe("payout_failure", amount, source)

    def _transfer(self, name: str, amount: int) -> None:
        self._chosen(name, amount)
        self._moved(f"bank_{name}", name, Mode.INTERAC, "transfer", amount)
        self.transfers.append((f"bank_{name}", amount))

    def _transfer_at_bank(self, _name: str, _amount: int) -> None:
        if self.transfers:
            source, amount = self.transfers.pop(0)
            self._at_bank("transfer", amount, source)

    def _cheque(self, name: str, amount: int) -> None:
        self._chosen(name, amount)
        self._moved(f"cheque_{name}", name, Mode.CHEQUE, "transfer", amount)

    def _deposit(self, name: str, amount: int) -> None:
        self._cheque(name, amount)
        self._at_bank("deposit", amount)

    def _bank_fee(self, _name: str, amount: int) -> None:
        self._at_bank("fee", -amount)

    def _interest(self, _name: str, amount: int) -> None:
        self._at_bank("interest", amount)

    def _unmatched(self, _name: str, amount: int) -> None:
        self._at_bank("unidentified", amount)

    def _explained_later(self, name: str, amount: int) -> None:
        self._transfer(name, amount)
        self.transfers.pop()
        self._at_bank("transfer", amount, f"bank_{name}", late=3)

    def _reserve(self, name: str, amount: int) -> None:
        self._at_stripe("reserve_hold", -amount, name)

    def _new_type(self, name: str, amount: int) -> None:
        self._at_stripe("moon_fee", -amount, name, category="lunar")

    def _stripe_fee(self, name: str, amount: int) -> None:
        self._at_stripe("stripe_fee", -amount, name, category="fee")


def world_of(events: list[tuple[str, int]]) -> World:
    """Return a world in which these events happened."""
    world = World()
    for event, amount in events:
        world.happen(event, amount)
    return world


def worlds() -> st.SearchStrategy[World]:
    """Return a strategy for worlds of up to twenty events."""
    event = st.tuples(st.sampled_from(EVENTS), st.integers(2, 9_000))
    return st.lists(event, min_size=1, max_size=20).map(world_of)
