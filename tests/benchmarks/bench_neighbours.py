"""Two notebooks and a neighbour's busy loop on the same cores: none may take more than 4.5 times its lone time.

    python tests/benchmarks/bench_neighbours.py [--runs 3] [--most 4.5]

Two kernels run the same piece of a notebook, an extraction and linear SVMs: first each alone, then both at once beside
a process that does nothing but count. Their caches are their own, and emptied before each run. The medians and their
ratios are printed; the exit status is 1 if that of the whole piece is above `--most`. Three on two cores get 2/3 of a
core each: a piece that uses both takes three times as long even if nobody waits in vain, and half as much again is
allowed for what else a machine does; threads that wait by spinning have made it ten.

On two cores that others used, too (medians of two runs): 2.0 times for the extraction, 1.5 for the SVMs, 1.9 for both.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile

import nbformat
from nbclient import NotebookClient
from table import row

from lecture_lib import settings

PREPARE = """
import time
import lecture_lib
lecture_lib.use("demo", cache={folder!r}, quiet=True)
import numpy as np
from lecture_lib import backbones, encoders, linear, store
from lecture_lib.datasets import ArrayImages, ImageCollection

rng = np.random.default_rng(0)
def collection(n):
    pixels = rng.integers(0, 256, (n, 3, 96, 96), np.uint8)
    return ImageCollection("noise", "twin", ArrayImages(pixels), tuple(map(str, range(20))), np.arange(n) % 20)

def piece(images):
    store.clear()
    times = [time.perf_counter()]
    x = encoders.encode(net, images, ["fc6"], l2=True, progress=False)["fc6"].astype(np.float32)
    times.append(time.perf_counter())
    linear.svm(x, images.labels, [1.0, 10.0, 100.0, 1000.0])
    times.append(time.perf_counter())
    return times[1] - times[0], times[2] - times[1]

net, few, many = backbones.load("twin-alexnet"), collection(60), collection(1200)
_ = piece(few)  # what is loaded once
"""


async def run(*kernels: NotebookClient, cell: str = "print(*piece(many))") -> list[list[float]]:
    """Run a cell in all kernels at once; return the numbers that each prints."""
    cells = [nbformat.v4.new_code_cell(cell) for _ in kernels]
    pairs = zip(kernels, cells, strict=True)
    await asyncio.gather(*(kernel.async_execute_cell(cell, 0) for kernel, cell in pairs))
    printed = [[out.text for out in cell.outputs if out.get("name") == "stdout"] for cell in cells]
    return [[float(number) for number in "".join(texts).split()] for texts in printed]


async def measure(runs: int) -> tuple[list[list[float]], list[list[float]]]:
    """Return the seconds of the two parts of the piece, of all runs: alone, and with two neighbours."""
    alone, together, kernels = [], [], []
    async with contextlib.AsyncExitStack() as open_until_the_end:
        for _ in range(2):
            kernel = NotebookClient(
                nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()]), timeout=600
            )
            folder = open_until_the_end.enter_context(tempfile.TemporaryDirectory())
            await open_until_the_end.enter_async_context(kernel.async_setup_kernel(cwd=settings.REPOSITORY))
            await run(kernel, cell=PREPARE.format(folder=folder))
            kernels.append(kernel)
        for _ in range(runs):
            for kernel in kernels:
                alone += await run(kernel)
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            try:
                together += await run(*kernels)
            finally:
                busy.kill()
                busy.wait()
    return alone, together


def main() -> None:
    """Print the medians alone and together, and how many times as long the latter are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--most", type=float, default=4.5)
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(settings.REPOSITORY)  # of the kernels
    alone, together = asyncio.run(measure(arguments.runs))
    for name, parts in {"extraction": [0], "SVMs": [1], "the piece": [0, 1]}.items():
        lone, beside = (
            statistics.median(sum(times[i] for i in parts) for times in runs) for runs in (alone, together)
        )
        ratio = beside / lone
        row(f"{name} with two neighbours (s)", "alone", beside, lone)
        print(f"{name}: alone {lone:.2f} s, with two neighbours {beside:.2f} s, {ratio:.1f} times as long")
    sys.exit(ratio > arguments.most)  # the last, of the whole piece


if __name__ == "__main__":
    main()
