"""Look whether this computer has what the notebooks need, and say what to do where it has not."""

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from lecture_lib import settings
from lecture_lib.settings import shown

REQUIREMENTS = settings.REPOSITORY / "requirements.txt"
WEIGHTS = settings.PACKAGE_DATA / "weights" / "twin-alexnet.safetensors"
INSTALL = "In a terminal: make setup, or python -m pip install -r requirements.txt"
OLDEST, NEWEST = (3, 11, 4), (3, 13)  # Pythons for which the pinned packages are known to install
MEMORY, DISK = 3.0, 2.0  # GB that the hungriest notebook, and the cache of all of them, take

OK, NOTE, FAIL = "[OK]  ", "[--]  ", "[FAIL]"
Line = tuple[str, str]


def check_environment() -> None:
    """Print one line for each thing a notebook needs: [OK], [--] (worth knowing) or [FAIL] with what to do.

    Takes a second or two, never raises, and makes nothing but the cache folder. Its output belongs in a bug report.
    """
    failed = 0
    for look in (_python, _packages, _torch, _memory, _cache, _weights, _widgets, _photographs):
        try:
            state, text = look()
        except Exception as error:  # a fault nobody foresaw must not hide the lines after it
            state, text = FAIL, f"{look.__name__.strip('_')}: {type(error).__name__}: {error}"
        failed += state == FAIL
        print(state, text)
    to_mend = f"{failed} thing{'s' if failed > 1 else ''} to mend: see [FAIL] above."
    print(f"\n{to_mend if failed else 'All that is needed is there.'}")


def _python() -> Line:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:3] < OLDEST:
        return FAIL, f"Python {version} is too old: install 3.12, delete .venv, then make setup"
    if sys.version_info[:2] > NEWEST:
        newest = ".".join(map(str, NEWEST))
        return NOTE, f"Python {version} is newer than what the packages were checked with ({newest})"
    return OK, f"Python {version}"


def _packages() -> Line:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    if not REQUIREMENTS.exists():
        return NOTE, f"no requirements.txt at {shown(REQUIREMENTS.parent)}: versions are not compared"
    needed = REQUIREMENTS.read_text(encoding="utf-8").partition("# Development")[0].splitlines()
    pins = [Requirement(pin) for line in needed if (pin := line.partition("#")[0].strip())]
    there = {canonicalize_name(one.name): one.version for one in metadata.distributions()}
    versions = [(pin, there.get(canonicalize_name(pin.name))) for pin in pins]
    if missing := [pin.name for pin, version in versions if version is None]:
        return FAIL, f"missing: {', '.join(missing)}. {INSTALL}"
    other = [
        f"{pin.name} {version} (tested with {str(pin.specifier).strip('=')})"
        for pin, version in versions
        if not pin.specifier.contains(version, prereleases=True)  # 2.15.0+cpu is 2.15.0
    ]
    if other:
        return NOTE, f"{len(pins) - len(other)} of {len(pins)} packages as tested; {', '.join(other)}"
    return OK, f"{len(pins)} of {len(pins)} packages as tested"


def _torch() -> Line:
    import torch

    chosen = settings.current()
    image, kernels = (torch.ones(*shape, device=chosen.device) for shape in ((1, 3, 8, 8), (2, 3, 3, 3)))
    if not torch.all(torch.nn.functional.conv2d(image, kernels) == 27):
        advice = "set LECTURE_DEVICE=cpu, or install it anew"
        return FAIL, f"torch {torch.__version__} computes wrongly on {chosen.device}: {advice}"
    return OK, f"torch {torch.__version__} computes on {chosen.device}, {chosen.threads} threads"


def _memory() -> Line:
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / 1e9, memory.total / 1e9
    if free < MEMORY:
        advice = "Shut down other kernels (Kernel menu) and programs"
        return NOTE, f"memory: {free:.1f} GB free; the largest notebook takes {MEMORY:g}. {advice}"
    return OK, f"memory: {free:.0f} of {total:.0f} GB free, {os.cpu_count()} processor cores"


def _cache() -> Line:
    import psutil

    folder = settings.current().cache
    advice = "Set LECTURE_CACHE to a folder of yours, before you start JupyterLab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return FAIL, f"cache folder {shown(folder)} cannot be written ({error.strerror}). {advice}"
    free = psutil.disk_usage(str(folder)).free / 1e9
    if free < DISK:
        text = f"disk: {free:.1f} GB free in {shown(folder)}; {DISK:g} are needed. Make room, or: {advice}"
        return FAIL, text
    return OK, f"cache folder {shown(folder)}, {free:.0f} GB free"


def _weights() -> Line:
    checksum = WEIGHTS.with_suffix(".json")
    fault = "damaged (wrong checksum)"
    if missing := [shown(file) for file in (WEIGHTS, checksum) if not file.exists()]:
        fault = f"incomplete: {', '.join(missing)} is missing"
    elif hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == json.loads(checksum.read_bytes())["sha256"]:
        return OK, f"weights of twin-alexnet, {WEIGHTS.stat().st_size / 1e6:.1f} MB, checksum right"
    return FAIL, f"weights of twin-alexnet are {fault}. Get the file again from where this project comes from"


def _widgets() -> Line:
    import ipywidgets

    if not Path(sys.prefix, "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager").exists():
        return NOTE, f"sliders may not show: JupyterLab has no widget manager beside this Python. {INSTALL}"
    return OK, f"sliders: ipywidgets {ipywidgets.__version__}"


def _photographs() -> Line:
    from lecture_lib.datasets import layout

    data, found = shown(settings.current().data), []
    for name in layout.LAYOUT:
        with contextlib.suppress(layout.DatasetNotFound):
            layout.find(name)
            found.append(name)
    if found:
        return OK, f"photographs in {data}: {', '.join(found)}"
    return NOTE, f"no photographs in {data}, and none needed: the twins are drawn here, without network"
