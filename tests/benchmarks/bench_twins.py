"""How fast twins are drawn: pictures a second, on all threads, without the cache; against decoding JPEGs.

    python tests/benchmarks/bench_twins.py

The alternative to drawing a picture is to read one: so each figure is also given as a multiple of the time that
Pillow takes to decode a JPEG of the same size (one thread).
"""

import io
import statistics
import time
from collections.abc import Callable

import torch
from PIL import Image
from table import row

from lecture_lib.datasets import twin
from lecture_lib.twins import places, voc, world


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Median wall-clock seconds of `work`, after one round that is not counted."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def decode(width: int, height: int) -> float:
    """Seconds that Pillow takes to decode one JPEG of that size."""
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(buffer, "JPEG", quality=90)
    data = buffer.getvalue()
    return seconds(lambda: [Image.open(io.BytesIO(data)).load() for _ in range(100)]) / 100


def main() -> None:
    """Print one line a twin."""
    print(f"{torch.get_num_threads()} threads")
    n = 1024
    classes = [world.OBJECTS[i % len(world.OBJECTS)] for i in range(n)]
    names = [places.CLASSES[i % len(places.CLASSES)] for i in range(420)]
    rows = {
        "objects, 64 x 64": (n, 64, 64, lambda: world.portraits(classes, world.keys("bench", n), 64)),
        "objects, 128 x 128": (n, 128, 128, lambda: world.portraits(classes, world.keys("bench", n), 128)),
        "objects, 256 x 256": (64, 256, 256, lambda: world.portraits(classes[:64], world.keys("b", 64), 256)),
        "places, 64 x 64": (420, 64, 64, lambda: places.draw(names, world.keys("bench", 420), 64)),
        "VOC, 160 x 120": (400, 160, 120, lambda: voc.draw(world.keys("bench", 400), twin.VOC_WIDTH)),
    }
    for name, (count, width, height, work) in rows.items():
        each = seconds(work) / count
        row(f"drawing {name} (s)", "decoding a JPEG", each, decode(width, height))
        print(f"{name:20} {1 / each:6.0f} pictures/s, {each / decode(width, height):5.1f} x decoding a JPEG")


if __name__ == "__main__":
    main()
