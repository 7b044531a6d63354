"""Adds a year of example gifts to the demo, through the real ledger and the sandbox."""

import secrets
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import httpx
from sqlmodel import func, select

from donate.clock import FixedClock, SystemClock
from donate.demo.article import CODE, STAFF_EMAIL
from donate.demo.bank_year import BankYear
from donate.demo.levers import SandboxLevers
from donate.finance.models import Staff
from donate.finance.roles import Role
from donate.finance.staff.accounts import add_staff
from donate.gifts.choosing.choice import check_choice
from donate.gifts.choosing.options import Wishes
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.regions import Frequency, Region
from donate.settings import load_settings
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.wiring.parts import Parts, build_parts

COUNT: Final = 120
DAYS: Final = 364
_SETTLE_TIMEOUT_S: Final = 10

_FIRST = (
    "Amélie Grace Chidi Marie Daniel Ngozi Luc Sarah Tunde Hélène Peter Aisha Jean Ruth".split()
)
_LAST = "Tremblay Okafor Smith Gagnon Lee Adeyemi Roy Brown Bouchard Eze Martin Wilson".split()
_AMOUNTS = (2_000, 2_500, 2_500, 5_000, 5_000, 5_000, 10_000, 10_000, 15_000, 25_000, 50_000, 7_350)
_MISTAKEN_MINOR: Final = 250_000
_CARD: Final = "4242424242424242"
_MODES = (
    *(Mode.CARD,) * 12,
    *(Mode.BANK_DEBIT,) * 3,
    *(Mode.INTERAC,) * 5,
    *(Mode.GIVING_CODE,) * 2,
)


def prepare(environment: Mapping[str, str], sandbox: str) -> str:
    """Add a year of gifts and a staff account. Return the account's password."""
    settings = load_settings(None, **{k.lower(): environment[k] for k in environment})
    now = SystemClock().now()
    clock = FixedClock(now)
    parts = build_parts(settings, clock)
    try:
        with parts.database.writing() as session:
            password = secrets.token_urlsafe(9)
            staff = add_staff(
                session,
                STAFF_EMAIL,
                name="Demo Finance",
                role=Role.ADMIN,
                password=password,
                now=now,
            )
        with httpx.Client(base_url=sandbox, timeout=30) as client:
            mails = Path(environment["TRANSFER_MAIL_FOLDER"])
            add_year(
                parts,
                clock,
                SandboxLevers(client),
                staff,
                mail_folder=mails,
                progress=_show_progress,
            )
    finally:
        parts.clients.close()
        parts.database.close()
    return password


def _show_progress(done: int, total: int) -> None:
    if sys.stdout.isatty() or done == total:
        end = "\n" if done == total else ""
        print(f"\rA year of example gifts: {done} of {total}", end=end, flush=True)


def add_year(
    parts: Parts,
    clock: FixedClock,
    stripe: SandboxLevers,
    staff: Staff,
    *,
    mail_folder: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Open example gifts at times in the past year, and pay, abandon and refund them.

    Interac's e-mails of the last weeks go into `mail_folder`.
    """
    random = Random(CODE)  # noqa: S311 -- seeded, for the same gifts in every demo
    today = clock.now()
    bank = BankYear(parts, stripe, staff, today, random, mail_folder=mail_folder)
    bank.trust_mails()
    moments = _random_times(today, random)
    stripe.pull("webhooks", paused=True)
    stripe.pull("clock", now=int(moments[0].timestamp()))
    stripe.pull("payouts/schedule", interval="weekly")
    special = _mistaken_gift(parts, stripe, bank.month_before, random)
    for done, moment in enumerate(moments, start=1):
        while special and special[0][0] <= moment:
            at, happen = special.pop(0)
            _set_clocks(clock, stripe, at)
            happen()
        _set_clocks(clock, stripe, moment)
        gift = _open(parts, moment, random)
        if gift.mode == Mode.CARD:
            _pay_by_card(parts, stripe, gift, random)
        elif gift.mode == Mode.BANK_DEBIT:
            _pay_by_debit(parts, stripe, gift, random, ended=today - moment > timedelta(days=7))
        elif today - moment > timedelta(days=14) or random.random() < 0.3:
            bank.receive(gift, moment)
        progress(done, COUNT)
    bank.book_other_lines(moments[0].date())
    clock.instant = max(clock.instant, today - timedelta(hours=1))
    _add_recent_examples(parts, clock, stripe, random)
    clock.instant = today
    stripe.pull("clock", now=None)
    stripe.pull("webhooks", paused=False, deliver_missed=True)
    _wait_until_settled(parts, stripe)


def _set_clocks(clock: FixedClock, stripe: SandboxLevers, moment: datetime) -> None:
    clock.instant = moment
    stripe.pull("clock", now=int(moment.timestamp()))


def _mistaken_gift(
    parts: Parts, stripe: SandboxLevers, month: date, random: Random
) -> list[tuple[datetime, Callable[[], None]]]:
    """Return two steps in this month, each a time and a function: a gift too large, and its refund.

    Stripe pays the money out between the two steps. So it takes the refund from the bank account.
    """
    given_at = datetime(month.year, month.month, 3, 16, tzinfo=UTC)
    payments: list[str] = []

    def give() -> None:
        gift = _open(parts, given_at, random, Mode.CARD, amount_minor=_MISTAKEN_MINOR)
        paid = stripe.pull("pay", session=_checkout(parts, gift), card=_CARD)
        payments.append(paid["charge"]["payment_intent"])

    def send_back() -> None:
        stripe.pull("refund", payment_intent=payments[0])

    return [(given_at, give), (given_at + timedelta(days=14), send_back)]


def _add_recent_examples(
    parts: Parts, clock: FixedClock, stripe: SandboxLevers, random: Random
) -> None:
    """Add one gift of each kind in the last hour, so that every demo shows all kinds."""

    def open_next(mode: Mode, frequency: Frequency = Frequency.ONCE) -> Gift:
        _set_clocks(clock, stripe, clock.instant + timedelta(minutes=5))
        return _open(parts, clock.instant, random, mode, frequency)

    for mode in (Mode.INTERAC, Mode.GIVING_CODE):
        open_next(mode)
    _pay_by_debit(parts, stripe, open_next(Mode.BANK_DEBIT), random, ended=False)
    stripe.pull(
        "pay", session=_checkout(parts, open_next(Mode.CARD, Frequency.MONTHLY)), card=_CARD
    )
    for lever in ("refund", "dispute"):
        paid = stripe.pull("pay", session=_checkout(parts, open_next(Mode.CARD)), card=_CARD)
        stripe.pull(lever, payment_intent=paid["charge"]["payment_intent"])


def _random_times(today: datetime, random: Random) -> list[datetime]:
    """Return random times for gifts: more in December, and more at the end of a month."""
    moments: list[datetime] = []
    while len(moments) < COUNT:
        moment = today - timedelta(
            days=random.randrange(DAYS),
            hours=random.randrange(1, 14),
            seconds=random.randrange(3600),
        )
        weight = 1.0 if moment.month == 12 else 0.5 + (0.3 if moment.day > 24 else 0)
        if random.random() < weight:
            moments.append(moment)
    return sorted(moments)


def _open(
    parts: Parts,
    moment: datetime,
    random: Random,
    mode: Mode | None = None,
    frequency: Frequency = Frequency.ONCE,
    *,
    amount_minor: int | None = None,
) -> Gift:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    choice = check_choice(
        parts.regions[CODE],
        mode=mode or random.choice(_MODES),
        amount=Money(amount_minor or random.choice(_AMOUNTS), "CAD"),
        frequency=frequency,
        country="CA",
        language="fr-CA" if first in ("Amélie", "Luc", "Hélène", "Jean") else "en-CA",
        name=f"{first} {last}",
        email=f"donor{random.randrange(10_000)}@example.org",
        wishes=Wishes(fund=_fund(parts.regions[CODE], moment)),
    )
    with parts.database.writing() as session:
        return open_gift(
            session, choice, f"demo:{random.getrandbits(128):x}", now=moment, random=random
        )


def _fund(region: Region, moment: datetime) -> str:
    """Return a fund of the region, or empty for no fund; the same in every demo."""
    random = Random(moment.isoformat())  # noqa: S311 -- seeded, for the same gifts in every demo
    return random.choice(["", *region.funds])


def _pay_by_card(parts: Parts, stripe: SandboxLevers, gift: Gift, random: Random) -> None:
    session = _checkout(parts, gift)
    fate = random.random()
    if fate < 0.07:
        return  # leave the gift unpaid: its session expires when the sandbox's clock moves on
    if fate < 0.12:
        stripe.pull("pay", session=session, outcome="declined")
    paid = stripe.pull("pay", session=session, card=_CARD)
    payment = paid["charge"]["payment_intent"]
    if fate > 0.985:
        stripe.pull("dispute", payment_intent=payment)
    elif fate > 0.97:
        stripe.pull("refund", payment_intent=payment)
    elif fate > 0.95:
        stripe.pull("refund", payment_intent=payment, amount=gift.amount_minor // 2)


def _pay_by_debit(
    parts: Parts, stripe: SandboxLevers, gift: Gift, random: Random, *, ended: bool
) -> None:
    session = _checkout(parts, gift)
    stripe.pull("pay", session=session, outcome="processing")
    if ended:
        stripe.pull("settle", session=session, succeed=random.random() > 0.1)


def _checkout(parts: Parts, gift: Gift) -> str:
    return parts.checkouts.open_for(gift).rpartition("/")[2].partition("?")[0]


def _wait_until_settled(parts: Parts, stripe: SandboxLevers) -> None:
    deadline = time.monotonic() + _SETTLE_TIMEOUT_S
    waiting = select(func.count()).where(StripeEvent.state == EventState.WAITING)
    while time.monotonic() < deadline:
        state = stripe.client.get("/_sandbox/state").json()
        with parts.database.reading() as session:
            if not state["deliveries"]["pending"] and not session.exec(waiting).one():
                return
        time.sleep(0.1)
