"""Fills an empty database with many example gifts of the past five years, in bulk.

The gifts exist only in our database: the pretend Stripe knows none of these payments. They end a
week before today, because newer gifts would make the service send e-mails about them.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Final

from donate.clock import SystemClock
from donate.demo.gift_rows import ExampleGift, ExampleTerms, GiftRows
from donate.demo.plots import Plot, plot, shortened
from donate.demo.stories import (
    FAILED_MONTH,
    FIRST_MONTH,
    LATER_MONTH,
    LONGEST,
    ONCE,
    PLEDGE_END,
    PLEDGE_PAST_DUE,
    PLEDGE_RENEWED,
    Story,
)
from donate.regions.regions import Region, load_regions
from donate.storage.database import Database

YEARS: Final = 5
GIFTS_OF_A_DONOR: Final = 5
_ENDS_BEFORE_TODAY: Final = timedelta(days=8)
_BATCH: Final = 20_000
_SUNDAY: Final = 6
_MONTH_DAYS: Final = 30
_AMOUNTS: Final = (
    *(1_000, 1_500, 2_000, 2_000, 2_500, 2_500, 2_500, 3_000, 4_000, 5_000, 5_000, 5_000, 5_000),
    *(7_350, 7_500, 10_000, 10_000, 10_000, 12_000, 15_000, 20_000, 25_000, 50_000, 100_000),
)
_MINUTES: Final = 12
"""The number of different times of day at which gifts begin."""
_PLEDGES: Final = 0.012
"""The share of new gifts that begin a pledge. Monthly payments become a quarter of all gifts."""
_END_EACH_MONTH: Final = 0.04
_FAIL_EACH_MONTH: Final = 0.03
_WITH_NOTE: Final = 0.07
_NOTES: Final = ("With thanks for your work.", "For the children.", "En souvenir de maman.")
_WEIGHTS: Final = [story.weight for story in ONCE]


def add_many_gifts(url: str, how_many: int, progress: Callable[[int, int], None]) -> None:
    """Migrate the database and add gifts to it. The database must have no gifts yet.

    Calls `progress` with the number done and the number in all.
    """
    database = Database(url)
    database.upgrade()
    database.close()
    region = next(iter(load_regions().values()))
    ManyGifts(url, region, SystemClock().now().date(), how_many).add(progress)


class ManyGifts:
    """Adds the gifts of one region, day by day, up to a week before `today`."""

    def __init__(self, url: str, region: Region, today: date, how_many: int) -> None:
        self._random = Random(1)  # noqa: S311 -- examples
        self._rows = GiftRows(url, region, self._random)
        self._region = region
        self._how_many = how_many
        self._people = max(1, how_many // GIFTS_OF_A_DONOR)
        self._typed = 0
        self._last_day = today - _ENDS_BEFORE_TODAY
        self._funds = ["", *self._region.funds]
        self._plot = cache(self._make_plot)

    def add(self, progress: Callable[[int, int], None]) -> None:
        """Add the gifts. Calls `progress` with the number done and the number in all."""
        days = [self._last_day - timedelta(days=n) for n in reversed(range(YEARS * 365))]
        until = list(accumulate(map(_weight, days)))
        running: dict[int, dict[ExampleGift, Story]] = {n: {} for n in range(_MONTH_DAYS)}
        for number, day in enumerate(days):
            due = running[number % _MONTH_DAYS]
            for pledge in list(due):
                story = self._add_month(pledge, day)
                if story:
                    due[pledge] = story
                else:
                    del due[pledge]
            wanted = round(self._how_many * until[number] / until[-1])
            while self._rows.gifts < wanted:
                if self._random.random() < _PLEDGES:
                    due[self._add_gift(FIRST_MONTH, day, self._terms(day))] = FIRST_MONTH
                else:
                    story = self._random.choices(ONCE, _WEIGHTS)[0]
                    self._add_gift(story, day, self._terms(day))
            if self._rows.waiting >= _BATCH:
                self._rows.insert()
                progress(self._rows.gifts, self._how_many)
        for number, pledges in running.items():
            last = max(n for n in range(len(days)) if n % _MONTH_DAYS == number)
            for pledge, story in pledges.items():
                self._end_year(pledge, story, days[last])
        self._rows.finish()
        progress(self._how_many, self._how_many)

    def _terms(self, day: date) -> ExampleTerms:
        """Add a donor, and return random terms for a gift."""
        # Each of the first gifts comes from a new person. Later gifts come from people who gave
        # before.
        self._typed += 1
        person = self._typed
        if person > self._people:
            person = 1 + int(self._people * self._random.random() ** 2)
        donor = self._rows.add_donor(person, day)
        amount, fund = self._random.choice(_AMOUNTS), self._random.choice(self._funds)
        return ExampleTerms(amount, donor, person, fund)

    def _add_gift(self, story: Story, day: date, terms: ExampleTerms) -> ExampleGift:
        note = self._random.choice(_NOTES) if self._random.random() < _WITH_NOTE else ""
        return self._rows.add_gift(self._plotted(story, day, terms), day, terms, note=note)

    def _add_month(self, pledge: ExampleGift, day: date) -> Story | None:
        """Add a pledge's next payment, and return its story; or end the pledge, and return None."""
        if self._random.random() < _END_EACH_MONTH:
            self._change_pledge(pledge, PLEDGE_END, day)
            return None
        failed = self._random.random() < _FAIL_EACH_MONTH
        story = FAILED_MONTH if failed else LATER_MONTH
        month = self._plotted(story, day, pledge.terms)
        self._rows.add_gift(month, day, pledge.terms, pledge=pledge.id)
        return story

    def _end_year(self, pledge: ExampleGift, last: Story, day: date) -> None:
        """Add the row of a pledge that has not ended, with the last facts that Stripe reported."""
        if last is FIRST_MONTH:
            self._rows.add_pledge(pledge, [])
            return
        story = PLEDGE_PAST_DUE if last is FAILED_MONTH else PLEDGE_RENEWED
        self._change_pledge(pledge, story, day)

    def _change_pledge(self, pledge: ExampleGift, story: Story, day: date) -> None:
        change = self._plot(story, pledge.terms.amount_minor, 0, LONGEST)
        self._rows.add_facts(pledge, change, day)
        self._rows.add_pledge(pledge, change.facts_on(day)[1:])

    def _plotted(self, story: Story, day: date, terms: ExampleTerms) -> Plot:
        minutes = 11 * self._random.randrange(_MINUTES)
        days_left = min((self._last_day - day).days, LONGEST)
        return self._plot(story, terms.amount_minor, minutes, days_left)

    def _make_plot(self, story: Story, amount: int, minutes: int, days: int) -> Plot:
        return plot(shortened(story, days), amount, self._region, minutes)


def _weight(day: date) -> float:
    """Return a relative number of gifts for a day: more on Sundays and in December."""
    growth = 1 + 0.1 * (day.year % 10)
    return growth * (1.8 if day.month == 12 else 1) * (2 if day.weekday() == _SUNDAY else 1)
