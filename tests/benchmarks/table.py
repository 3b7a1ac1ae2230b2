"""All claims of speed in one table: `make bench`.

    python tests/benchmarks/table.py [svm sift ...]     all, or the named ones

Each benchmark runs in a process of its own, says what it says, and hands its ratios over by `row`. The table comes
last, with how fast this machine multiplies matrices, before and after, and what else it had to do; build/bench.json has
the same.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch

HERE = Path(__file__).resolve().parent
JSON = HERE.parents[1] / "build" / "bench.json"
ROWS = "BENCHMARK_ROWS"  # the environment variable that names the file of rows


def row(claim: str, instead: str, ours: float, theirs: float) -> None:
    """Hand over one claim: what ours takes, and what one would take instead; in one unit, the smaller the better."""
    if ROWS in os.environ:
        with open(os.environ[ROWS], "a", encoding="utf-8") as file:
            line = {
                "claim": claim,
                "instead": instead,
                "ours": ours,
                "theirs": theirs,
                "ratio": theirs / ours,
            }
            file.write(json.dumps(line) + "\n")


def matrix_rate(n: int = 1024, seconds: float = 1.0) -> float:
    """GFLOP/s of products of two float32 [n, n], the median of what fits into `seconds`."""
    a, took, until = torch.rand(n, n), [], time.perf_counter() + seconds
    while not took or time.perf_counter() < until:
        start = time.perf_counter()
        a @ a
        took.append(time.perf_counter() - start)
    return 2 * n**3 / statistics.median(took) / 1e9


def busy() -> float:
    """Cores that are at work for others, measured for a second."""
    return psutil.cpu_percent(1) / 100 * (os.cpu_count() or 1)


def main(names: list[str]) -> int:
    """Run the benchmarks and print the table; return 1 if one has failed."""
    machine = {"cores": os.cpu_count(), "threads": torch.get_num_threads(), "busy cores": [busy()]}
    machine["GFLOP/s"] = [matrix_rate()]
    rows, failed = [], []
    for path in [HERE / f"bench_{name}.py" for name in names] or sorted(HERE.glob("bench_*.py")):
        print(f"== {path.stem}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rows")
            file.touch()
            if subprocess.run([sys.executable, path], env=os.environ | {ROWS: str(file)}).returncode:
                failed.append(path.stem)
            rows += [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    machine["GFLOP/s"].append(matrix_rate())
    machine["busy cores"].append(busy())
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_text(
        json.dumps({"machine": machine, "rows": rows, "failed": failed}, indent=1), encoding="utf-8"
    )
    print(f"\n{'claim':44} {'instead':28} {'ours':>9} {'instead':>9} {'ratio':>7}")
    for one in rows:
        numbers = f"{one['ours']:9.3g} {one['theirs']:9.3g} {one['ratio']:6.1f}x"
        print(f"{one['claim']:44} {one['instead']:28} {numbers}")
    before, after = machine["GFLOP/s"]
    print(f"\n{machine['cores']} cores; matrix products {before:.0f} GFLOP/s before, {after:.0f} after")
    print("busy for others: {:.1f} cores before, {:.1f} after".format(*machine["busy cores"]))
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
