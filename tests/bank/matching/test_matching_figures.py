"""How much the matcher settles in a month of 500 transfers, and how much it looks at."""

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from donate.bank.matching.candidates import CandidateIndex
from donate.bank.matching.inputs import Band
from donate.bank.matching.matcher import match_lines, match_with_index
from tests.bank.matching.generated_months import NAMED, SHAPES, Mix, Month, generate_month

SEEDS = (1, 2)
TRANSFERS = 500
NAMELESS = ("TD bare", "Scotiabank")


def months(shapes: Sequence[str], mix: Mix, *, goes_on: bool = True) -> Iterator[Month]:
    """Yield a month for each seed. Its statement goes on for four days, or ends with the month."""
    for seed in SEEDS:
        month = generate_month(Random(seed), list(shapes), TRANSFERS, mix, unpaid=60)
        yield month.goes_on() if goes_on else month


def shares(shapes: Sequence[str], mix: Mix, *, goes_on: bool = True) -> dict[Band, float]:
    """Return how many per cent of the lines have each band; no certain one may be wrong."""
    bands: Counter[Band] = Counter()
    for month in months(shapes, mix, goes_on=goes_on):
        found = match_lines(month.lines, month.world, codes=["LWCAN"])
        assert month.wrong_lines(found) == []
        bands.update(match.band for match in found.values())
    return {band: 100 * bands[band] / len(SEEDS) / TRANSFERS for band in Band}


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_with_emails_nearly_all_are_certain(shape: str) -> None:
    """With e-mails, at least 95 % are certain at each bank, and none of them is wrong.

    The mix: every transfer has its e-mail; 98 % of the donors wrote the reference; 1 % of the
    transfers were never announced; 8 % come from another person's account; 60 % have one of four
    amounts; 60 more gifts are never paid. There are 1,500 names.
    """
    assert shares([shape], Mix())[Band.CERTAIN] >= 95


@pytest.mark.parametrize("shape", [*NAMED, "TD"])
def test_names_and_characters_need_no_later_days(shape: str) -> None:
    """Where the bank shows a name or TD's characters, a statement may end with the month."""
    assert shares([shape], Mix(), goes_on=False)[Band.CERTAIN] >= 95


@pytest.mark.parametrize("shape", NAMELESS)
def test_bare_lines_of_the_last_days_wait(shape: str) -> None:
    """Where the bank shows nothing, the last days stay open until the statement goes on."""
    assert 85 <= shares([shape], Mix(), goes_on=False)[Band.CERTAIN] < 95


@pytest.mark.parametrize(
    ("shapes", "least"),
    [(("RBC", "TD bare"), 95), (("RBC", "TD"), 95), (NAMED, 95), (sorted(SHAPES), 85)],
)
def test_accounts_at_several_banks(shapes: Sequence[str], least: int) -> None:
    """Accounts at several banks do not disturb each other, except two that both show nothing."""
    assert shares(shapes, Mix())[Band.CERTAIN] >= least


@pytest.mark.parametrize("shape", NAMELESS)
def test_a_lost_email_leaves_bare_lines_to_people(shape: str) -> None:
    """If 5 % of the e-mails are lost, counting settles less, but still nothing wrong."""
    assert 30 <= shares([shape], Mix(has_mail=95))[Band.CERTAIN] < 60


@pytest.mark.parametrize("shape", NAMED)
def test_without_emails_names_and_amounts_lead_to_gifts(shape: str) -> None:
    """Without e-mails, at least 80 % are likely where the bank shows a name, and none is certain.

    The mix is that of the month with e-mails.
    """
    found = shares([shape], Mix(has_mail=0))
    assert found[Band.LIKELY] >= 80
    assert found[Band.CERTAIN] == 0


@pytest.mark.parametrize("shape", [*NAMELESS, "TD"])
def test_without_emails_bare_lines_lead_to_few_gifts(shape: str) -> None:
    """Where the bank shows nothing, only an amount that nothing else has is likely.

    60 % of the donors choose one of four amounts, so most amounts are those of many gifts.
    """
    found = shares([shape], Mix(has_mail=0))
    assert 15 <= found[Band.LIKELY] < 40
    assert found[Band.CERTAIN] == 0


@pytest.mark.parametrize("shape", NAMELESS)
@pytest.mark.parametrize(("said_sent", "least"), [(50, 60), (75, 80), (90, 88)])
def test_donors_who_say_that_they_sent_it_help(shape: str, said_sent: int, least: int) -> None:
    """Where the bank shows nothing, what donors say makes as many lines likely as say so.

    A tenth of the donors who never paid said so too.
    """
    mix = Mix(has_mail=0, said_sent=said_sent, only_said=10)
    found = shares([shape], mix)
    assert found[Band.LIKELY] >= least
    assert found[Band.CERTAIN] == 0


@pytest.mark.parametrize("shapes", [["TD bare"], ["RBC", "TD bare"], sorted(SHAPES)])
def test_what_is_likely_is_seldom_wrong(shapes: Sequence[str]) -> None:
    """Of 100 likely lines, fewer than one leads to a gift that no such line pays.

    Lines without a name are compared as a set: nothing tells which of them is whose.
    """
    likely = wrong = 0
    for month in months(shapes, Mix(has_mail=0, said_sent=75, only_said=10)):
        found = match_lines(month.lines, month.world, codes=["LWCAN"])
        likely += sum(match.band is Band.LIKELY for match in found.values())
        wrong += len(month.unpaid_lines(found))
    assert likely > 500
    assert wrong / likely < 0.01


@pytest.mark.parametrize("has_mail", [0, 50, 100])
def test_nothing_is_wrong_where_banks_show_nothing(has_mail: int) -> None:
    """Whatever e-mails there are, what is certain at banks that show nothing is true."""
    for shapes in (["TD bare"], ["Scotiabank"], sorted(SHAPES)):
        for goes_on in (True, False):
            found = shares(shapes, Mix(has_mail=has_mail), goes_on=goes_on)
            assert found[Band.CERTAIN] <= has_mail


@pytest.mark.parametrize("shape", ["RBC", "CIBC", "TD bare"])
def test_no_line_is_compared_with_all(shape: str) -> None:
    """Ten times as many gifts make the matcher look at fewer than a tenth of them for each line."""
    month = generate_month(Random(1), [shape], TRANSFERS, Mix(has_mail=50), unpaid=10 * TRANSFERS)
    index = CandidateIndex(month.world)
    match_with_index(month.lines, month.world, index, ("LWCAN",))
    assert index.looked_at < TRANSFERS * len(month.gifts) / 100
