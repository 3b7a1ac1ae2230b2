"""Feature extraction from JPEG files against the network alone; and the second run, from the cache.

    python tests/benchmarks/bench_extraction.py [--net alexnet] [--images 512] [--rounds 5]

Photographs are those of caltech101 under LECTURE_DATA where they are, else drawn. "network" is the forward
pass on preprocessed batches that lie in memory, all threads on one batch; "side by side" is the same with one
batch a thread, as the encoder arranges it; "end to end" reads, decodes, resizes, computes and writes the
features of as many pictures. They take turns within each round, and a ratio is the median over rounds; weights
are random, which costs the same time as trained ones. On a machine with other work to do all threads on one
batch wait for each other: look at "side by side", and at processor seconds, which do not count the waiting.
"""

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from table import row

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.encoders.cnn import BATCH, WORKERS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--net", default="alexnet", choices=backbones.NAMES)
    parser.add_argument("--layer", help="default: the one before the scores")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings.use(cache=folder, quiet=True)
        measure(arguments, Path(folder))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    net = backbones.load(arguments.net, "random")
    layer = arguments.layer or net.layers[-2]
    images = find_pictures(folder)[: arguments.images]
    n = len(images)
    side = net.input_size
    batches = [
        backbones.standardise(net, torch.randint(0, 256, (len(part), 3, side, side), dtype=torch.uint8))
        for part in np.array_split(np.arange(n), -(-n // BATCH))
    ]

    def network() -> None:
        for x in batches:
            backbones.features(net, x, [layer])[layer].cpu()

    def side_by_side() -> None:
        cores = torch.get_num_threads()
        workers = min(cores, WORKERS)
        with ThreadPoolExecutor(workers, None, torch.set_num_threads, (cores // workers,)) as threads:
            list(threads.map(lambda x: backbones.features(net, x, [layer])[layer].cpu(), batches))
        torch.set_num_threads(cores)

    def end_to_end() -> None:
        encoders.encode(net, images, [layer])

    network()
    tasks = {"network": network, "side by side": side_by_side, "end to end": end_to_end}
    times = {name: [] for name in [*tasks, "second run"]}
    for i in range(arguments.rounds):
        settings.use(cache=folder / str(i), quiet=True)  # an empty cache
        for name, task in tasks.items():
            times[name].append(clock(task))
        times["second run"].append(clock(end_to_end))
    print(f"{net.name} {layer}, {n} pictures of {images.name}, {settings.current().threads} threads")
    for name, runs in times.items():
        wall, cpu = (statistics.median(run[i] for run in runs) for i in (0, 1))
        print(f"{name:12} {n / wall:10.1f} images/s   {1e3 * cpu / n:7.2f} processor ms an image")
    for name in ("network", "side by side"):
        for i, kind in enumerate(("wall clock", "processor")):
            ratios = [a[i] / b[i] for a, b in zip(times[name], times["end to end"], strict=True)]
            low, high = min(ratios), max(ratios)
            print(f"end to end / {name}, {kind}: {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})")
    again = [a[0] / b[0] for a, b in zip(times["end to end"], times["second run"], strict=True)]
    walls = {name: statistics.median(run[0] / n for run in runs) for name, runs in times.items()}
    row("features, end to end (s a picture)", "the bare network", walls["end to end"], walls["network"])
    row(
        "features again, from the cache (s a picture)",
        "computed anew",
        walls["second run"],
        walls["end to end"],
    )
    print(f"second run: {statistics.median(again):.0f} times faster")


def clock(task) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - wall, time.process_time() - cpu


def find_pictures(folder: Path):
    photographs = settings.current().data / "caltech101" / "101_ObjectCategories"
    if not photographs.is_dir():
        photographs = folder / "drawn"
        (photographs / "noise").mkdir(parents=True)
        rng = np.random.default_rng(0)
        for i in range(256):
            coarse = Image.fromarray(rng.integers(0, 256, (25, 38, 3), np.uint8))
            coarse.resize((300, 200), Image.Resampling.BICUBIC).save(photographs / "noise" / f"{i}.jpg")
    images = datasets.folder(photographs)
    return images[np.random.default_rng(0).permutation(len(images))]


if __name__ == "__main__":
    main()
