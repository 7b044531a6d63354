"""Breaks the service on purpose, one bug at a time, and says which test notices each.

The bugs are in mutants.toml. Each is planted in a copy of its own; this tree is only read. A bug is
caught when a test fails: one that the service cannot even be imported with proves nothing.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LIST: Final = Path(__file__).with_name("mutants.toml")
COPIED: Final = ("donate", "tests", "pyproject.toml")
# A mutant's tests take seconds, all of them together minutes; what hangs is not caught.
PATIENCE_S: Final = 240
PATIENCE_WITH_ALL_S: Final = 1_200
AT_A_TIME: Final = 2
SOME_TESTS_FAILED: Final = 1  # pytest's exit code; 2 and more are its own troubles
IMPORTS: Final = "import pathlib, donate.app; print(pathlib.Path(donate.__file__).parent.parent)"


class Unplantable(Exception):
    """The list no longer fits the code, or the bug is none that tests could be asked about."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug: what it would do to the charity, and the tests that ought to notice."""

    name: str
    harm: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant; `caught_by` is empty when nothing noticed it, and `why` says more.

    `why` is the first failure in pytest's words, or what came instead of one.
    """

    mutant: Mutant
    caught_by: str
    why: str
    seconds: float


def read_mutants() -> list[Mutant]:
    """Return the list, as it is written."""
    rows = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**(row | {"tests": tuple(row["tests"])})) for row in rows]


def plant(mutant: Mutant, tree: Path) -> None:
    """Write the bug into a tree. Raises Unplantable when it is stale or does not compile."""
    file = tree / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.find) != 1:
        times = text.count(mutant.find)
        raise Unplantable(f"stale: its snippet occurs {times} times in {mutant.file}, not once")
    broken = text.replace(mutant.find, mutant.replace)
    try:
        compile(broken, mutant.file, "exec")
    except SyntaxError as error:
        raise Unplantable(f"it does not compile: {error}") from error
    file.write_text(broken, encoding="utf-8")
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()  # or one of the same second and size would be taken for the new one


def try_mutant(mutant: Mutant, control: Path, folder: Path) -> Verdict:
    """Plant a bug in a copy of `control`, and ask its tests."""
    began = time.monotonic()
    shutil.copytree(control, folder)
    try:
        plant(mutant, folder)
        refuse_what_proves_nothing(mutant, folder)
        code, said = ask_tests(mutant.tests, folder, "-x")
    except Unplantable as error:
        return Verdict(mutant, "", str(error), time.monotonic() - began)
    finally:
        shutil.rmtree(folder)
    # An ERROR is a fixture that broke, not a rule that was found broken.
    failed = re.search(r"^FAILED (\S+?)(?:\[.*?\])?(?: - (.*))?$", said, re.MULTILINE)
    seconds = time.monotonic() - began
    if code == SOME_TESTS_FAILED and failed:
        return Verdict(mutant, failed[1], failed[2] or "", seconds)
    return Verdict(mutant, "", "survived" if code == 0 else f"pytest said {code}: {said}", seconds)


def refuse_what_proves_nothing(mutant: Mutant, tree: Path) -> None:
    """Raise Unplantable for a bug that any test at all would stumble over."""
    ruff = Path(sys.executable).with_name("ruff")
    code, said = run([ruff, "check", "--isolated", "--select=F821", mutant.file], tree)
    if code:
        raise Unplantable(f"it names what is not there: {said}")
    code, said = run([sys.executable, "-c", IMPORTS], tree)
    if code or Path(said.strip()).resolve() != tree.resolve():
        raise Unplantable(f"donate.app cannot be imported with it: {said}")


def ask_tests(
    tests: Iterable[str], tree: Path, *more: str, patience_s: float = PATIENCE_S
) -> tuple[int, str]:
    """Run tests of a tree; returns pytest's exit code and what it said."""
    # Beside the tree and with a short name: PostgreSQL's socket lies in it.
    with tempfile.TemporaryDirectory(prefix="t", dir=tree.parent) as folder:
        options = ("-q", "-rfE", "--tb=short", "-p", "no:cacheprovider", f"--basetemp={folder}/b")
        return run([sys.executable, "-m", "pytest", *options, *more, *tests], tree, patience_s)


def run(
    command: Sequence[str | Path], tree: Path, patience_s: float = PATIENCE_S
) -> tuple[int, str]:
    """Run a program in a tree, which its Python imports from."""
    # The checkout itself is installed in .venv; what PYTHONPATH names comes before that.
    environment = os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "500"}
    with subprocess.Popen(
        command,
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            stop(process)
            return -1, f"took more than {patience_s} s"
    return process.returncode, said


def stop(process: subprocess.Popen[str]) -> None:
    """End a program and what it started, gently at first: a PostgreSQL may be running under it."""
    for sent in (signal.SIGINT, signal.SIGKILL):
        os.killpg(process.pid, sent)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            continue
        return


def main(names: Sequence[str]) -> int:
    """Try all mutants, or those whose name holds one of `names`; returns the exit code."""
    mutants = [m for m in read_mutants() if not names or any(name in m.name for name in names)]
    if not mutants:
        print("no mutant has such a name")
        return 1
    with tempfile.TemporaryDirectory(prefix="mutants") as temporary:
        control = Path(temporary) / "control"
        copy_tree(control)
        began = time.monotonic()
        if not all_pass(sorted({test for mutant in mutants for test in mutant.tests}), control):
            print("\nWithout any bug these tests have to pass, or failing says nothing.")
            return 1
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            verdicts = pool.map(
                lambda numbered: try_mutant(
                    numbered[1], control, Path(temporary) / f"{numbered[0]}"
                ),
                enumerate(mutants),
            )
            caught = sum(tell(verdict, loudly=bool(names)) for verdict in verdicts)
    print(f"\n{caught} of {len(mutants)} caught, in {time.monotonic() - began:.0f} s")
    return 0 if caught == len(mutants) else 1


def all_pass(tests: Sequence[str], tree: Path) -> bool:
    """Ask all tests where nothing is planted, and say what they said."""
    code, said = ask_tests(tests, tree, f"-n{AT_A_TIME}", patience_s=PATIENCE_WITH_ALL_S)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+?)(?=\[| |$)", said, re.MULTILINE)
    if failed:
        print(f"Once more, by themselves: {', '.join(sorted(set(failed)))}", flush=True)
        code, said = ask_tests(sorted(set(failed)), tree)  # a busy machine may have been too slow
    print(said if code else f"Nothing planted: {said.strip().splitlines()[-1]}\n", flush=True)
    return code == 0


def copy_tree(to: Path) -> None:
    """Copy what the tests need, as it is now: the tree may change while they run."""
    to.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)


def tell(verdict: Verdict, *, loudly: bool) -> bool:
    """Print a row of the table; returns whether the bug was caught."""
    mutant, test = verdict.mutant, verdict.caught_by.removeprefix("tests/")
    file = mutant.file.removeprefix("donate/")
    print(f"{mutant.name:<58} {file:<34} {verdict.seconds:>4.0f} s  {test or 'NOT CAUGHT'}")
    if loudly or not test:
        print(f"    {mutant.harm}\n    {verdict.why}")
    sys.stdout.flush()
    return bool(test)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
