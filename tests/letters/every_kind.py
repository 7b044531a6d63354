"""Makes an e-mail of any kind, with a gift for which it is true."""

from typing import Any

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.opening import open_month
from donate.letters.context import LetterContext, load_context
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.money import Money
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.letters.facts import (
    PAUSED,
    begin_pledge,
    change_pledge,
    returned_by_mistake,
    tell,
    told_by_mistake,
)
from tests.letters.mailer import SITE
from tests.links import links_at
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, give

CHANGES: dict[LetterKind, Any] = {
    LetterKind.PLEDGE_AMOUNT: {"amount_minor": 2 * AMOUNT},
    LetterKind.PLEDGE_PAUSED: {"evidence": PAUSED},
    LetterKind.PLEDGE_RESUMED: {},
    LetterKind.PLEDGE_METHOD: {"evidence": {"payment_method": "pm_2", "last4": "4444"}},
}


def a_letter(
    database: Database, kind: LetterKind, language: str, mode: str = "interac"
) -> tuple[Letter, LetterContext]:
    """Return an e-mail of this kind that is true for its gift, and the context of the e-mail."""
    is_monthly = kind.startswith(("month", "pledge", "thank"))
    options: Any = {"frequency": "monthly"} if is_monthly else {"mode": mode}
    gift = give(database, language=language, **options)
    gift = later_month(database, gift) if kind is LetterKind.MONTH_FAILED else gift
    went_back = (LetterKind.REFUND, LetterKind.REFUND_FAILED, LetterKind.NOT_SENT_BACK)
    occasion = f"re_{gift.id}" if kind in went_back else ""
    if kind is LetterKind.CORRECTION:
        occasion = told_by_mistake(database, gift)
    if kind in (*went_back, LetterKind.THANK_YOU):
        tell(database, gift, FactKind.PAYMENT_SUCCEEDED, f"pi_{gift.id}")
    if kind is LetterKind.REFUND:
        tell(database, gift, FactKind.REFUND_SUCCEEDED, occasion, amount_minor=AMOUNT // 2)
    if kind is LetterKind.REFUND_FAILED:
        tell(database, gift, FactKind.REFUND_FAILED, occasion, amount_minor=AMOUNT // 2)
    if kind is LetterKind.NOT_SENT_BACK:
        returned_by_mistake(database, gift, occasion)
    if kind in CHANGES:
        begin_pledge(database, gift)
        if kind is LetterKind.PLEDGE_RESUMED:
            change_pledge(database, gift, "paused", PAUSED)
        occasion = change_pledge(database, gift, "changed", **CHANGES[kind])
    if kind is LetterKind.CONFIRM_ACCOUNT:
        tell(database, gift, FactKind.ACCOUNT_TO_CONFIRM, f"cs_{gift.id}")
    letter = Letter(
        gift_id=gift.id,
        kind=kind,
        occasion=occasion,
        state=LetterState.WAITING,
        written_at=NOW,
        due_at=NOW,
    )
    with database.reading() as session:
        return letter, load_context(session, letter, load_regions(), links_at(SITE))


def later_month(database: Database, first: Gift) -> Gift:
    with database.writing() as session:
        return open_month(
            session, first.id, f"in_{first.id}", Money(AMOUNT, "CAD"), invoiced_at=NOW, now=NOW
        )
