"""phi of 500 patches of one picture: shared convolutions against patches one by one and in batches; and maps.

    python tests/benchmarks/bench_patches.py [--net alexnet] [--threads 1] [--runs 3]

The picture is a photograph of 500 x 375 pixels that scikit-learn brings along, its patches are the default grid, up to
fc7, with random weights, which cost the same time as trained ones. "one by one" and "in batches" are what a user
would write: crop with Pillow, resize, make a tensor, normalise, walk the network. They see zeros around each patch and
ours sees its surroundings, so vectors differ; what they agree in is told as the median of their cosines. A map is drawn
for one score and for 20, as the sum of y^k over the patches that cover a pixel: by corners, as the library does, and by
adding to the slice of each box. All ways are run in turns; what is printed is the median of seconds by the clock and of
processor seconds, which do not count the waiting on a machine with other work to do.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_sample_image
from table import row
from torch import Tensor
from torchvision import transforms

from lecture_lib import backbones, settings
from lecture_lib.chapters.patch_transfer.encode import PatchNet, phi_shared
from lecture_lib.chapters.patch_transfer.inference import K, localisation_map

WIDTH, HEIGHT = 500, 375
BATCH = 64
BARS = {"one by one": 5, "in batches": 2}  # ours is to be faster by these factors


def main() -> None:
    """Print seconds of each way and their ratios to ours."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--net", default="alexnet", choices=backbones.NAMES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    settings.use(threads=arguments.threads, device="cpu", quiet=True)
    net = PatchNet(backbones.load(arguments.net, "random"))
    photograph = Image.fromarray(load_sample_image("china.jpg")).resize((WIDTH, HEIGHT))
    compare_encoders(net, photograph, arguments.runs)
    for classes in (1, 20):
        compare_maps(net, classes, 5 * arguments.runs)


def compare_encoders(net: PatchNet, photograph: Image.Image, runs: int) -> None:
    """Time phi of all patches of a picture, three ways."""
    grid = net.grid(HEIGHT, WIDTH)
    picture = torch.from_numpy(np.array(photograph)).permute(2, 0, 1)
    ways = {
        "shared": lambda: phi_shared(net, picture, grid),
        "one by one": lambda: literal(net, photograph, grid.xyxy, 1),
        "in batches": lambda: literal(net, photograph, grid.xyxy, BATCH),
    }
    print(
        f"{net.backbone.name}, {len(grid)} patches of {WIDTH} x {HEIGHT} pixels, {torch.get_num_threads()} threads"
    )
    seconds = time_in_turns(ways, runs)
    for name, (clock, processor) in seconds.items():
        ratio, busy = clock / seconds["shared"][0], processor / seconds["shared"][1]
        bar = f", {BARS[name]} wanted" if name in BARS else ""
        print(
            f"  {name:12} {clock:7.2f} s, {ratio:5.2f} of ours; {processor:7.2f} processor s, {busy:5.2f}{bar}"
        )
        if name != "shared":
            row(f"patches through {net.backbone.name} (s)", name, seconds["shared"][0], clock)
    alike = F.cosine_similarity(ways["shared"](), ways["in batches"]()).median()
    print(f"  median cosine of shared and in batches {alike:.3f}", flush=True)


@torch.inference_mode()
def literal(net: PatchNet, photograph: Image.Image, boxes: np.ndarray, batch: int) -> Tensor:
    """Encode each box as a picture of its own, `batch` at a time: float32 [M, d]."""
    prepare = transforms.Compose(
        [
            transforms.Resize((net.side, net.side)),
            transforms.ToTensor(),
            transforms.Normalize(net.backbone.mean, net.backbone.std),
        ]
    )
    found = []
    for start in range(0, len(boxes), batch):
        crops = [photograph.crop(box) for box in boxes[start : start + batch].round().astype(int).tolist()]
        x = torch.stack([prepare(crop) for crop in crops])
        found.append(net.rest(net.shared(x.contiguous(memory_format=torch.channels_last))))
    return torch.cat(found)


def compare_maps(net: PatchNet, classes: int, runs: int) -> None:
    """Time the map of scores [M, classes], two ways."""
    grid = net.grid(HEIGHT, WIDTH)
    y = np.random.default_rng(0).random((len(grid), classes))
    ways = {
        "by corners": partial(localisation_map, y, grid),
        "by slices": partial(sliced_map, y, grid.xyxy, (HEIGHT, WIDTH)),
    }
    print(f"maps of {classes} classes from {len(grid)} patches")
    seconds = time_in_turns(ways, runs)
    ours = seconds["by corners"][1]
    for name, (clock, processor) in seconds.items():
        print(
            f"  {name:12} {1000 * clock:7.2f} ms; {1000 * processor:7.2f} processor ms, {processor / ours:5.2f} of ours"
        )
    row(f"maps of {classes} classes (s)", "by slices", ours, seconds["by slices"][1])
    apart = np.abs(ways["by corners"]() - ways["by slices"]()).max()
    print(f"  largest difference {apart:.0e}", flush=True)


def sliced_map(y: np.ndarray, patches: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Add each score to all pixels of its patch: float64 [H, W, C]."""
    total = np.zeros((*size, y.shape[1]))
    for (x0, y0, x1, y1), value in zip(np.ceil(patches - 0.5).astype(int).tolist(), y**K, strict=True):
        total[y0:y1, x0:x1] += value
    return total


def time_in_turns(ways: dict[str, Callable], runs: int) -> dict[str, tuple[float, float]]:
    """Return medians of seconds by the clock and of the processor; a first turn does not count."""
    spent = {name: [] for name in ways}
    for _ in range(runs + 1):
        for name, run in ways.items():
            clock, processor = time.perf_counter(), time.process_time()
            run()
            spent[name].append((time.perf_counter() - clock, time.process_time() - processor))
    return {name: tuple(np.median(turns[1:], axis=0).tolist()) for name, turns in spent.items()}


if __name__ == "__main__":
    main()
