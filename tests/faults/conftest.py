"""A fixture that starts `donate` commands quickly, by forking."""

from collections.abc import Iterator

import pytest

from tests.faults.quick_start import Forker, forker


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    with forker(tmp_path_factory.mktemp("forker")) as start:
        yield start
