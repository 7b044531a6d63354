"""The matcher says what is right in each scenario of the corpus."""

import pytest

from donate.bank.matching.matcher import match_lines
from donate.bank.matching.suggestions import LineMatch
from donate.web.templating import Localizer
from tests.bank.matching.corpus_reader import Scenario, in_words, scenarios

SCENARIOS = list(scenarios())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_matcher_says_what_is_right(scenario: Scenario) -> None:
    """Each line of the corpus gets the band, the best suggestion and the reason that are right."""
    found = match_lines(scenario.lines, scenario.world, codes=["LWCAN"])
    assert len(found) == len(scenario.lines)
    for line, expected in zip(scenario.lines, scenario.expected, strict=True):
        match = found[line.id]
        assert match.band == expected["band"], match
        if "class" in expected:
            assert match.line_class == expected["class"]
        if "says" in expected:
            assert in_words(match.suggestions[0]) == sorted(expected["says"])
        if "candidates" in expected:
            named = [" + ".join(in_words(suggestion)) for suggestion in match.suggestions]
            assert sorted(named) == sorted(expected["candidates"])
        if expected["band"] == "none":
            assert match.suggestions == ()
        if "because" in expected:
            assert expected["because"] in spoken(match)


def test_the_corpus_is_large_enough() -> None:
    """The corpus has at least eighty scenarios, and no two have the same name."""
    names = {scenario.name for scenario in SCENARIOS}
    assert len(names) == len(SCENARIOS)
    assert len(names) >= 80


def spoken(match: LineMatch) -> str:
    """Return the reasons of the best suggestion in English."""
    return " ".join(map(Localizer("en-CA").sentence, match.suggestions[0].reasons))
