"""The steps at which tests/faults kills the service exist in the code."""

import importlib
from operator import attrgetter

import pytest

from tests.faults import (
    kills,
    test_agreement_crashes as agreements,
    test_catchup_crashes as catchup,
    test_crashes as crashes,
    test_letter_crashes as letters,
    test_refund_crashes as refunds,
)

STEPS = {
    *kills.STEPS,
    agreements.AFTER_WEBHOOK,
    *agreements.STEPS,
    *catchup.STEPS,
    *crashes.WHILE_THE_DONOR_WAITS,
    *crashes.WHILE_THE_EVENT_ARRIVES,
    *(step for step, _ in letters.STEPS),
    refunds.RECORDED,
    *refunds.WHILE_THE_WORKER_ASKS,
}


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_is_in_the_code(step: str) -> None:
    """Each step names a function or method that exists, and a side of it."""
    module, path, side = step.split(":")
    assert callable(attrgetter(path)(importlib.import_module(module)))
    assert side in {"before", "after"}
