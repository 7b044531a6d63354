"""The garbage collector pauses only while a block runs, whatever happens in it."""

import gc

import pytest

from donate.storage.collector import collector_paused


def test_the_collector_runs_again_after_the_last_block() -> None:
    """Blocks may overlap; the collector runs again when the last one has ended."""
    assert gc.isenabled()
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_does_not_leave_the_collector_off() -> None:
    """The collector runs again after an error."""
    with pytest.raises(ValueError, match="no"), collector_paused():
        raise ValueError("no")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    """Where somebody has turned the collector off, it stays off."""
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
