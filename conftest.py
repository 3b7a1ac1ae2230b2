"""What every test runs under: few threads, a cache of its own, no window, no network for notebooks."""

import functools
import itertools
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

# A property that holds is not refuted by a slow minute, and every run tries the same examples.
hypothesis.settings.register_profile("here", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("here")

# Set before torch is imported, and inherited by the kernels of the notebooks. Several workers share the
# cores, so each gets its part; the cache is the clone's, so that a test never meets the user's.
workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
threads = str(max(1, (os.cpu_count() or 1) // workers))
os.environ["LECTURE_CACHE"] = str(Path(__file__).parent / "build" / "cache")
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # here, since plugins and tests import scikit-learn first
os.environ.setdefault("IPYTHONDIR", str(Path(__file__).parent / "build" / "ipython"))
if "LECTURE_THREADS" not in os.environ or "THREADS_SET_BY_CONFTEST" in os.environ:
    # a worker inherits what the process that started it has set for itself: all cores
    os.environ.update(LECTURE_THREADS=threads, OMP_NUM_THREADS=threads, THREADS_SET_BY_CONFTEST="1")

LONG = 10  # seconds
NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What a notebook would show: data by MIME type, one output after the other."""
    outputs = []
    show = "IPython.display.display"
    monkeypatch.setattr(show, lambda data, raw: outputs.append(data))
    return outputs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the cells of each notebook once more after its last one, in the same kernel and in a random order.

    Readers run any cell again: none may spoil what it works on, or need one that another has replaced.
    """
    for path, group in itertools.groupby(list(items), lambda item: item.path):
        if path.suffix == ".ipynb":
            cells = list(group)
            after = items.index(cells[-1]) + 1
            items[after:after] = [again(cell) for cell in random.Random(0).sample(cells, len(cells))]


def again(cell: pytest.Item) -> pytest.Item:
    """A second test of a cell, of nbval's kind; skipped where the first took LONG: most cells are short."""
    given = {name: getattr(cell, name) for name in ("cell_num", "cell", "options")}
    second = type(cell).from_parent(cell.parent, name=f"{cell.name} again", **given)
    second.first = cell
    return second


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> None:
    """Note how long each test took."""
    if call.when == "call":
        item.seconds = call.duration


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Start the kernels of notebooks without network, and say why a test of photographs is skipped."""
    if item.get_closest_marker("real") and not Path(os.environ.get("LECTURE_DATA") or "/nowhere").is_dir():
        pytest.skip("needs photographs: set LECTURE_DATA to their folder")
    if item.path.suffix != ".ipynb":
        return (yield)
    if getattr(getattr(item, "first", None), "seconds", 0) > LONG:
        pytest.skip(f"took {item.first.seconds:.0f} s the first time")
    # nbval starts the kernel in the set-up of the first cell, with the environment of that moment
    before = dict(os.environ)
    os.environ.pop("MPLBACKEND")  # a kernel draws into the notebook
    os.environ.update(NO_NETWORK)
    os.environ.setdefault("LECTURE_OFFLINE", "1")
    try:
        return (yield)
    finally:
        os.environ.clear()
        os.environ.update(before)


FEW = {  # pictures a class, or a split
    "CALTECH_PER_CLASS": 20,
    "SUN_PER_CLASS": 30,
    "MIT_TRAIN": 24,
    "MIT_TEST": 8,
    "CUB_PER_CLASS": 16,
    "H3D_SPLIT": 60,
    "VOC_SPLIT": 110,
    "ACTION_SPLIT": 80,
    "OFFICE_PER_CLASS": 12,
}


@pytest.fixture(scope="session")
def small_twin() -> Callable:
    """Draw the twin of a dataset with FEW pictures, or as many as given, in a cache of its own."""
    from lecture_lib import settings
    from lecture_lib.datasets import twin

    @functools.cache
    def draw(name: str, background: bool | None = None, **few: int):
        with pytest.MonkeyPatch.context() as patch:
            counts = FEW | few
            for constant, count in counts.items():
                patch.setattr(twin, constant, count)
            patch.setattr(twin.voc2007, "__defaults__", (counts["VOC_SPLIT"],))
            settings.use("demo", cache=Path(os.environ["LECTURE_CACHE"]) / "small", quiet=True)
            try:
                return getattr(twin, name)(**({} if background is None else {"background": background}))
            finally:
                settings.reset()

    return draw


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty LECTURE_DATA and an empty cache, in the real profile."""
    from lecture_lib import settings

    for name in ("DATA", "CACHE", "PROFILE", "BACKBONE", "OFFLINE"):
        monkeypatch.delenv(f"LECTURE_{name}", raising=False)
    settings.reset()
    settings.use("real", data=tmp_path / "data", cache=tmp_path / "cache", quiet=True)
    yield tmp_path / "data"
    settings.reset()
