"""The e-mail at the end of a monthly gift."""

from datetime import UTC, datetime

import pytest

from donate.gifts.facts import FactKind
from donate.letters.context import load_context
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.letters.words.by_kind import draft
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.letters.facts import tell
from tests.letters.mailer import SITE
from tests.links import links_at
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, give

ENDS = [
    (None, "faithful giving. You can start", "fidélité. Vous pouvez commencer"),
    ("cancellation_requested", "faithful giving. You can start", "fidélité. Vous pouvez commencer"),
    ("payment_failed", "because payments didn’t go through", "n’ont pas abouti"),
    ("payment_disputed", "was disputed with your bank", "contesté auprès de votre banque"),
]


@pytest.mark.parametrize(("reason", "english", "french"), ENDS)
def test_the_end_of_a_pledge_says_when_and_why(
    sqlite: Sqlite, reason: str | None, english: str, french: str
) -> None:
    """The e-mail says why and on which day, in the region's time zone, the pledge ended."""
    empty = Database(sqlite.fresh_url())
    for language, words in (("en-CA", english), ("fr-CA", french)):
        gift = give(empty, language=language, frequency="monthly")
        occasion, evidence = f"sub_{gift.id}", {"reason": reason} if reason else {}
        # This time is still March 1 in Toronto, but already March 2 in UTC.
        at = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
        tell(empty, gift, FactKind.PLEDGE_ENDED, occasion, happened_at=at, evidence=evidence)
        letter = Letter(
            gift_id=gift.id,
            kind=LetterKind.PLEDGE_ENDED,
            occasion=occasion,
            state=LetterState.WAITING,
            written_at=NOW,
            due_at=NOW,
        )
        with empty.reading() as session:
            content = draft(
                LetterKind.PLEDGE_ENDED,
                load_context(session, letter, load_regions(), links_at(SITE)),
            )
        assert words in " ".join(content.before)
        assert content.rows[0][1] == ("March 1, 2026" if language == "en-CA" else "1er mars 2026")
        again = f"lang={language}&amount=50.00&frequency=monthly&mode=card"
        assert content.link[1] == f"{SITE}/give/{gift.code}?{again}"
    empty.close()
