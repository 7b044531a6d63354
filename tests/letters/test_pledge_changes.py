"""The e-mails about changes of a monthly gift: each change is told once, as it is now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.letters.kinds import LetterKind
from donate.letters.words.by_kind import draft
from donate.storage.database import Database
from tests.letters.every_kind import CHANGES, a_letter
from tests.letters.facts import PAUSED, begin_pledge, change_pledge, tell
from tests.letters.mailer import SITE, LocalMailServer, Mailer, plain
from tests.links import token_of
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, give, settle
from tests.stripe_gateway.months import subscription_event

HOUR = timedelta(hours=1)


def seconds(*day: int) -> int:
    return int(datetime(*day, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


def sent(mailer: Mailer) -> list[str]:
    """Send what is due, and return the kinds of the e-mails that were sent so far, in order."""
    mailer.run()
    return [letter.kind for letter in mailer.letters() if letter.state == "sent"]


def begun(mailer: Mailer) -> Gift:
    gift = give(mailer.database, frequency="monthly")
    begin_pledge(mailer.database, gift)
    return gift


@pytest.mark.parametrize(
    "kind", [kind for kind in CHANGES if kind is not LetterKind.PLEDGE_RESUMED]
)
def test_each_change_is_written_about_once(mailer: Mailer, kind: LetterKind) -> None:
    """A change is told in one e-mail, even if Stripe's answer and two events report it."""
    gift = begun(mailer)
    assert sent(mailer) == []
    for name in ("asked", "event", "renewed"):
        change_pledge(mailer.database, gift, name, **CHANGES[kind])
    assert sent(mailer) == [kind]
    mailer.wait(minutes=1)
    # An event that Stripe created earlier, but delivers late, brings nothing new.
    change_pledge(mailer.database, gift, "late", **CHANGES[kind], at=NOW - HOUR)
    assert sent(mailer) == [kind]


def test_an_event_delivered_twice_causes_one_letter(mailer: Mailer) -> None:
    """The same event of Stripe, delivered twice, causes one e-mail."""
    gift = give(mailer.database, frequency="monthly")
    tell(mailer.database, gift, FactKind.PLEDGE_STARTED, f"sub_{gift.reference}")
    paused = {"pause_collection": {"behavior": "void", "resumes_at": None}}
    event = subscription_event(gift, "updated", at=5, **paused)
    for _ in range(2):
        settle(mailer.database, event)
    assert sent(mailer) == ["pledge_paused"]


def test_a_pause_and_a_resumption_are_two_letters(mailer: Mailer) -> None:
    """A donor who pauses, resumes and pauses again gets an e-mail for each."""
    gift = begun(mailer)
    for number, evidence in enumerate((PAUSED, {}, PAUSED)):
        change_pledge(mailer.database, gift, str(number), evidence, at=NOW + number * HOUR)
        mailer.clock.instant = NOW + number * HOUR
        mailer.run()
    assert sent(mailer) == ["pledge_paused", "pledge_resumed", "pledge_paused"]


def test_the_end_of_a_pause_is_no_news(mailer: Mailer) -> None:
    """When a pause ends on the day that the donor was told, no e-mail is sent."""
    gift = begun(mailer)
    change_pledge(mailer.database, gift, "paused", PAUSED)
    assert sent(mailer) == ["pledge_paused"]
    over = datetime(2026, 5, 1, 12, tzinfo=UTC)
    mailer.clock.instant = over
    change_pledge(mailer.database, gift, "over", at=over)
    assert sent(mailer) == ["pledge_paused"]


def test_a_change_that_was_undone_is_not_written_about(mailer: Mailer) -> None:
    """If a change is undone before its e-mail is sent, only the last state is told."""
    gift = begun(mailer)
    change_pledge(mailer.database, gift, "more", amount_minor=9_000)
    change_pledge(mailer.database, gift, "back", at=NOW + HOUR)
    ended = begun(mailer)
    change_pledge(mailer.database, ended, "paused", PAUSED)
    tell(mailer.database, ended, FactKind.PLEDGE_ENDED, f"sub_{ended.id}", happened_at=NOW + HOUR)
    mailer.clock.instant = NOW + HOUR
    assert sent(mailer) == ["pledge_amount"]
    states = {letter.occasion: letter.state for letter in mailer.letters()}
    assert states[f"evt_more_{gift.id}"] == "untrue"
    assert states[f"evt_paused_{ended.id}"] == "untrue"


def test_the_first_card_of_a_pledge_is_no_news(mailer: Mailer) -> None:
    """That Stripe names the card of a new pledge causes no e-mail; another card does."""
    gift = give(mailer.database, frequency="monthly")
    tell(mailer.database, gift, FactKind.PLEDGE_STARTED, f"sub_{gift.id}")
    for number, method in enumerate(("", "pm_1", "", "pm_1", "pm_2")):
        at = NOW + number * HOUR
        mailer.clock.instant = at
        change_pledge(mailer.database, gift, str(number), {"payment_method": method}, at=at)
        assert sent(mailer) == (["pledge_method"] if method == "pm_2" else [])


@pytest.fixture(scope="module")
def empty(sqlite: Sqlite) -> Database:
    return Database(sqlite.fresh_url())


MONTH_SKIPPED = (
    "We’ll skip your gift in April 2026",
    "Your next monthly gift is on May 1, 2026.",
    "You can resume your monthly gift at any time.",
)


@pytest.mark.parametrize(
    ("kind", "language", "sentences"),
    [
        ("pledge_amount", "en-CA", ("will be $100.00", "month, starting on April 1, 2026.")),
        ("pledge_amount", "fr-CA", ("100,00\u00a0$", "à partir du 1er avril 2026.")),
        ("pledge_paused", "en-CA", MONTH_SKIPPED),
        (
            "pledge_paused",
            "fr-CA",
            ("Votre don mensuel fera une pause en avril 2026", "1er mai 2026"),
        ),
        ("pledge_resumed", "en-CA", ("has resumed", "Your next monthly gift is on April 1, 2026.")),
        ("pledge_resumed", "fr-CA", ("reprend", "Votre prochain don mensuel", "1er avril 2026")),
        ("pledge_method", "en-CA", ("A new card", "We’ll use it from now on.")),
        ("pledge_method", "fr-CA", ("Une nouvelle carte",)),
    ],
)
def test_what_a_letter_about_a_change_says(
    empty: Database, kind: str, language: str, sentences: tuple[str, ...]
) -> None:
    """The e-mail says the next day in words, the amount, the card’s digits, and has the link."""
    _, context = a_letter(empty, LetterKind(kind), language)
    written = draft(LetterKind(kind), context)
    text = " ".join((written.subject, *written.before))
    for sentence in sentences:
        assert sentence in text
    assert written.link[1] == f"{SITE}/pledges/{token_of(context.gift)}"
    digits = "4444" if kind == "pledge_method" else "4242"
    assert any(value.endswith(digits) for _, value in written.rows)


LONG = {"paused": True, "resumes_at": seconds(2026, 6, 1, 4)}
SHORT = {"paused": True, "resumes_at": seconds(2026, 3, 20, 4)}


@pytest.mark.parametrize(
    ("evidence", "subject", "told"),
    [
        (LONG, "paused until June 1, 2026", "collect anything in April 2026 and May 2026."),
        (SHORT, "paused until April 1, 2026", "Nothing will be charged before April 1, 2026."),
        ({"paused": True}, "gift is paused", "Nothing will be charged until you resume it."),
    ],
    ids=["until a date", "no month left out", "until resumed"],
)
def test_the_letter_about_a_pause(
    mailer: Mailer, mail_server: LocalMailServer, evidence: Any, subject: str, told: str
) -> None:
    """The e-mail about a pause says which months are not collected, and when the next one is."""
    gift = begun(mailer)
    change_pledge(mailer.database, gift, "paused", evidence)
    mailer.run()
    (message,) = mail_server.messages
    assert message["Subject"].endswith(subject)
    assert told in " ".join(plain(message).split())
