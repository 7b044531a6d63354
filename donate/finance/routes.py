"""The staff routes: each path, and the function that handles it."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pwdlib import PasswordHash
from starlette.routing import Route

from donate.bank.transfer_mails.intake import TransferMailIntake
from donate.books.accounts import load_chart
from donate.books.months.drafts import MonthRules
from donate.breaker.breaker import Breaker
from donate.clock import Clock
from donate.finance.access import Gate
from donate.finance.activity.pages import ActivityPages
from donate.finance.books.last_look import LastLook
from donate.finance.books.pages import BooksPages
from donate.finance.breaker.pages import BreakerPages
from donate.finance.donors.routes import add_donor_routes
from donate.finance.exports.pages import add_export_routes
from donate.finance.frame import StaffPages
from donate.finance.gifts.list_pages import GiftListPages
from donate.finance.gifts.pages import StaffGiftPages
from donate.finance.gifts.routes import add_gift_routes
from donate.finance.letters.pages import LetterPages
from donate.finance.letters.text_pages import LetterTextPages
from donate.finance.monthly.routes import MonthlyRoutes
from donate.finance.months.pages import MonthPages
from donate.finance.months.start_pages import StartPages
from donate.finance.movements.pages import MovementPages
from donate.finance.offline.routes import add_offline_routes
from donate.finance.overview.pages import OverviewPages
from donate.finance.payouts.pages import PayoutPages
from donate.finance.people.routes import PeopleParts, add_people_routes
from donate.finance.saved_views.pages import SavedViewPages
from donate.finance.search.pages import SearchPages
from donate.finance.set_aside.pages import SetAsidePages
from donate.finance.staff.accounts import PASSWORDS
from donate.finance.staff.language_pages import LanguagePages
from donate.finance.staff.options import DEFAULT_SIGN_IN, SignInOptions
from donate.finance.statements.routes import add_statement_routes
from donate.finance.stripe_refusals import RefusalPages
from donate.finance.transfer_mails.pages import TransferMailPages
from donate.finance.webhooks.receiver_pages import WebhookOptions
from donate.finance.webhooks.routes import add_webhook_routes
from donate.letters.transfers import WAIT
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.stripe_gateway.dashboard import Dashboard
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.refunds import Refunds
from donate.web.templating import Pages

EVERY_METHOD: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class FinancePages:
    """All staff pages.

    `https` says whether the public URL uses https. `on_due` is called when staff have requested
    that an event be processed again. `letters_wait` is how long e-mails about marked transfers are
    delayed; None means that no e-mails are sent. `dashboard` makes links to Stripe's Dashboard;
    None means no links. `transfer_mails` takes in Interac's e-mails; without it, an intake is
    created that uses no network. `month_rules` say how months are closed; None means the built-in
    chart of accounts. `webhooks_to_this_machine` is for the demo.
    """

    def __init__(  # noqa: PLR0913 -- builds all staff pages, so it takes what each of them needs
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        *,
        https: bool,
        breaker: Breaker,
        on_due: Callable[[], None],
        refunds: Refunds,
        pledges: PledgeChanges,
        letters_wait: timedelta | None = WAIT,
        passwords: PasswordHash = PASSWORDS,
        pause: Callable[[float], None] = time.sleep,
        sign_in_options: SignInOptions = DEFAULT_SIGN_IN,
        dashboard: Dashboard | None = None,
        transfer_mails: TransferMailIntake | None = None,
        month_rules: MonthRules | None = None,
        webhooks_to_this_machine: bool = False,
    ) -> None:
        pages = StaffPages(pages, database, clock)
        gate = Gate(database, pages, clock, https=https, options=sign_in_options)
        # Lists with gifts from several regions show times in the first region's time zone.
        time_zone = next(iter(regions.values())).time_zone
        gifts = StaffGiftPages(
            database, pages, clock, dashboard, regions=regions, letters_wait=letters_wait
        )
        common = (database, pages, clock, time_zone)
        last_look = LastLook(database, clock, time_zone)
        monthly = MonthlyRoutes(
            *(database, regions, pages, clock, pledges), time_zone=time_zone, wait=letters_wait
        )
        self.router = gate.router()
        charity = regions.charity_names()
        parts = PeopleParts(database, pages, clock, gate, sign_in_options, time_zone, charity)
        add_people_routes(self.router, parts, passwords=passwords, pause=pause)
        add_gift_routes(self.router, database, clock, gifts, refunds)
        add_offline_routes(self.router, database, regions, pages, clock)
        add_statement_routes(self.router, database, regions, pages, clock)
        rules_of_months = month_rules or MonthRules(load_chart(), time_zone)
        intake = transfer_mails or TransferMailIntake(database, regions, clock)
        for room in (
            LanguagePages(database, clock, gate),
            OverviewPages(*common, last_look, regions=regions),
            GiftListPages(*common, regions=regions),
            MovementPages(database, regions, pages, clock, time_zone=time_zone),
            SearchPages(database, regions, pages),
            RefusalPages(*common),
            BreakerPages(*common, breaker=breaker),
            ActivityPages(*common),
            SetAsidePages(*common, on_due=on_due),
            LetterPages(database, regions, pages, clock, gifts, time_zone=time_zone),
            LetterTextPages(database, regions, pages, clock, sign_in_options, time_zone=time_zone),
            SavedViewPages(database, pages, clock, regions),
            TransferMailPages(database, pages, clock, intake, time_zone),
            PayoutPages(database, pages, time_zone, dashboard),
            BooksPages(*common, dashboard=dashboard, last_look=last_look),
            monthly,
            StartPages(database, pages, clock, rules_of_months),
            MonthPages(database, pages, clock, rules_of_months),
        ):
            room.add_routes(self.router)
        webhooks = WebhookOptions(sign_in_options.cipher, on_due, webhooks_to_this_machine)
        add_webhook_routes(self.router, *common, options=webhooks)
        add_export_routes(self.router, database, regions, clock)
        add_donor_routes(self.router, database, regions, pages, clock, time_zone=time_zone)
        refuse_other_methods(self.router, gate)


def refuse_other_methods(router: APIRouter, gate: Gate) -> None:
    """Make each path answer 405 to methods that it does not allow, and record the refusal."""
    allowed: dict[str, set[str]] = {}
    for route in router.routes:
        assert isinstance(route, APIRoute)
        allowed.setdefault(route.path, set()).update(route.methods or ())
    # Use plain Starlette routes, because FastAPI has nothing to parse in these requests.
    for path, methods in allowed.items():
        refuse = partial(gate.refuse_method, ", ".join(sorted(methods)))
        router.routes.append(Route(path, refuse, methods=sorted(EVERY_METHOD - methods)))
