"""A linear SVM and a neighbour's busy loop on the same cores: threads that sleep while they wait against the default.

    python tests/benchmarks/bench_waiting.py [--runs 3] [--neighbours 1]

Each run is a process of its own, since OpenMP reads OMP_WAIT_POLICY once, when it is loaded. Both policies take turns,
alone and beside `--neighbours` processes that do nothing but count; the medians and their ratios are printed.

On two cores that others used, too (one run each, twice): the default took 1.6 times as long alone, 2.1 and 4.9 times
beside one busy neighbour.
"""

import argparse
import os
import statistics
import subprocess
import sys

from table import row

TRAINING = """
import sys, time
if sys.argv[1] == "passive":
    import lecture_lib  # sets the policy
import numpy as np
from sklearn.svm import LinearSVC  # the first to load OpenMP, as in a notebook
from lecture_lib import linear
rng = np.random.default_rng(0)
x, labels = rng.standard_normal((1500, 768), np.float32), rng.integers(0, 20, 1500)
x /= np.linalg.norm(x, axis=1, keepdims=True)
linear.svm(x[:100], labels[:100], [1.0])  # what is loaded once
start = time.perf_counter()
linear.svm(x, labels, [0.1, 1.0, 10.0])
print(time.perf_counter() - start)
"""
POLICIES = ("default", "passive")


def seconds(policy: str, neighbours: int) -> float:
    """Train once in a process of its own, beside so many busy loops."""
    mine = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if policy == "default":
        # lecture_lib sets nothing that is set; libgomp reads an empty value as none
        mine["OMP_WAIT_POLICY"] = ""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbours)]
    try:
        run = [sys.executable, "-c", TRAINING, policy]
        return float(subprocess.run(run, env=mine, capture_output=True, text=True, check=True).stdout)
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main() -> None:
    """Print the medians of both policies, alone and beside neighbours."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--neighbours", type=int, default=1)
    arguments = parser.parse_args()
    for neighbours in (0, arguments.neighbours):
        took = {policy: [] for policy in POLICIES}
        for _ in range(arguments.runs):
            for policy in POLICIES:
                took[policy].append(seconds(policy, neighbours))
        default, passive = (statistics.median(took[policy]) for policy in POLICIES)
        print(
            f"{neighbours} busy neighbours: default {default:.2f} s, passive {passive:.2f} s, "
            f"{default / passive:.1f} times as long",
            flush=True,
        )
        row(f"an SVM beside {neighbours} busy processes (s)", "threads that spin", passive, default)


if __name__ == "__main__":
    main()
