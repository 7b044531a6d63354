"""The functions at which tests/faults kills the service exist.

A step is a crash point: the moment before or after a call of one of these functions.
"""

import importlib
import re
from operator import attrgetter
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent.parent / "faults"
STEP = re.compile(r'"(\{GATEWAY\}[\w.]+|donate[\w.]+):([\w.]+):(?:before|after)[":]')


def steps() -> set[tuple[str, str]]:
    """Return the function of each crash point in tests/faults: its module and its name there."""
    matches = (step for file in FAULTS.glob("*.py") for step in STEP.findall(file.read_text()))
    return {
        (module.replace("{GATEWAY}", "donate.stripe_gateway"), path) for module, path in matches
    }


@pytest.mark.parametrize(("module", "path"), sorted(steps()))
def test_a_step_is_in_the_code(module: str, path: str) -> None:
    """Each crash point in tests/faults names a function or method that exists."""
    assert callable(attrgetter(path)(importlib.import_module(module)))


def test_every_kind_of_step_is_found() -> None:
    """The search through tests/faults finds crash points in the gateway and in other folders."""
    assert len(steps()) > 20
    assert ("donate.gifts.ledger", "record_facts") in steps()
