"""The staff pages for Stripe's payouts: the list, and a page about the contents of one payout."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from donate.errors import N_, BadInput, NotFound
from donate.finance.access import Visiting, needs
from donate.finance.exports.links import export_links
from donate.finance.payouts.bank_lines import bank_lines
from donate.finance.payouts.breakdown import break_down, difference, pairs_of
from donate.finance.payouts.filters import (
    payout_choices,
    read_payout_cursor,
    read_payout_query,
    write_payout_cursor,
)
from donate.finance.payouts.queries import (
    PayoutCursor,
    balance_at,
    list_payouts,
    own_transactions,
    parts_since,
    payout_by_id,
    payout_currencies,
    payout_parts,
    payout_totals,
    payout_transactions,
    previous_payout,
    unread_payouts,
)
from donate.finance.payouts.words import (
    DEBIT_SENTENCE,
    PAYOUT_COLOURS,
    PAYOUT_FAILURES,
    PAYOUT_SENTENCES,
    PAYOUT_STATUSES,
)
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.balance.categories import KIND_TITLES, BalanceKind, balance_kind
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout
from donate.stripe_gateway.dashboard import Dashboard
from donate.web.templating import Pages

PAYOUTS_ON_A_PAGE: Final = 50
TRANSACTIONS_ON_A_PAGE: Final = 50
_INCOMPLETE: Final = N_("This link is incomplete.")


class PayoutPages:
    """The list of payouts and the page of one. `dashboard` is None for no links to Stripe."""

    def __init__(
        self, database: Database, pages: Pages, time_zone: str, dashboard: Dashboard | None
    ) -> None:
        self._database = database
        self._pages = pages
        self._time_zone = time_zone
        self._dashboard = dashboard

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/payouts", self.payouts, methods=["GET"])
        router.add_api_route("/payouts/{payout_id}", self.payout, methods=["GET"])

    @needs(Role.VIEWER)
    def payouts(self, request: Request, visit: Visiting) -> Response:
        """Show the payouts that match the filters, the latest arrival first, and their sums."""
        typed = request.query_params.get("after", "")
        after = read_payout_cursor(typed)
        # Read everything in one database snapshot, so that the sums and the rows agree.
        with self._database.reading_snapshot() as session:
            currencies = payout_currencies(session)
            query = read_payout_query(request.query_params, currencies)
            problems = dict(query.problems)
            if typed and after is None:
                problems["page"] = BadInput("page", _INCOMPLETE)
            shown: dict[str, Any] = {"rows": None, "older": None}
            shown["unread"] = ", ".join(unread_payouts(session))
            if not problems:
                shown["totals"] = payout_totals(session, query.filter)
                # Fetch one more payout than fits on a page, to find out whether there is another
                # page.
                limit = PAYOUTS_ON_A_PAGE + 1
                found = list_payouts(session, query.filter, limit=limit, after=after)
                rows = found[:PAYOUTS_ON_A_PAGE]
                shown["rows"] = [(row, _money(row), bank_lines(session, row)) for row in rows]
                if len(found) == limit:
                    shown["older"] = query.link(after=write_payout_cursor(_cursor(rows[-1])))
        return self._pages.render(
            "finance/payouts/list.html",
            visit.language,
            status_code=422 if problems else 200,
            staff=visit.signed_in,
            filters=query,
            problems=problems,
            choices=payout_choices(currencies, visit.language),
            is_first_page=after is None,
            statuses=PAYOUT_STATUSES,
            colours=PAYOUT_COLOURS,
            **shown,
        )

    @needs(Role.VIEWER)
    def payout(self, payout_id: str, request: Request, visit: Visiting) -> Response:
        """Show what makes up a payout, and whether it adds up to the payout's exact amount."""
        kind = request.query_params.get("kind", "")
        if kind and kind not in set(BalanceKind):
            raise NotFound("no such kind of transactions")
        after = request.query_params.get("after", "")
        start = as_number(after) if after else 0
        with self._database.reading_snapshot() as session:
            payout = payout_by_id(session, payout_id)
            if payout is None or start is None:
                raise NotFound("no such payout, or no such page of it")
            details = self._itemised(session, payout, kind, start)
            own = own_transactions(session, payout)
            if own and not payout.is_itemised:
                details |= _running_balance(session, payout, own)
            lines = bank_lines(session, payout)
        return self._pages.render(
            "finance/payouts/payout.html",
            visit.language,
            staff=visit.signed_in,
            payout=payout,
            amount=_money(payout),
            own=[
                (
                    one,
                    KIND_TITLES[balance_kind(one.type, one.reporting_category)],
                    Money(one.net_minor, one.currency),
                )
                for one in own
            ],
            lines=lines,
            exports=export_links("payouts", {"payout": payout_id}, visit.signed_in),
            kind=kind,
            titles=KIND_TITLES,
            statuses=PAYOUT_STATUSES,
            colours=PAYOUT_COLOURS,
            sentence=PAYOUT_SENTENCES.get(payout.status, ""),
            failure=PAYOUT_FAILURES.get(payout.failure_code, ""),
            debit_sentence=DEBIT_SENTENCE,
            time_zone=self._time_zone,
            in_stripe=self._dashboard.address_of(payout_id) if self._dashboard else "",
            **details,
        )

    def _itemised(
        self, session: Session, payout: StripePayout, kind: str, start: int
    ) -> dict[str, Any]:
        """Return the sums of each kind, a page of transactions, and the difference, if any."""
        parts = payout_parts(session, payout)
        breakdown = break_down(parts, payout.currency)
        pairs = pairs_of(kind, parts) if kind else []
        limit = TRANSACTIONS_ON_A_PAGE + 1
        rows = []
        if pairs or not kind:
            rows = payout_transactions(session, payout, pairs, limit=limit, after=start)
        query = f"kind={kind}&" if kind else ""
        page = f"/finance/payouts/{payout.payout_id}"
        older = ""
        if len(rows) == limit:
            older = f"{page}?{query}after={rows[-2].transaction.id}#transactions"
        return {
            "breakdown": breakdown,
            "lacks": difference(breakdown, _money(payout)) if payout.is_complete else None,
            "rows": rows[:TRANSACTIONS_ON_A_PAGE],
            "next": older,
            "is_first_page": not start,
            "page": page,
        }


def _running_balance(
    session: Session, payout: StripePayout, own: Sequence[BalanceTransaction]
) -> dict[str, Any]:
    """Return the balance before and after a payout that Stripe does not itemise.

    `own` has the transactions of the payout itself, which may include a fee for an instant payout.
    """
    previous = previous_payout(session, payout)
    since = break_down(parts_since(session, payout, previous), payout.currency)
    after = balance_at(session, payout)
    taken = after.part(sum(one.net_minor for one in own if one.created_at <= payout.created_at))
    known = since.total.net.amount_minor + taken.amount_minor
    before = after.part(after.amount_minor - known)
    return {
        "previous": previous,
        "since": since,
        "before": before,
        "taken": taken,
        "balance": after,
    }


def _money(payout: StripePayout) -> Money:
    return Money(payout.amount_minor, payout.currency)


def _cursor(payout: StripePayout) -> PayoutCursor:
    assert payout.id is not None
    return PayoutCursor(payout.arrives_on, payout.id)
