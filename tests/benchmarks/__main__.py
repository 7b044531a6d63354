"""`make bench`: measures the webhook endpoint and the settling of events; writes a table and JSON.

The service runs in one process, and another process on the same machine sends the load over
loopback. `--quick` takes a few seconds: it shows that the benchmark still works, and its figures
mean little.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.measures import FULL, PARTS, QUICK, Bench, Figure
from tests.real_parts import Postgres, Sqlite

RESULT = Path("bench/latest.json")
# If the machine's load average is higher than this at the start, other work distorts the figures.
IDLE = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds instead of minutes")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database")
    parser.add_argument("--parts", default=PARTS, help="some of acdef; see measures.py")
    parser.add_argument("--result", type=Path, default=RESULT, help="where to write the JSON")
    options = parser.parse_args()
    figures: list[Figure] = []
    load, start = os.getloadavg()[0], time.monotonic()
    if load > IDLE:
        print(f"Other work is running here (load {load:.1f}): only the ratios mean anything.")
    for kind in ("sqlite", "postgresql"):
        if options.only in (None, kind):
            figures += measure(kind, options.parts, quick=options.quick)
    result = {
        "measured_on": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "seconds": round(time.monotonic() - start),
        "quick": options.quick,
        "busy_before": round(load, 1),
        "figures": [as_json(figure, quick=options.quick) for figure in figures],
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\nIn {result['seconds']} s on {result['measured_on']}; also in {options.result}.")


def measure(kind: str, parts: str, *, quick: bool) -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory(prefix="donate-bench-") as name:
        folder = Path(name)
        postgres = Postgres(folder / "postgres") if kind == "postgresql" else None
        with closing(postgres) if postgres else nullcontext():
            bench = Bench(postgres or Sqlite(folder), folder, QUICK if quick else FULL)
            for figure in bench.run(parts):
                print(as_line(figure, quick=quick), flush=True)
                figures.append(figure)
    return figures


def as_line(figure: Figure, *, quick: bool) -> str:
    value = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.1f}"
    line = f"{figure.database:10}  {figure.what:45} {value:>9} {figure.unit:3}"
    if figure.ratio is not None:
        line += f" {figure.ratio:8.2f} of {figure.ceiling}"
    if figure.target and not quick:
        met = figure.target.is_met(figure.value, figure.ratio)
        line += f"  ({'reaches' if met else 'MISSES'} {figure.target})"
    return line.rstrip()


def as_json(figure: Figure, *, quick: bool) -> dict[str, object]:
    fields: dict[str, object] = asdict(figure)
    if figure.target and not quick:
        met = figure.target.is_met(figure.value, figure.ratio)
        fields |= {"target": str(figure.target), "met": met}
    return fields


if __name__ == "__main__":
    main()
