"""The steps at which tests/faults kills the service exist in the code."""

import importlib
import re
from operator import attrgetter
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent.parent / "faults"
STEP = re.compile(r'"(\{GATEWAY\}[\w.]+|donate[\w.]+):([\w.]+):(?:before|after)[":]')


def steps() -> set[tuple[str, str]]:
    """Return the module and the path in it of each step that tests/faults names."""
    matches = (step for file in FAULTS.glob("*.py") for step in STEP.findall(file.read_text()))
    return {
        (module.replace("{GATEWAY}", "donate.stripe_gateway"), path) for module, path in matches
    }


@pytest.mark.parametrize(("module", "path"), sorted(steps()))
def test_a_step_is_in_the_code(module: str, path: str) -> None:
    """Each step names a function or method that exists."""
    assert callable(attrgetter(path)(importlib.import_module(module)))


def test_every_kind_of_step_is_found() -> None:
    """The search finds steps of the gateway and of other folders."""
    assert len(steps()) > 20
    assert ("donate.gifts.ledger", "record_facts") in steps()
