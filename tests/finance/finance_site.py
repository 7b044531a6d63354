"""Runs the staff pages with a fixed clock, for tests that open them as staff."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, select

from donate.books.months.drafts import MonthRules
from donate.clock import Clock, FixedClock
from donate.finance.models import Staff, StaffAct
from donate.finance.provider.options import ProviderOptions
from donate.finance.roles import Role
from donate.finance.routes import FinancePages
from donate.finance.sessions import start_session
from donate.finance.staff.accounts import add_staff, staff_by_email
from donate.finance.staff.options import SignInOptions
from donate.gifts.choosing.choice import check_choice
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.money import Money
from donate.regions.regions import Regions, load_regions
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.refunds import Refunds
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from donate.trust.secret_cipher import SecretCipher
from donate.web import error_answers
from donate.web.templating import Pages
from tests.breaker.attempts import breaker_for
from tests.links import links_at
from tests.real_parts import SECRET_KEY

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
PASSWORD = "seven calm herons"


def cheap_hash(cost: int = 1) -> PasswordHash:
    """Return a password hasher that is far cheaper than recommended, so that the tests are fast."""
    return PasswordHash((Argon2Hasher(time_cost=cost, memory_cost=64, parallelism=1),))


CHEAP = cheap_hash()
# An identity provider to which no test can connect, for tests that need nothing from it.
NO_PROVIDER = ProviderOptions("http://127.0.0.1:9", "donate", "secret", "http://testserver/back")
OPTIONS = SignInOptions(
    cipher=SecretCipher(["a key for tests"]),
    provider=NO_PROVIDER,
    public_url="http://testserver",
)
REGIONS = load_regions()
PAGES = Pages(demo=False)


def start_staff_session(
    session: Session, email: str = "ann@example.org", role: Role = Role.FINANCE, *, now: datetime
) -> str:
    """Add a member of staff, and return the token of a new session of theirs."""
    staff = add_staff(
        session, email, name="Ann Lee", role=role, password=PASSWORD, now=now, passwords=CHEAP
    )
    assert staff.id is not None
    return start_session(session, staff.id, now=now, proved_at=now)


class Pauses(list[float]):
    """Records the seconds of each delay of a sign-in, and calls `pause` instead of waiting."""

    pause: Callable[[float], None] | None = None

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        if self.pause:
            self.pause(seconds)


@dataclass
class FinanceSite:
    """The app with the staff pages, its database and clock, its pauses and calls of the worker."""

    database: Database
    clock: FixedClock
    finance: FinancePages
    app: FastAPI
    pauses: Pauses
    nudges: list[datetime]
    """The times at which the worker was woken."""

    def browser(self, address: str = "203.0.113.5") -> TestClient:
        """Return an HTTP client with this IP address, and without cookies."""
        return TestClient(self.app, client=(address, 50_000), follow_redirects=False)

    def add_staff(
        self, email: str = "ann@example.org", role: Role = Role.FINANCE, cost: int = 1
    ) -> int:
        with self.database.writing() as session:
            staff = add_staff(
                session,
                email,
                name="Ann Lee",
                role=role,
                password=PASSWORD,
                now=self.clock.now(),
                passwords=cheap_hash(cost),
            )
            assert staff.id is not None
            return staff.id

    def staff(self, email: str) -> Staff:
        with self.database.reading() as session:
            return staff_by_email(session, email)

    def signed_in(self, role: Role = Role.FINANCE, email: str = "") -> TestClient:
        """Add a staff member, and return an HTTP client that is signed in as them."""
        browser, email = self.browser(), email or f"{role}@example.org"
        with self.database.writing() as session:
            token = start_staff_session(session, email, role, now=self.clock.now())
        browser.cookies.set("donate_staff", token, domain="testserver.local")
        return browser

    def acts(self) -> list[StaffAct]:
        with self.database.reading() as session:
            return list(session.exec(select(StaffAct).order_by(StaffAct.id)))  # type: ignore[arg-type]

    def refusals(self) -> list[str]:
        return [act.detail["why"] for act in self.acts() if act.act == "refused"]

    def gift(self, key: str = "form-1", **more: Any) -> Gift:
        with self.database.writing() as session:
            return put_gift(session, key, now=more.pop("now", self.clock.now()), **more)

    def reread(self, gift: Gift) -> Gift:
        with self.database.reading() as session:
            return session.get_one(Gift, gift.id)

    def wait(self, **how_long: float) -> None:
        self.clock.instant += timedelta(**how_long)


def refunds_through(client: StripeClient, database: Database, clock: Clock) -> Refunds:
    """Return a `Refunds` that sends requests through this client and wakes no worker."""
    settler = Settler(database, clock, livemode=False, account="")
    inbox = Inbox(database, on_stored=lambda: None)
    return Refunds(database, client, inbox, settler, clock, livemode=False)


def pledges_through(client: StripeClient, database: Database, clock: Clock) -> PledgeChanges:
    """Return a `PledgeChanges` that sends requests through this client and wakes no worker."""
    settler = Settler(database, clock, livemode=False, account="")
    inbox = Inbox(database, on_stored=lambda: None)
    url = "https://give.example.org"
    return PledgeChanges(database, Billing(client), inbox, settler, clock, links=links_at(url))


# A client whose requests fail, for tests that need nothing from Stripe.
NO_STRIPE = StripeClient(SECRET_KEY, "http://127.0.0.1:9", ())


def open_site(
    database: Database,
    *,
    https: bool = False,
    passwords: PasswordHash = CHEAP,
    stripe: StripeClient = NO_STRIPE,
    regions: Regions = REGIONS,
    options: SignInOptions = OPTIONS,
    month_rules: MonthRules | None = None,
) -> FinanceSite:
    clock = FixedClock(NOW)
    pauses = Pauses()
    nudges: list[datetime] = []
    finance = FinancePages(
        database,
        regions,
        PAGES,
        clock,
        https=https,
        breaker=breaker_for(database, clock),
        on_due=lambda: nudges.append(clock.now()),
        refunds=refunds_through(stripe, database, clock),
        pledges=pledges_through(stripe, database, clock),
        passwords=passwords,
        pause=pauses,
        sign_in_options=options,
        month_rules=month_rules,
    )
    app = FastAPI(redirect_slashes=False)
    error_answers.install(app, PAGES)
    app.router.routes += finance.router.routes
    return FinanceSite(database, clock, finance, app, pauses, nudges)


def put_gift(
    session: Session,
    key: str,
    *,
    now: datetime,
    mode: str = "interac",
    amount_minor: int = 5_000,
    name: str = "Maya Tremblay",
    received_minor: int | None = None,
) -> Gift:
    """Open a gift, and record a payment for it if `received_minor` is given."""
    choice = check_choice(
        REGIONS["LWCAN"],
        mode=mode,
        amount=Money(amount_minor, "CAD"),
        frequency="once",
        country="CA",
        language="en-CA",
        name=name,
        email="maya@example.com",
    )
    gift = open_gift(session, choice, key, now=now)
    if received_minor is not None:
        paid = Fact(
            kind=FactKind.PAYMENT_SUCCEEDED,
            source_id=f"pi_{key}",
            happened_at=now,
            actor="stripe",
            amount_minor=received_minor,
            currency="CAD",
        )
        record_facts(session, [(gift.id, paid)], now=now)
    return gift


def sign_in(
    browser: TestClient, email: str = "ann@example.org", password: str = PASSWORD, **more: Any
) -> Response:
    """Sign in as a browser does: open the form, fill it in and send it."""
    page = browser.get("/finance/sign-in", params={"next": more.pop("next", "/finance/gifts")})
    form_data = fields(page) | {"email": email, "password": password}
    return browser.post("/finance/sign-in", data=form_data, **more)


def fields(page: Response) -> dict[str, str]:
    """Return the hidden fields of the forms on a page."""
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in hidden}


def csrf(browser: TestClient) -> str:
    return fields(browser.get("/finance/gifts"))["csrf"]


def rows(page: Response) -> list[str]:
    """Return the references that the list of gifts shows, from top to bottom."""
    return re.findall(r">(LWCAN-\w{7})</a>", page.text)
