"""Look whether this computer has what the notebooks need, and say what to do where it has not."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from lecture_lib import settings

REQUIREMENTS = settings.REPOSITORY / "requirements.txt"
WEIGHTS = settings.PACKAGE_DATA / "weights" / "twin-alexnet.safetensors"
INSTALL = "In a terminal: make setup, or python -m pip install -r requirements.txt"
OLDEST, NEWEST = (3, 11), (3, 13)  # Pythons for which the pinned packages are known to install
MEMORY, DISK = 3.0, 2.0  # GB that the hungriest notebook, and the cache of all of them, take

OK, NOTE, FAIL = "[OK]  ", "[--]  ", "[FAIL]"
Lines = Iterator[tuple[str, str]]


def check_environment() -> None:
    """Print one line for each thing a notebook needs: [OK], [--] (worth knowing) or [FAIL] with what to do.

    Takes a second or two, never raises, and makes nothing but the cache folder. Its output belongs in a bug report.
    """
    failed = 0
    for look in (_python, _packages, _torch, _memory, _cache, _weights, _widgets, _photographs):
        for state, text in _finish(look):
            failed += state == FAIL
            print(state, text)
    if failed:
        print(f"\n{failed} {'things' if failed > 1 else 'thing'} to mend: see [FAIL] above.")
    else:
        print("\nAll that is needed is there.")


def _finish(look: Callable[[], Lines]) -> Lines:
    try:
        yield from look()
    except Exception as error:  # a fault nobody foresaw must not hide the lines after it
        yield FAIL, f"{look.__name__.strip('_')}: {type(error).__name__}: {error}"


def _python() -> Lines:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        yield FAIL, f"Python {version} is too old: install 3.11 or newer, delete .venv, then make setup"
    elif sys.version_info[:2] > NEWEST:
        yield (
            NOTE,
            f"Python {version} is newer than what the packages were checked with ({NEWEST[0]}.{NEWEST[1]})",
        )
    else:
        yield OK, f"Python {version}"


def _packages() -> Lines:
    from packaging.requirements import Requirement

    if not REQUIREMENTS.exists():
        yield NOTE, f"no requirements.txt at {_short(REQUIREMENTS.parent)}: versions are not compared"
        return
    needed = REQUIREMENTS.read_text(encoding="utf-8").partition("# Development")[0].splitlines()
    pins = [Requirement(pin) for line in needed if (pin := line.partition("#")[0].strip())]
    as_pinned = 0
    for pin in pins:
        try:
            version = metadata.version(pin.name)
        except metadata.PackageNotFoundError:
            yield FAIL, f"{pin.name} is missing. {INSTALL}"
            continue
        if pin.specifier.contains(version, prereleases=True):  # 2.15.0+cpu is 2.15.0
            as_pinned += 1
        else:
            yield (
                NOTE,
                f"{pin.name} {version}; the notebooks were tested with {str(pin.specifier).strip('=')}",
            )
    yield (OK if as_pinned == len(pins) else NOTE), f"{as_pinned} of {len(pins)} packages as tested"


def _torch() -> Lines:
    import torch

    device = settings.current().device
    with torch.inference_mode():
        sums = torch.nn.functional.conv2d(
            torch.ones(1, 3, 8, 8, device=device), torch.ones(2, 3, 3, 3, device=device)
        )
    if not torch.all(sums == 27):
        yield (
            FAIL,
            f"torch {torch.__version__} computes wrongly on {device}: set LECTURE_DEVICE=cpu, or install it anew",
        )
    else:
        yield OK, f"torch {torch.__version__} computes on {device}, {settings.current().threads} threads"


def _memory() -> Lines:
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / 1e9, memory.total / 1e9
    if free < MEMORY:
        text = f"memory: {free:.1f} GB free; the largest notebook takes {MEMORY:g}. Shut down other kernels"
        yield NOTE, f"{text} (Kernel menu) and programs"
    else:
        yield OK, f"memory: {free:.0f} of {total:.0f} GB free, {os.cpu_count()} processor cores"


def _cache() -> Lines:
    import psutil

    folder = settings.current().cache
    advice = "Set LECTURE_CACHE to a folder of yours, before you start JupyterLab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield FAIL, f"cache folder {_short(folder)} cannot be written ({error.strerror}). {advice}"
        return
    free = psutil.disk_usage(str(folder)).free / 1e9
    if free < DISK:
        yield (
            FAIL,
            f"disk: {free:.1f} GB free in {_short(folder)}; {DISK:g} are needed. Make room, or: {advice}",
        )
    else:
        yield OK, f"cache folder {_short(folder)}, {free:.0f} GB free"


def _weights() -> Lines:
    get = "Get the file again from where this project comes from"
    for file in (WEIGHTS, WEIGHTS.with_suffix(".json")):
        if not file.exists():
            yield FAIL, f"{_short(file)} is missing: the weights of twin-alexnet, or their checksum. {get}"
            return
    content = WEIGHTS.read_bytes()
    published = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
    if hashlib.sha256(content).hexdigest() != published:
        yield FAIL, f"weights {_short(WEIGHTS)} are damaged (wrong checksum). {get}"
    else:
        yield OK, f"weights of twin-alexnet, {len(content) / 1e6:.1f} MB, checksum right"


def _widgets() -> Lines:
    import ipywidgets

    manager = Path(sys.prefix, "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager")
    if not manager.exists():
        yield NOTE, f"sliders may not show: JupyterLab has no widget manager beside this Python. {INSTALL}"
    else:
        yield OK, f"sliders: ipywidgets {ipywidgets.__version__}"


def _photographs() -> Lines:
    from lecture_lib.datasets import layout

    data = settings.current().data
    found = []
    for name in layout.LAYOUT:
        try:
            layout.find(name)
            found.append(name)
        except layout.DatasetNotFound:
            continue
    if found:
        yield OK, f"photographs in {_short(data)}: {', '.join(found)}"
    else:
        yield (
            NOTE,
            f"no photographs in {_short(data)}, and none needed: the twins are drawn here, without network",
        )


def _short(path: Path) -> str:
    """A path as a reader knows it, from the project's folder or from home."""
    for base, sign in ((settings.REPOSITORY, ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return sign + path.relative_to(base).as_posix()
    return str(path)
