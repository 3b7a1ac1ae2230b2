"""Dense SIFT at four sizes: ours against OpenCV's SIFT on the same keypoints.

    python tests/benchmarks/bench_sift.py [--step 3] [--repeats 7]

One photograph of 480 x 360 pixels, one thread each, CPU-seconds (another program that takes the core adds none),
repeats in turn, the least of each. Ours smooths the picture for each size, OpenCV builds its pyramid; keypoints have
angle 0 and the diameter 2/3 size, so that OpenCV's bins are as large as ours. OpenCV is no requirement of the
workbook: without it ours is timed alone. Timings of both are taken in one run.
"""

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from table import row

from lecture_lib import settings
from lecture_lib.encoders import sift


def main() -> None:
    """Print keypoints per CPU-second, their ratio, and how alike the descriptors are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--step", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    settings.use(threads=1, device="cpu", quiet=True)
    photograph = torch.from_numpy(load_sample_image("china.jpg")[:360, :480].copy()).permute(2, 0, 1)
    picture = (255 * sift.grey(photograph)).round().to(torch.uint8)
    three = picture.expand(3, -1, -1)
    local = sift.phow(three, arguments.step)
    print(f"{len(local)} keypoints: 480 x 360 pixels, step {arguments.step}, sizes 4, 6, 8, 10; one thread")

    contestants = {"ours": lambda: sift.phow(three, arguments.step)}
    try:
        cv2 = importlib.import_module("cv2")
    except ModuleNotFoundError:
        print("OpenCV is not installed: pip install opencv-python-headless for the comparison.")
    else:
        contestants["OpenCV"] = opencv(cv2, picture, local)
    seconds = {name: [] for name in contestants}
    for _ in range(arguments.repeats):
        for name, run in contestants.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    least = {name: min(times) for name, times in seconds.items()}
    for name, s in least.items():
        print(f"{name}: {1000 * s:.0f} ms, {len(local) / s:,.0f} keypoints per CPU-second")
    if "OpenCV" in least:
        print(f"ours is {least['OpenCV'] / least['ours']:.1f} times as fast")
        row("dense SIFT (s)", "OpenCV", least["ours"], least["OpenCV"])
        compare(local, contestants["OpenCV"]())


def opencv(cv2: Any, picture: torch.Tensor, local: sift.Local) -> Callable[[], np.ndarray]:
    """Return a function that lets OpenCV describe the same patches: float32 [N, 128]."""
    cv2.setNumThreads(1)
    describer, image = cv2.SIFT_create(), picture.numpy()
    keypoints = [
        cv2.KeyPoint(x, y, 2 / 3 * size, 0)
        for (x, y), size in zip(local.xy.tolist(), local.size.tolist(), strict=True)
    ]

    def run() -> np.ndarray:
        kept, descriptors = describer.compute(image, keypoints)
        if len(kept) != len(keypoints):
            raise RuntimeError(f"OpenCV described {len(kept)} of {len(keypoints)} keypoints.")
        return descriptors

    return run


def compare(local: sift.Local, theirs: np.ndarray) -> None:
    """Print the mean cosine between ours and theirs, where ours has contrast; their angles run the other way."""
    theirs = torch.from_numpy(theirs).view(-1, 4, 4, 8)[..., (-torch.arange(8)) % 8].flatten(1)
    clear = local.x.any(1)
    cosine = torch.nn.functional.cosine_similarity(local.x[clear], theirs[clear])
    print(f"mean cosine {cosine.mean():.3f}; {clear.float().mean():.0%} of the patches have contrast")


if __name__ == "__main__":
    main()
