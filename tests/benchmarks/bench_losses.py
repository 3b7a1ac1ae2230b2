"""TUNE-RNK over all pairs of a batch: ours against two loops, and against pairs of all pictures with all.

    KINETO_LOG_LEVEL=99 python tests/benchmarks/bench_losses.py [--threads 1] [--runs 7] [--device cpu]

Every picture of a batch shows one to three of C classes, and a twentieth of the labels is `difficult`. A way is value
and gradient, in float32. Two loops are what the formula says, over classes and over the positives of each, with
negatives as a vector. All pairs at once are [B, B, C] numbers, of which those of a positive with a negative are kept.
Ours takes the positives only: [P, B], where P is the number of positives in the batch. All are run in turns, several
times; what is printed is the median of seconds by the clock, and the largest memory beyond what lies there before.
Memory is counted by torch's profiler, which the log level keeps silent.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from table import row
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from lecture_lib import settings
from lecture_lib.chapters.fine_tuning.losses import tune_rnk

SIZES = [(32, 20), (32, 101), (128, 20), (128, 101)]


def main() -> None:
    """Print milliseconds and memory of each way, and how far values and gradients are apart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    device = settings.use(threads=arguments.threads, device=arguments.device, quiet=True).device
    print(f"{device}, {torch.get_num_threads()} threads")
    for B, C in SIZES:
        compare(*(tensor.to(device) for tensor in draw(B, C)), arguments.runs)


def compare(scores: Tensor, labels: Tensor, runs: int) -> None:
    """Run all ways on one batch, and print a line for each."""
    print(f"B = {labels.shape[0]}, C = {labels.shape[1]}, {(labels == 1).sum()} positives")
    ways = {"tune_rnk": tune_rnk, "two loops": two_loops, "all pairs at once": all_pairs}
    seconds = time_in_turns(ways, scores, labels, runs)
    ours, our_slope = step(tune_rnk, scores, labels)
    for name, loss in ways.items():
        value, slope = step(loss, scores, labels)
        apart = max(float((value - ours).abs() / ours), float((slope - our_slope).abs().max()))
        print(
            f"  {name:18} {1000 * seconds[name]:8.2f} ms, {seconds[name] / seconds['tune_rnk']:7.1f} of ours, "
            f"{peak(loss, scores, labels) / 2**20:7.2f} MB; apart {apart:.0e}",
            flush=True,
        )
        if loss is not tune_rnk:
            row(f"ranking loss, B = {len(labels)} (s)", name, seconds["tune_rnk"], seconds[name])


def step(loss: Callable, scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return value and gradient of a loss."""
    scores = scores.detach().requires_grad_()
    value = loss(scores, labels)
    value.backward()
    return value.detach(), scores.grad


def two_loops(scores: Tensor, labels: Tensor) -> Tensor:
    """Go over the positives of each class."""
    total = scores.new_zeros(())
    for c in range(scores.shape[1]):
        positives, negatives = scores[labels[:, c] == 1, c], scores[labels[:, c] == 0, c]
        if len(positives) and len(negatives):
            slack = sum((1 - s + negatives).clamp(min=0).sum() for s in positives)
            total = total + slack / (len(positives) * len(negatives))
    return total


def all_pairs(scores: Tensor, labels: Tensor) -> Tensor:
    """Pair each picture with each, and leave out what is no positive with a negative."""
    pairs = (labels == 1)[:, None] & (labels == 0)
    slack = (1 - scores[:, None] + scores).clamp(min=0) * pairs
    return (slack.sum((0, 1)) / pairs.sum((0, 1)).clamp(min=1)).sum()


def time_in_turns(ways: dict[str, Callable], scores: Tensor, labels: Tensor, runs: int) -> dict[str, float]:
    """Return the median of the seconds of each way; the first turn does not count."""
    spent = {name: [] for name in ways}
    for _ in range(runs + 1):
        for name, loss in ways.items():
            start = time.perf_counter()
            step(loss, scores, labels)[1].cpu()  # waits for a GPU, too
            spent[name].append(time.perf_counter() - start)
    return {name: float(np.median(values[1:])) for name, values in spent.items()}


def peak(loss: Callable, scores: Tensor, labels: Tensor) -> float:
    """Return the largest sum of bytes that a step holds at once, from what torch says of every block."""
    kinds = {ProfilerActivity.CPU, ProfilerActivity.CUDA if scores.is_cuda else ProfilerActivity.CPU}
    with profile(activities=kinds, profile_memory=True) as record:
        step(loss, scores, labels)
    blocks = [e for e in record.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = np.cumsum([e.nbytes() for e in sorted(blocks, key=lambda e: e.start_ns())])
    return float(held.max(initial=0))


def draw(B: int, C: int) -> tuple[Tensor, Tensor]:
    """Return scores float32 [B, C] about 0 and labels int8 [B, C]."""
    generator = torch.Generator().manual_seed(0)
    order = torch.rand(B, C, generator=generator).argsort(1)
    labels = (order < torch.randint(1, 4, (B, 1), generator=generator)).to(torch.int8)
    difficult = torch.rand(B, C, generator=generator) < 0.05
    return torch.randn(B, C, generator=generator), labels.masked_fill(difficult, -1)


if __name__ == "__main__":
    main()
