"""The benchmark of `make bench` works."""

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.desk import PAGES
from tests.benchmarks.measures import FULL, OFFERED
from tests.benchmarks.processes import ROOT
from tests.benchmarks.targets import TARGETS


def test_the_quick_benchmark_runs(tmp_path: Path) -> None:
    """`make bench` with `--quick` writes all its figures, and no event is lost."""
    result = tmp_path / "new" / "result.json"
    command = ["--quick", "--only", "sqlite", "--parts", "ac", "--result", str(result)]
    command = [sys.executable, "-m", "tests.benchmarks", *command]
    process = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    figures = json.loads(result.read_text())["figures"]
    measured = {figure["what"]: figure for figure in figures}
    expected = {"answers without a database", "durable answers", "confirmed gifts"}
    expected |= {f"{share} at {rate:,}/s offered" for rate in OFFERED for share in ("p50", "p99")}
    assert expected <= set(measured)
    assert all(measured[what]["value"] > 0 and measured[what]["ratio"] > 0 for what in expected)


def test_each_target_belongs_to_a_figure() -> None:
    """Each target has the name of a value that the benchmark measures."""
    rates = {"durable answers", "confirmed gifts"}
    measured = rates | {f"p99 at {rate:,}/s offered" for rate in OFFERED}
    measured |= {f"{rate} with {FULL.stores[-1]:,} gifts stored" for rate in rates}
    measured |= {f"{FULL.stores[-1]:,} gifts made in", "gifts a second as CSV"}
    measured |= {f"p99 of {path}" for path in (*PAGES, "older pages")}
    measured |= {"memory for CSV", "memory for XLSX", "p99 at 100/s during exports"}
    assert all(set(targets) <= measured for targets in TARGETS.values())
