"""Plants bugs in copies of the service, one at a time, and prints which test catches each bug.

The bugs are in mutants.toml. A bug is caught if a test fails. A bug with which the service cannot
even be imported proves nothing, so it is refused. The original files are only read.
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
# The tests of one mutant take seconds, those of all take minutes. A timeout does not count as
# caught.
TIMEOUT_S: Final = 240
TIMEOUT_OF_ALL_S: Final = 1_200
PARALLEL: Final = 2
SOME_TESTS_FAILED: Final = 1  # pytest's exit code; 2 and more mean that pytest itself failed
IMPORTS: Final = "import pathlib, donate.app; print(pathlib.Path(donate.__file__).parent.parent)"


class Unplantable(Exception):
    """A bug cannot be planted.

    Either the code differs from the quotation in mutants.toml, or the bug would fail every test.
    """


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, the harm that it would do to the charity, and the tests that have to catch it."""

    name: str
    harm: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of trying one mutant. `caught_by` is empty if no test caught the bug.

    `why` is the first failure as pytest reports it, or the reason why there was no failure.
    """

    mutant: Mutant
    caught_by: str
    why: str
    seconds: float


def read_mutants() -> list[Mutant]:
    """Return the mutants of mutants.toml, in its order."""
    rows = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**(row | {"tests": tuple(row["tests"])})) for row in rows]


def plant(mutant: Mutant, tree: Path) -> None:
    """Write the bug into a copy of the code.

    Raises Unplantable if mutants.toml quotes code that has changed, or the bug does not compile.
    """
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
        # Python compares only the file's size and its time in whole seconds with the .pyc file, so
        # it could run the old code.
        compiled.unlink()


def try_mutant(mutant: Mutant, control: Path, folder: Path) -> Verdict:
    """Plant a bug in a new copy of `control`, the code without bugs, and run its tests there."""
    start = time.monotonic()
    shutil.copytree(control, folder)
    try:
        plant(mutant, folder)
        refuse_trivial(mutant, folder)
        code, output = run_tests(mutant.tests, folder, "-x")
    except Unplantable as error:
        return Verdict(mutant, "", str(error), time.monotonic() - start)
    finally:
        shutil.rmtree(folder)
    # Count only FAILED. An ERROR means that a fixture is broken, not that a test noticed the bug.
    failed = re.search(r"^FAILED (\S+?)(?:\[.*?\])?(?: - (.*))?$", output, re.MULTILINE)
    seconds = time.monotonic() - start
    if code == SOME_TESTS_FAILED and failed:
        return Verdict(mutant, failed[1], failed[2] or "", seconds)
    return Verdict(
        mutant, "", "survived" if code == 0 else f"pytest exited with {code}: {output}", seconds
    )


def refuse_trivial(mutant: Mutant, tree: Path) -> None:
    """Raise Unplantable for a bug that would make every test fail."""
    ruff = Path(sys.executable).with_name("ruff")
    code, output = run([ruff, "check", "--isolated", "--select=F821", mutant.file], tree)
    if code:
        raise Unplantable(f"it uses an undefined name: {output}")
    code, output = run([sys.executable, "-c", IMPORTS], tree)
    if code or Path(output.strip()).resolve() != tree.resolve():
        raise Unplantable(f"donate.app cannot be imported with it: {output}")


def run_tests(
    tests: Iterable[str], tree: Path, *more: str, timeout_s: float = TIMEOUT_S
) -> tuple[int, str]:
    """Run tests in a copy of the code; return pytest's exit code and output."""
    # The folder holds PostgreSQL's socket, whose path must be short.
    with tempfile.TemporaryDirectory(prefix="t", dir=tree.parent) as folder:
        options = ("-q", "-rfE", "--tb=short", "-p", "no:cacheprovider", f"--basetemp={folder}/b")
        return run([sys.executable, "-m", "pytest", *options, *more, *tests], tree, timeout_s)


def run(command: Sequence[str | Path], tree: Path, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
    """Run a program that imports the code from `tree`; return its exit code and output."""
    # PYTHONPATH takes precedence over the code that is installed in .venv.
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
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            stop(process)
            return -1, f"took more than {timeout_s} s"
    return process.returncode, output


def stop(process: subprocess.Popen[str]) -> None:
    """Stop a program and its children. SIGINT comes first, to let them stop their PostgreSQL."""
    for signal_number in (signal.SIGINT, signal.SIGKILL):
        os.killpg(process.pid, signal_number)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            continue
        return


def main(names: Sequence[str]) -> int:
    """Try all mutants, or those whose names contain one of `names`; return the exit code."""
    mutants = [m for m in read_mutants() if not names or any(name in m.name for name in names)]
    if not mutants:
        print("No mutant has such a name.")
        return 1
    with tempfile.TemporaryDirectory(prefix="mutants") as temporary:
        control = Path(temporary) / "control"
        copy_tree(control)
        start = time.monotonic()
        if not all_pass(sorted({test for mutant in mutants for test in mutant.tests}), control):
            print("\nThese tests have to pass without any bug, or a failure proves nothing.")
            return 1
        with ThreadPoolExecutor(PARALLEL) as pool:
            verdicts = pool.map(
                lambda numbered: try_mutant(
                    numbered[1], control, Path(temporary) / f"{numbered[0]}"
                ),
                enumerate(mutants),
            )
            caught = sum(report(verdict, in_full=bool(names)) for verdict in verdicts)
    print(f"\n{caught} of {len(mutants)} caught, in {time.monotonic() - start:.0f} s")
    return 0 if caught == len(mutants) else 1


def all_pass(tests: Sequence[str], tree: Path) -> bool:
    """Run the tests on code without a bug, print the output, and return whether all pass."""
    code, output = run_tests(tests, tree, f"-n{PARALLEL}", timeout_s=TIMEOUT_OF_ALL_S)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+?)(?=\[| |$)", output, re.MULTILINE)
    if failed:
        print(f"Running again, alone: {', '.join(sorted(set(failed)))}", flush=True)
        # These tests may have failed only because the machine was too busy.
        code, output = run_tests(sorted(set(failed)), tree)
    print(output if code else f"Without bugs: {output.strip().splitlines()[-1]}\n", flush=True)
    return code == 0


def copy_tree(to: Path) -> None:
    """Copy the files that the tests need, because the original may change while the tests run."""
    to.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)


def report(verdict: Verdict, *, in_full: bool) -> bool:
    """Print the mutant's line of the table, and return whether the bug was caught."""
    mutant, test = verdict.mutant, verdict.caught_by.removeprefix("tests/")
    file = mutant.file.removeprefix("donate/")
    print(f"{mutant.name:<58} {file:<34} {verdict.seconds:>4.0f} s  {test or 'NOT CAUGHT'}")
    if in_full or not test:
        print(f"    {mutant.harm}\n    {verdict.why}")
    sys.stdout.flush()
    return bool(test)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
