"""The benchmark runs: one that only runs once a year would not run then."""

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.processes import ROOT


def test_the_quick_benchmark_runs(tmp_path: Path) -> None:
    """`--quick` measures every figure on both databases, loses nothing, and writes them down."""
    result = tmp_path / "result.json"
    words = [sys.executable, "-m", "tests.benchmarks", "--quick", "--result", str(result)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(result.read_text())["figures"]
    measured = {
        name: {figure["what"] for figure in figures if figure["database"] == name}
        for name in ("SQLite", "PostgreSQL")
    }
    assert measured["SQLite"] == measured["PostgreSQL"]
    assert {"durable answers", "confirmed gifts", "p99 at 350/s offered"} < measured["SQLite"]
    assert all(figure["value"] > 0 for figure in figures)
