"""A charity's year, recorded by the code that records gifts, Stripe's balance and statements.

It counts by itself what each column of the daily sheet has to be on each day.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from donate.clock import start_of_day
from donate.gifts.choosing.choice import check_choice
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.balance.parser import read_balance_transaction, read_payout
from donate.stripe_gateway.balance.recorder import record_payout, record_transactions
from tests.books.recorded.bank_statements import YearsBank
from tests.books.recorded.years_gifts import REGIONS, YearsGifts
from tests.stripe_gateway.balance.payouts import charge, payout, transaction

ZONE = "America/Toronto"
BY_DAY = ("card", "card", "card", "awaited", "lapsed", "failed", "processing", "transfer", "cheque")
RARE = (
    *("refund", "refund_fails", "dispute", "dispute_lost", "dispute_twice", "month"),
    *("split_transfer", "joined_transfer", "marked_by_hand", "undone_transfer", "deposit"),
    *("bank_fee", "interest", "unexplained_line", "unknown_type", "reserve", "own_stripe_fee"),
    *("not_at_stripe", "not_recorded", "amount_differs", "stripe_differs", "instant_payout"),
    *("failing_payout", "returned_payout", "returned_transfer"),
    *("own_transfer", "money_returned", "top_up"),
    *("converted", "converted_refund", "converted_dispute"),
)


@dataclass
class CharityYear:
    """The charity, and what each day changed in each column, by currency."""

    database: Database
    first_day: date
    random: Random
    day: date = field(init=False)
    gifts: YearsGifts = field(init=False)
    count: int = 0
    changes: defaultdict[tuple[str, date], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    banks: dict[str, YearsBank] = field(default_factory=dict)
    balance: Counter[str] = field(default_factory=Counter)
    later: defaultdict[date, list[Callable[[], None]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        self.day = self.first_day
        self.gifts = YearsGifts(self)
        for currency in REGIONS:
            self.banks[currency] = YearsBank(self, currency)

    def live(self, days: int, gifts: int) -> None:
        """Let days pass with about so many gifts, and with everything that can happen to them."""
        for number in range(days):
            self.day = self.first_day + timedelta(number)
            for happen in self.later.pop(self.day, ()):
                happen()
            due = gifts * (number + 1) // days - gifts * number // days
            for _ in range(due):
                self._happen(self.random.choice(BY_DAY))
            if self.random.random() < 0.4:
                self._happen(self.random.choice(RARE))
            if number % 7 == 6:
                for currency in REGIONS:
                    self.pay_out(currency)
            if number % 10 == 9 or number == days - 1:
                for bank in self.banks.values():
                    bank.import_lines()

    def everything_happens(self) -> None:
        """Let everything that can happen happen today, once in each currency."""
        for name in dict.fromkeys((*BY_DAY, *RARE)):
            for currency in REGIONS:
                self._happen(name, currency)

    def expected(self, currency: str, day: date) -> Counter[str]:
        """Return what each column has to be at the end of a day."""
        total: Counter[str] = Counter()
        for (of, when), change in self.changes.items():
            if of == currency and when <= day:
                total.update(change)
        return total

    def _happen(self, name: str, currency: str = "") -> None:
        self.count += 1
        currency = currency or ("USD" if self.random.random() < 0.3 else "CAD")
        self.happen(name, currency, self.random.randrange(200, 50_000))

    def happen(self, name: str, currency: str, amount: int) -> None:
        """Let one thing happen today, at the bank or with a gift."""
        room = self.gifts if hasattr(self.gifts, name) else self.banks[currency]
        args = (currency, amount) if room is self.gifts else (amount,)
        getattr(room, name)(*args)

    @property
    def now(self) -> datetime:
        """A time of today: at any second, also close to midnight."""
        return start_of_day(self.day, ZONE) + timedelta(seconds=self.random.randrange(82_000))

    def in_days(self, days: int, happen: Callable[[], None]) -> None:
        self.later[self.day + timedelta(days)].append(happen)

    def changed(self, currency: str, **amounts: int) -> None:
        self.changes[currency, self.day].update(amounts)

    def open(self, currency: str, amount: int, mode: str = "card") -> Gift:
        """Open a gift today."""
        choice = check_choice(
            REGIONS[currency],
            mode=mode,
            amount=Money(amount, currency),
            frequency="once",
            country="CA",
            language="en-CA",
            name="Ann Lee",
            email=f"ann{self.count}@example.com",
        )
        self.changed(currency, chosen=amount)
        with self.database.writing() as session:
            return open_gift(session, choice, f"form-{uuid.uuid4()}", now=self.now)

    def fact(
        self, gift: Gift, kind: FactKind, source: str, amount: int | None, **more: Any
    ) -> None:
        """Record a fact of today."""
        fact = Fact(
            kind,
            source,
            more.pop("at", None) or self.now,
            "stripe",
            amount,
            None if amount is None else gift.currency,
            **more,
        )
        with self.database.writing() as session:
            record_facts(session, [(gift.id, fact)], now=self.now)

    def stated(self, currency: str, amount: int, fee: int = 0, **more: Any) -> None:
        """Store a transaction of Stripe's balance, of today."""
        self.changed(currency, at_stripe=amount - fee)
        self.balance[currency] += amount - fee
        created = int(self.now.timestamp())
        tax = fee // 9
        one = transaction(amount, fee, tax=tax, currency=currency.lower(), created=created, **more)
        with self.database.writing() as session:
            record_transactions(session, [read_balance_transaction(one, datetime.now(UTC))])

    def paid(self, gift: Gift, amount: int) -> str:
        """Let a card gift be paid, and return its payment intent."""
        intent = f"pi_{uuid.uuid4().hex}"
        self.fact(gift, FactKind.PAYMENT_SUCCEEDED, intent, amount)
        self.changed(gift.currency, confirmed=amount)
        self.stated(gift.currency, amount, amount // 30 + 30, source=charge(intent))
        return intent

    def pay_out(
        self, currency: str, *, fails: bool = False, comes_back: bool = False, **more: Any
    ) -> None:
        """Let Stripe pay its balance out, or take it from the bank if it is negative.

        Some payouts fail, and some never arrive. `comes_back` says that it fails after it arrived.
        """
        amount = self.balance[currency]
        if not amount:
            return
        created = int(self.now.timestamp())
        one = payout(amount, currency=currency.lower(), created=created, **more)
        self.stated(
            currency, -amount, kind="payout", source=one["id"], id=one["balance_transaction"]
        )
        self.changed(currency, in_transit=amount)
        with self.database.writing() as session:
            record_payout(session, read_payout(one, datetime.now(UTC)))
        if comes_back:
            bank = self.banks[currency]
            self.in_days(2, lambda: bank.payout_arrives(one["id"], amount))
            self.in_days(4, lambda: self._fail(one, currency))
            self.in_days(6, lambda: bank.payout_arrives(one["id"], -amount))
        elif fails or self.random.random() < 0.25:
            self.in_days(4, lambda: self._fail(one, currency))
        elif self.random.random() < 0.9:
            self.in_days(2, lambda: self.banks[currency].payout_arrives(one["id"], amount))

    def _fail(self, one: dict[str, Any], currency: str) -> None:
        back = f"txn_back_{one['id']}"
        self.stated(currency, one["amount"], kind="payout_failure", source=one["id"], id=back)
        self.changed(currency, in_transit=-one["amount"])
        failed = one | {"status": "failed", "failure_balance_transaction": back}
        with self.database.writing() as session:
            record_payout(session, read_payout(failed, datetime.now(UTC)))
