"""How much the matcher settles in a month of 500 transfers, and how much it looks at."""

from collections import Counter
from random import Random

import pytest

from donate.bank.matching.candidate_index import CandidateIndex
from donate.bank.matching.candidates import Band
from donate.bank.matching.matcher import match_lines, match_with_index
from donate.bank.matching.suggestions import PayGift
from tests.bank.matching.generated_months import NAMED, SHAPES, Mix, generate_month

SEEDS = (1, 2)
TRANSFERS = 500


def shares(shapes: list[str], mix: Mix) -> dict[Band, float]:
    """Return how many per cent of the lines have each band; no certain one may be wrong."""
    bands: Counter[Band] = Counter()
    for seed in SEEDS:
        month = generate_month(Random(seed), shapes, TRANSFERS, mix, unpaid=60)
        named = {gift.id: gift.reference for gift in month.gifts}
        for line, match in match_lines(month.lines, month.world, codes=["LWCAN"]).items():
            bands[match.band] += 1
            if match.band is Band.CERTAIN:
                parts = match.suggestions[0].parts
                said = {named[part.gift_id] for part in parts if isinstance(part, PayGift)}
                assert said == month.right(line)
    return {band: 100 * count / len(SEEDS) / TRANSFERS for band, count in bands.items()}


@pytest.mark.parametrize("shape", [*NAMED, "TD"])
def test_with_emails_nearly_all_are_certain(shape: str) -> None:
    """With e-mails, at least 95 % are certain where the bank shows a name or TD's characters.

    The mix: every transfer has its e-mail; 98 % of the donors wrote the reference; 1 % of the
    transfers were never announced; 8 % come from another person's account; 60 % have one of four
    amounts; 60 more gifts are never paid. There are
    1,500 names.
    """
    assert shares([shape], Mix())[Band.CERTAIN] >= 95


@pytest.mark.parametrize("shape", NAMED)
def test_without_emails_names_and_amounts_lead_to_gifts(shape: str) -> None:
    """Without e-mails, at least 80 % are likely where the bank shows a name, and none is certain.

    The mix is that of the month with e-mails.
    """
    found = shares([shape], Mix(has_mail=0))
    assert found[Band.LIKELY] >= 80
    assert Band.CERTAIN not in found


@pytest.mark.parametrize("has_mail", [0, 50, 100])
def test_nothing_is_wrong_where_banks_show_nothing(has_mail: int) -> None:
    """Where banks show neither name nor reference, little is certain, and all of it is true."""
    for shapes in (["TD bare"], ["Scotiabank"], sorted(SHAPES)):
        assert shares(shapes, Mix(has_mail=has_mail)).get(Band.CERTAIN, 0) <= 80


@pytest.mark.parametrize("shape", ["RBC", "CIBC", "TD bare"])
def test_no_line_is_compared_with_all(shape: str) -> None:
    """Ten times as many gifts make the matcher look at fewer than a tenth of them for each line."""
    month = generate_month(Random(1), [shape], TRANSFERS, Mix(has_mail=50), unpaid=10 * TRANSFERS)
    index = CandidateIndex(month.world)
    match_with_index(month.lines, month.world, index, ("LWCAN",))
    assert index.looked_at < TRANSFERS * len(month.gifts) / 100
