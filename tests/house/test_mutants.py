"""The bugs in scripts/mutants.toml, which `make mutants` plants, match the code."""

from collections import Counter
from pathlib import Path

import pytest

from scripts.mutants import ROOT, Mutant, Unplantable, plant, read_mutants

MUTANTS = read_mutants()


def copy_the_file_of(mutant: Mutant, folder: Path) -> Path:
    """Copy the source file that the bug changes into the folder; return the copy."""
    file = folder / mutant.file
    file.parent.mkdir(parents=True)
    file.write_text((ROOT / mutant.file).read_text())
    return file


def test_there_are_enough_bugs() -> None:
    """The list has at least 24 bugs, and no two have the same name or describe the same harm."""
    assert len(MUTANTS) >= 24
    names = Counter(mutant.name for mutant in MUTANTS) + Counter(m.harm for m in MUTANTS)
    assert [text for text, count in names.items() if count > 1] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted(tmp_path: Path, mutant: Mutant) -> None:
    """Each bug's snippet occurs once in its file, its replacement compiles, its tests exist."""
    assert mutant.file.startswith("donate/")
    file = copy_the_file_of(mutant, tmp_path)
    before = file.read_text()
    plant(mutant, tmp_path)
    assert file.read_text() != before
    assert mutant.tests
    for file_name, _, test in (named.partition("::") for named in mutant.tests):
        assert not test or f"def {test}(" in (ROOT / file_name).read_text()
        assert (ROOT / file_name).is_file()


def test_a_stale_bug_is_refused(tmp_path: Path) -> None:
    """A bug whose snippet is not in its file is refused, and the file stays unchanged."""
    mutant = MUTANTS[0]
    file = copy_the_file_of(mutant, tmp_path)
    plant(mutant, tmp_path)
    planted = file.read_text()
    with pytest.raises(Unplantable, match="occurs 0 times"):
        plant(mutant, tmp_path)
    assert file.read_text() == planted
