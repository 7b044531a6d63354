"""A donor skips a month, pauses until a day, gives less, or starts again, on the page itself."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from donate.donors.monthly.pledge_pages import check_until
from donate.errors import BadInput
from donate.gifts.facts import Fact
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.monthly.schedule import Schedule, monthly_from
from donate.gifts.queries import plain_facts_of
from donate.storage.database import Database
from donate.web.templating import Localizer
from tests.donors.statuses import NOW, PAID, K, learn
from tests.donors.visitor import Visitor, value_of, visiting, words_of
from tests.links import token_of
from tests.real_parts import Sqlite

# The current month of the pledges in these tests ends in ten days.
NEXT = (NOW + timedelta(days=10)).replace(hour=17, minute=0, second=0, microsecond=0)


def day(months: int) -> date:
    """Return the day on which the payment after `months` others is due."""
    return monthly_from(NEXT, NEXT, more=months).date()


@pytest.fixture(scope="module")
def visitor(sqlite: Sqlite) -> Iterator[Visitor]:
    url = sqlite.fresh_url()
    database = Database(url)
    with visiting(database, url) as visitor:
        yield visitor
    database.close()


def pledge(visitor: Visitor, mode: str = "card", amount: str = "50.00", **evidence: Any) -> Gift:
    """Open a pledge whose first month is paid, and about which Stripe has reported this."""
    gift = visitor.open_gift(mode=mode, frequency="monthly", amount=amount)
    learn(visitor.database, gift, PAID)
    name = f"sub_{gift.reference}"
    state = {"subscription": name, "status": "active", "month_ends_at": int(NEXT.timestamp())}
    facts = [
        Fact(K.PLEDGE_STARTED, name, NOW, "stripe"),
        Fact(K.PLEDGE_CHANGED, f"evt_{name}", NOW, "stripe", evidence=state | evidence),  # type: ignore[arg-type]
    ]
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, fact) for fact in facts], now=NOW)
    return gift


def resumes_at(day: date) -> int:
    return int((NEXT.replace(year=day.year, month=day.month, day=day.day, hour=5)).timestamp())


def requested(visitor: Visitor, gift: Gift) -> dict[str, Any]:
    """Return the evidence of the newest change that the donor requested."""
    with visitor.database.reading() as session:
        facts = plain_facts_of(session, gift.id)
    return dict([fact for fact in facts if fact.kind == K.PLEDGE_CHANGE_REQUESTED][-1].evidence)


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_the_page_says_the_next_day_and_the_months(visitor: Visitor, language: str) -> None:
    """The page has the next day in words, and for each choice the months that it leaves out."""
    gift, words = pledge(visitor), Localizer(language)
    page = visitor.get(f"/pledges/{token_of(gift)}?lang={language}").text
    text = words_of(page)
    assert words.day(day(0)) in text
    for length in (1, 2, 3, 6):
        left_out = words.months(day(number) for number in range(length))
        until = words.day(day(length))
        assert f"{until} " in text
        assert re.search(rf"(We’ll skip|Aucun prélèvement en) {left_out} ", text)
    skipped = words.month(day(0), "LLLL")
    assert f"{'Skip' if language == 'en-CA' else 'Faire une pause en'} {skipped}" in text


@pytest.mark.parametrize("length", [1, 2, 3, 6])
def test_a_choice_is_requested_from_stripe(visitor: Visitor, length: int) -> None:
    """A chosen day is requested as the time at which it begins in the region’s time zone."""
    gift = pledge(visitor)
    answer = visitor.post(f"/pledges/{token_of(gift)}/pause", until=day(length).isoformat())
    assert answer.status_code == 303
    evidence = requested(visitor, gift)
    assert evidence["act"] == "pause"
    # In Toronto a day begins four or five hours after midnight in UTC.
    begins_at = int(NEXT.replace(**_ymd(day(length)), hour=4).timestamp())
    assert evidence["resumes_at"] in (begins_at, begins_at + 3_600)


def _ymd(day: date) -> dict[str, Any]:
    return {"year": day.year, "month": day.month, "day": day.day}


def test_a_pause_without_a_day_lasts_until_resumed(visitor: Visitor) -> None:
    """The last choice pauses until the donor resumes."""
    gift = pledge(visitor)
    assert visitor.post(f"/pledges/{token_of(gift)}/pause", until="resumed").status_code == 303
    assert requested(visitor, gift) == {"act": "pause"}


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        (None, "Please choose how long to pause."),
        ("", "Please choose how long to pause."),
        ("tomorrow", "That day is no longer available."),
        ("2020-01-01", "That day is no longer available."),
        (day(0).isoformat(), "That day is no longer available."),
        (day(4).isoformat(), "That day is no longer available."),
        ("9999999-01-01\x00", "That day is no longer available."),
    ],
)
def test_a_bad_day_gets_a_sentence(visitor: Visitor, until: str | None, sentence: str) -> None:
    """If no day that is offered was sent, the form is shown again with a sentence."""
    gift = pledge(visitor)
    answer = visitor.post(f"/pledges/{token_of(gift)}/pause", until=until)
    assert answer.status_code == 422
    assert sentence in words_of(answer.text)
    assert re.search(r'<details[^>]*id="pause" open', answer.text)
    with pytest.raises(IndexError):
        requested(visitor, gift)


def test_two_days_at_once_are_no_choice(visitor: Visitor) -> None:
    """If a form sends two days, none of them is guessed."""
    gift = pledge(visitor)
    both = [day(1).isoformat(), day(2).isoformat()]
    assert visitor.post(f"/pledges/{token_of(gift)}/pause", until=both).status_code == 422


def test_a_paused_pledge_has_no_choices(visitor: Visitor) -> None:
    """While a pledge is paused, the page offers to resume it, and refuses another pause’s day."""
    gift = pledge(visitor, paused=True, resumes_at=resumes_at(day(2)))
    page = visitor.get(f"/pledges/{token_of(gift)}").text
    words = Localizer("en-CA")
    left_out = words.months([day(0), day(1)])
    assert f"We won’t collect anything in {left_out}." in words_of(page)
    assert f"Next gift, after the pause {words.day(day(2))}" in words_of(page)
    assert "/resume?" in page
    assert "/pause?" not in page
    answer = visitor.post(f"/pledges/{token_of(gift)}/pause", until=day(1).isoformat())
    assert answer.status_code == 422


def test_a_skipped_month_is_named(visitor: Visitor) -> None:
    """A pause that leaves out one month is shown as a skipped month."""
    gift = pledge(visitor, paused=True, resumes_at=resumes_at(day(1)))
    words = words_of(visitor.get(f"/pledges/{token_of(gift)}?done=pause").text)
    assert "We’ll skip one month" in words
    assert f"Done. Your next gift is on {Localizer('en-CA').day(day(1))}." in words


@pytest.mark.parametrize(
    ("mode", "evidence", "shown"),
    [
        ("card", {"last4": "4242", "brand": "visa"}, "Card Visa ending in 4242"),
        ("card", {"last4": "4242", "brand": "link"}, "Card Card ending in 4242"),
        ("bank_debit", {"last4": "6789", "brand": ""}, "Bank account Account ending in 6789"),
        ("card", {}, None),
    ],
)
def test_the_page_shows_the_last_four_digits(
    visitor: Visitor, mode: str, evidence: dict[str, str], shown: str | None
) -> None:
    """The page shows the last digits of the card or account, and no such line if unknown."""
    gift = pledge(visitor, mode, payment_method="pm_1", **evidence)
    words = words_of(visitor.get(f"/pledges/{token_of(gift)}").text)
    assert (shown or "Amount") in words
    assert ("ending in" in words) == bool(shown)


def test_ending_thanks_and_offers_less(visitor: Visitor) -> None:
    """Before it ends a pledge, the page thanks, and offers half the amount and a skipped month."""
    gift = pledge(visitor)
    page = visitor.get(f"/pledges/{token_of(gift)}").text
    fold = page.partition('id="end"')[2].partition("</details>")[0]
    assert "Thank you for the $50.00 you’ve given so far." in words_of(fold)
    assert 'name="amount" value="25.00"' in fold
    assert f'name="until" value="{day(1)}"' in fold
    assert "button-ends" in fold
    assert fold.count("/cancel?") == 1
    answer = visitor.post(f"/pledges/{token_of(gift)}/amount", amount="25.00")
    assert answer.status_code == 303
    assert requested(visitor, gift) == {"act": "amount"}


def test_half_of_the_smallest_amount_is_not_offered(visitor: Visitor) -> None:
    """If half of the amount is less than the region takes, it is not offered."""
    gift = pledge(visitor, amount="3.00")
    page = visitor.get(f"/pledges/{token_of(gift)}").text
    assert "a month" not in page.partition('id="end"')[2].partition("</details>")[0]


def test_starting_again_fills_in_the_form(visitor: Visitor) -> None:
    """After the end, a link leads to the form with the same amount, each month, in the mode."""
    gift = pledge(visitor, "bank_debit", amount="1234.50")
    end = Fact(K.PLEDGE_ENDED, f"sub_{gift.reference}", NOW, "stripe")
    with visitor.database.writing() as session:
        record_facts(session, [(gift.id, end)], now=NOW)
    page = visitor.get(f"/pledges/{token_of(gift)}?done=cancel").text
    assert "Thank you for your faithful giving." in words_of(page)
    link = re.search(r'href="(/give/[^"]*amount[^"]*)"', page)
    assert link
    form = visitor.get(link[1].replace("&amp;", "&")).text
    assert value_of(form, "amount") == "1234.50"
    for field in ("frequency-monthly", "mode-bank_debit", "preset-other"):
        assert re.search(rf'<input [^>]*id="{field}"[^>]* checked', form), field


def test_only_offered_days_are_accepted() -> None:
    """Without a schedule, only the pause until the donor resumes can be chosen."""
    assert check_until("resumed", Schedule()) is None
    with pytest.raises(BadInput, match="no longer available"):
        check_until("2026-06-01", Schedule())
