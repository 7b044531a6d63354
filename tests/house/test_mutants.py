"""The list of bugs that `make mutants` plants still fits the code."""

from collections import Counter
from pathlib import Path

import pytest

from scripts.mutants import ROOT, Mutant, Unplantable, plant, read_mutants

MUTANTS = read_mutants()


def alone(mutant: Mutant, folder: Path) -> Path:
    """Return a tree with nothing in it but the file that the bug goes into."""
    file = folder / mutant.file
    file.parent.mkdir(parents=True)
    file.write_text((ROOT / mutant.file).read_text())
    return file


def test_there_are_enough_of_them() -> None:
    """At least twenty-four bugs are planted, each under a name and with a harm of its own."""
    assert len(MUTANTS) >= 24
    names = Counter(mutant.name for mutant in MUTANTS) + Counter(m.harm for m in MUTANTS)
    assert [said for said, times in names.items() if times > 1] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted(tmp_path: Path, mutant: Mutant) -> None:
    """Its snippet stands once in a file of the service, and what replaces it compiles."""
    assert mutant.file.startswith("donate/")
    file = alone(mutant, tmp_path)
    before = file.read_text()
    plant(mutant, tmp_path)
    assert file.read_text() != before
    assert mutant.tests
    for file_name, _, test in (named.partition("::") for named in mutant.tests):
        assert not test or f"def {test}(" in (ROOT / file_name).read_text()
        assert (ROOT / file_name).is_file()


def test_a_stale_bug_is_told_and_not_planted(tmp_path: Path) -> None:
    """What is planted already is not found a second time, and the file stays as it is."""
    mutant = MUTANTS[0]
    file = alone(mutant, tmp_path)
    plant(mutant, tmp_path)
    planted = file.read_text()
    with pytest.raises(Unplantable, match="occurs 0 times"):
        plant(mutant, tmp_path)
    assert file.read_text() == planted
