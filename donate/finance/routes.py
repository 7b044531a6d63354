"""The staff routes: each path, and the function that handles it."""

import time
from collections.abc import Callable
from datetime import timedelta

from pwdlib import PasswordHash

from donate.clock import Clock
from donate.finance.access import Gate, refuse_other_methods
from donate.finance.activity_pages import TrailPages
from donate.finance.exports.pages import ExportPages
from donate.finance.frame import StaffPages
from donate.finance.gifts.pages import StaffGiftPages
from donate.finance.letters.pages import LetterPages
from donate.finance.movements.pages import MovementPages
from donate.finance.overview.pages import OverviewPages
from donate.finance.refunds.pages import RefundPages
from donate.finance.set_aside.pages import SetAsidePages
from donate.finance.staff.accounts import PASSWORDS
from donate.finance.staff.sign_in import SignIn
from donate.finance.stripe_refusals import RefusalPages
from donate.finance.transfers.pages import TransferPages
from donate.letters.transfers import WAIT
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.stripe_gateway.requests.refunds import Refunds
from donate.web.giving_limits import GivingLimits
from donate.web.templating import Pages


class FinancePages:
    """All staff pages.

    `https` says whether the public URL uses https. `on_due` is called when staff have asked for an
    event to be processed again. `letters_wait` is the delay of e-mails about transfers that staff
    marked; None if no e-mails are sent.
    """

    def __init__(  # noqa: PLR0913 -- builds all staff pages, so it takes what each of them needs
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        *,
        https: bool,
        limits: GivingLimits,
        on_due: Callable[[], None],
        refunds: Refunds,
        letters_wait: timedelta | None = WAIT,
        passwords: PasswordHash = PASSWORDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        pages = StaffPages(pages, database, clock)
        gate = Gate(database, pages, clock, https=https)
        sign_in = SignIn(database, pages, clock, gate, passwords=passwords, pause=pause)
        # A list of gifts from several regions shows times in the first region's time zone.
        time_zone = next(iter(regions.values())).time_zone
        gifts = StaffGiftPages(
            database,
            pages,
            clock,
            time_zone,
            regions=regions,
            limits=limits,
            letters_wait=letters_wait,
        )
        overview = OverviewPages(database, pages, clock, time_zone, regions=regions, limits=limits)
        transfers = TransferPages(database, clock, gifts)
        refund_pages = RefundPages(database, clock, gifts, refunds)
        letters = LetterPages(database, regions, pages, clock, gifts, time_zone=time_zone)
        set_aside = SetAsidePages(database, pages, clock, time_zone, on_due=on_due)
        movements = MovementPages(database, regions, pages, clock, time_zone=time_zone)
        trail = TrailPages(database, pages, time_zone)
        refusals = RefusalPages(database, pages, clock, time_zone)

        self.router = gate.router()
        for method, path, answer in (
            ("GET", "/sign-in", sign_in.form),
            ("POST", "/sign-in", sign_in.sign_in),
            ("POST", "/sign-out", sign_in.sign_out),
            ("GET", "", overview.overview),
            ("GET", "/gifts", gifts.gifts),
            ("GET", "/gifts/{gift_id}", gifts.gift),
            ("POST", "/gifts/{gift_id}/received", transfers.received),
            ("POST", "/gifts/{gift_id}/undone", transfers.undone),
            ("POST", "/gifts/{gift_id}/refund", refund_pages.refund),
            ("POST", "/gifts/{gift_id}/refund-followed-up", refund_pages.followed_up),
            ("GET", "/gifts/{gift_id}/letters/{number}", letters.letter),
            ("POST", "/gifts/{gift_id}/letter-again", letters.again),
            ("POST", "/gifts/{gift_id}/letter-dismissed", letters.dismissed),
            ("GET", "/movements", movements.movements),
            ("GET", "/letters", letters.letters),
            ("POST", "/letters/again", letters.all_again),
            ("GET", "/set-aside", set_aside.set_aside),
            ("GET", "/set-aside/{number}", set_aside.event),
            ("POST", "/set-aside/{number}/tried", set_aside.tried),
            ("POST", "/set-aside/{number}/tied", set_aside.tied),
            ("POST", "/set-aside/{number}/dismissed", set_aside.dismissed),
            ("GET", "/refused", refusals.refused),
            ("POST", "/refused/seen", refusals.seen),
            ("GET", "/trail", trail.trail),
        ):
            self.router.add_api_route(path, answer, methods=[method])
        for name in ("gifts", "movements"):
            ExportPages(name, database, regions, clock).add_routes(self.router)
        refuse_other_methods(self.router, gate)
