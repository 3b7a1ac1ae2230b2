"""From a picture to its Fisher vector, 480 x 360, every 3 pixels, four sizes, K = 256: one view, ten crops, a pyramid.

    .venv/bin/python tests/benchmarks/bench_ifv.py

One thread, processor time, minimum of several repeats that take turns. Instead of masks over one extraction, a user
would cut out the ten crops and encode each: that is measured beside it. The codebook is learned on the picture itself:
which numbers it holds does not matter for the time.
"""

import time

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from table import row

from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders.augment import FLIP, PYRAMID, TEN_CROPS, WHOLE, views
from lecture_lib.encoders.codebook import fit_gmm, fit_pca
from lecture_lib.encoders.ifv import Codebook, Dense, encode_one

REPEATS = 5


def main() -> None:
    torch.set_num_threads(1)
    picture = load_sample_image("china.jpg")[:360, :480].transpose(2, 0, 1).copy()

    def collect(picture: np.ndarray) -> ImageCollection:
        return ImageCollection("one", "real", ArrayImages(picture[None]), ("china",), np.zeros(1, np.int64))

    dense = Dense()
    local = dense(torch.from_numpy(picture))
    some = local.x[torch.randperm(len(local.x), generator=torch.manual_seed(0))[:20_000]]
    pca = fit_pca(some)
    book = Codebook(dense, pca, fit_gmm(pca(some), 256), xy=False)
    whole = collect(picture)
    crops = [collect(view.numpy().copy()) for view in views(torch.from_numpy(picture), TEN_CROPS)]
    ways = {
        "one view": lambda: encode_one(whole, 0, book, (WHOLE,), "fisher"),
        "with its mirror image": lambda: encode_one(whole, 0, book, FLIP, "fisher"),
        "ten crops, by masks": lambda: encode_one(whole, 0, book, TEN_CROPS, "fisher"),
        "ten crops, one by one": lambda: [encode_one(crop, 0, book, (WHOLE,), "fisher") for crop in crops],
        "pyramid of eight regions": lambda: encode_one(whole, 0, book, PYRAMID, "fisher"),
    }
    took = dict.fromkeys(ways, np.inf)
    for _ in range(REPEATS):
        for name, run in ways.items():
            start = time.process_time()
            run()
            took[name] = min(took[name], time.process_time() - start)
    print(f"{len(local.x):,} descriptors, K = {book.K}, D = {book.D}, one thread")
    for name, seconds in took.items():
        print(f"{name:26} {seconds:6.3f} CPU-s   {seconds / took['one view']:5.2f} x one view")
    row("IFV of ten crops (s)", "crop by crop", took["ten crops, by masks"], took["ten crops, one by one"])


if __name__ == "__main__":
    main()
