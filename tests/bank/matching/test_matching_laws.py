"""Laws of the matcher: what is certain is true, in any month that can be generated."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from hypothesis import given, settings, strategies as st

from donate.bank.matching.candidates import MatchingWorld
from donate.bank.matching.inputs import Band, BankLine
from donate.bank.matching.matcher import match_lines
from donate.bank.matching.suggestions import LineMatch
from donate.money import Money
from tests.bank.matching.generated_months import SHAPES, Mix, Month, generate_month

PERCENT = st.sampled_from([0, 30, 70, 100])
MIXES = st.builds(
    Mix,
    has_mail=PERCENT,
    has_message=PERCENT,
    own_name=st.sampled_from([60, 100]),
    unannounced=st.sampled_from([0, 10]),
    said_sent=st.sampled_from([0, 70]),
    only_said=st.sampled_from([0, 30]),
    few_names=st.booleans(),
)


@st.composite
def months(draw: st.DrawFn) -> Month:
    """Return a month in a few shapes, with few names and amounts as often as not."""
    month = generate_month(
        Random(draw(st.integers(0, 2**32))),
        draw(st.lists(st.sampled_from(sorted(SHAPES)), min_size=1, max_size=3)),
        draw(st.integers(1, 60)),
        draw(MIXES),
        unpaid=draw(st.integers(0, 30)),
    )
    return month.goes_on() if draw(st.booleans()) else month


def found_in(month: Month, lines: list[BankLine] | None = None) -> dict[int, LineMatch]:
    return match_lines(lines or month.lines, month.world, codes=["LWCAN"])


@settings(max_examples=300, deadline=None)
@given(months())
def test_what_is_certain_is_true(month: Month) -> None:
    """A line that is certain pays exactly the gifts that it says; alike lines do so together."""
    assert month.wrong_lines(found_in(month)) == []


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32))
def test_a_statement_may_end_on_any_day(last: int, seed: int) -> None:
    """E-mails about lines yet to come make nothing certain that is not true.

    This takes for granted that donors announce their gifts and pay from accounts of their own name.
    Without both, a payer who sends one amount twice within four days before the end of a statement
    and loses one of the two e-mails cannot be told from one who sent it once.
    """
    mix = Mix(has_mail=60, has_message=100, own_name=100, unannounced=0, few_names=True)
    month = generate_month(Random(seed), ["RBC without reference", "TD bare"], 50, mix)
    lines = [line for line in month.lines if line.day <= date(2026, 4, last)]
    if lines:
        assert replace(month, lines=lines).wrong_lines(found_in(month, lines)) == []


@settings(max_examples=100, deadline=None)
@given(months())
def test_a_gift_has_one_certain_line(month: Month) -> None:
    """No gift, e-mail or transfer is certain for two lines."""
    found = found_in(month)
    gifts = Counter(gift for those in month.certain_gifts(found).values() for gift in those)
    mails = Counter(
        match.suggestions[0].mail_id
        for match in found.values()
        if match.band is Band.CERTAIN and match.suggestions[0].mail_id is not None
    )
    assert max(gifts.values(), default=1) == 1
    assert max(mails.values(), default=1) == 1


@settings(max_examples=100, deadline=None)
@given(months(), st.integers(0, 2**32))
def test_the_order_changes_nothing(month: Month, seed: int) -> None:
    """Lines, e-mails and gifts in another order lead to the same suggestions."""
    random = Random(seed)
    mails = random.sample(month.mails, len(month.mails))
    gifts = random.sample(month.gifts, len(month.gifts))
    lines = random.sample(month.lines, len(month.lines))
    world = MatchingWorld(mails=mails, gifts=gifts, read_until=month.read_until)
    shuffled = match_lines(lines, world, codes=["LWCAN"])
    assert shuffled == found_in(month)


@settings(max_examples=100, deadline=None)
@given(months(), st.integers(0, 2**32))
def test_an_unrelated_gift_makes_nothing_wrong_certain(month: Month, seed: int) -> None:
    """With one more gift that nobody has paid, what is certain is still true."""
    mix = Mix(few_names=True)
    more = generate_month(Random(seed), ["TD"], 1, mix, unpaid=3).gifts
    wider = replace(month, gifts=[*month.gifts, *more])
    assert wider.wrong_lines(found_in(wider)) == []


@st.composite
def alike_months(draw: st.DrawFn) -> Month:
    """Return a month of few amounts that its statement covers, at banks that show little."""
    shapes = draw(st.sampled_from([["TD bare"], ["Scotiabank", "RBC"], ["CIBC", "TD bare"]]))
    mix = Mix(has_message=70, unannounced=10, few_names=True)
    random = Random(draw(st.integers(0, 2**32)))
    return generate_month(random, shapes, draw(st.integers(2, 40)), mix, unpaid=5).goes_on()


@settings(max_examples=150, deadline=None)
@given(alike_months(), st.data())
def test_fewer_emails_make_nothing_more_certain(month: Month, data: st.DataObject) -> None:
    """If e-mails of a month get lost, what is certain is true, and was certain with all of them."""
    kept = data.draw(st.lists(st.sampled_from(month.mails), unique=True))
    fewer = replace(month, mails=kept)
    found = found_in(fewer)
    assert fewer.wrong_lines(found) == []
    assert gifts_in(fewer, found) <= gifts_in(month, found_in(month))


@settings(max_examples=150, deadline=None)
@given(alike_months(), st.data())
def test_one_more_line_makes_nothing_more_certain(month: Month, data: st.DataObject) -> None:
    """One more line of an amount, which no e-mail is about, makes fewer gifts certain or none."""
    other = data.draw(st.sampled_from(month.lines))
    text = data.draw(st.sampled_from([other.text, "E-TRANSFER - AUTODEPOSIT ROBERT MARTIN"]))
    days = data.draw(st.integers(-5, 5))
    more = replace(other, id=0, text=text, day=other.day + timedelta(days))
    wider = replace(month, lines=[*month.lines, more])
    found = found_in(wider)
    assert wider.wrong_lines(found) == []
    assert gifts_in(wider, found) <= gifts_in(month, found_in(month))


@settings(max_examples=100, deadline=None)
@given(alike_months(), st.data())
def test_a_line_that_was_undone_is_certain_only_by_what_it_shows(
    month: Month, data: st.DataObject
) -> None:
    """A line that a person has undone is never certain by amount and days, nor are its like."""
    undone = data.draw(st.sampled_from(month.lines))
    lines = [replace(line, was_undone=line == undone) for line in month.lines]
    doubted = replace(month, lines=lines)
    found = found_in(doubted)
    assert doubted.wrong_lines(found) == []
    assert gifts_in(doubted, found) <= gifts_in(month, found_in(month))
    if undone.text in ("E-TRANSFER", "DEPOSIT FREE INTERAC E-TRANSFER"):
        assert found[undone.id].band is not Band.CERTAIN


def gifts_in(month: Month, found: dict[int, LineMatch]) -> set[str]:
    """Return the references of all gifts that are certain."""
    return {gift for gifts in month.certain_gifts(found).values() for gift in gifts}


@settings(max_examples=100, deadline=None)
@given(months(), st.integers(1, 100))
def test_no_suggestion_takes_more_than_is_open(month: Month, percent: int) -> None:
    """The parts of a suggestion are positive and never more than the line's open amount."""
    lines = [
        replace(line, open=Money(max(1, line.amount.amount_minor * percent // 100), "CAD"))
        for line in month.lines
    ]
    found = found_in(month, lines)
    for line in lines:
        assert len(found[line.id].suggestions) <= 5
        for suggestion in found[line.id].suggestions:
            parts = [part.amount.amount_minor for part in suggestion.parts]
            assert min(parts) > 0
            assert sum(parts) <= line.open.amount_minor


@settings(max_examples=50, deadline=None)
@given(months())
def test_a_match_is_stored_as_json(month: Month) -> None:
    """A match that is stored as JSON and read again is the same."""
    for match in found_in(month).values():
        assert LineMatch.from_json(json.loads(json.dumps(match.to_json()))) == match
