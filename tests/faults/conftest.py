"""A prepared interpreter that forks the service quickly."""

from collections.abc import Iterator

import pytest

from tests.faults.quick_start import Nursery, nursery


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("nursery")) as start:
        yield start
