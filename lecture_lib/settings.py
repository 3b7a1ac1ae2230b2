"""What a run uses: images, weights, folders, device, threads, seed.

Every setting has an environment variable (``LECTURE_PROFILE``, ``LECTURE_DATA``, ...) and an argument
of `use`; the argument wins, and stays until it is changed. Torch is imported at the first `current`
or `use`, not with the package, so that ``import lecture_lib`` stays instant.
"""

from __future__ import annotations

import contextlib
import operator
import os
import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

if TYPE_CHECKING:
    import torch

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE_DATA = REPOSITORY / "data"

PROFILES = {"demo": "twin-alexnet", "real": "squeezenet1_1"}  # profile -> its default backbone
SWITCH = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)
MOST = 2**32 - 1  # the largest seed of NumPy, the narrowest of the three generators


ADVICE = {  # on a value that cannot be used
    "profile": 'there is no such profile; take "demo" (twins) or "real" (photographs).',
    "data": "this is not a folder; give the path of one.",
    "cache": "this is not a folder; give the path of one.",
    "device": 'no such device here; take "auto", or "cpu", which is everywhere.',
    "threads": "take a whole number from 1 to 1024.",
    "seed": f"a seed is a whole number from 0 to {MOST}.",
    "offline": "this is a switch; take 1 or 0.",
}


class SettingsError(ValueError):
    """A setting has a value that cannot be used here; the message says which one and what to do."""


@dataclass(frozen=True)
class Settings:
    """The settings in force; `current` gives them, `use` changes them."""

    profile: str
    backbone: str
    data: Path
    cache: Path
    device: torch.device
    threads: int
    seed: int
    offline: bool

    def _ipython_display_(self) -> None:
        """Show nothing: a notebook's first cell ends with `use`, whose three lines have said it."""


_chosen: dict[str, Any] = {}  # what the arguments of `use` have set so far
_settings: Settings | None = None


def current() -> Settings:
    """Return the settings in force, read from the environment at the first call."""
    return _settings or _put_in_force(_chosen)


def use(
    profile: str | None = None,
    *,
    backbone: str | None = None,
    data: str | Path | None = None,
    cache: str | Path | None = None,
    device: str | torch.device | None = None,
    threads: int | None = None,
    seed: int | None = None,
    offline: bool | None = None,
    quiet: bool = False,
) -> Settings:
    """Choose settings, seed every random generator, and print what is in use in three lines.

    profile   "demo" (twins, drawn here) or "real" (photographs and published weights)
    backbone  name of the network; by default twin-alexnet (demo) or squeezenet1_1 (real)
    data      folder of the photograph datasets
    cache     folder of everything computed once and kept
    device    "auto", "cpu", "cuda", "cuda:1", "mps"
    threads   processor threads of torch
    seed      seeds Python, NumPy and torch, at every call
    offline   True: download nothing

    What is left out keeps its value from an earlier call, else from the environment
    (LECTURE_PROFILE, LECTURE_BACKBONE, ...), else its default. Raises SettingsError, and changes
    nothing, if a value cannot be used.
    """
    given = {name: value for name, value in locals().items() if name != "quiet" and value is not None}
    import numpy as np
    import torch

    settings = _put_in_force(_chosen | given)
    random.seed(settings.seed)
    np.random.seed(settings.seed)  # noqa: NPY002  the global generator is the one that libraries draw from
    torch.manual_seed(settings.seed)
    if not quiet:
        print(describe(settings))
    return settings


def reset() -> None:
    """Forget what `use` has set; the next `current` reads the environment again."""
    global _settings
    _chosen.clear()
    _settings = None


def describe(settings: Settings) -> str:
    """Say in three lines which images, which weights and which device are in use."""
    import torch

    real = settings.profile == "real"
    images = f"photographs under {shown(settings.data)}" if real else "twins drawn by lecture_lib"
    ours = settings.backbone.startswith("twin-")
    weights = " from data/weights" if ours else f", kept in {shown(Path(torch.hub.get_dir()))}"
    device, cuda = settings.device, settings.device.type == "cuda"
    device = f"{device} ({torch.cuda.get_device_name(device)})" if cuda else str(device)
    threads = f"{settings.threads} thread{'s' if settings.threads != 1 else ''}"
    weights = f"{settings.backbone}{weights}"
    return f"images   {images}\nweights  {weights}\ndevice   {device}, {threads}, seed {settings.seed}"


def shown(path: Path) -> str:
    """A path from the project's folder or from home, so that a saved notebook does not tell who ran it."""
    for base, sign in ((REPOSITORY, ""), (Path(os.path.expanduser("~")), "~/")):
        if path.is_relative_to(base):
            return sign + path.relative_to(base).as_posix()
    return str(path)


def _put_in_force(chosen: dict[str, Any]) -> Settings:
    """Read all settings, and change something only when all can be used."""
    global _settings
    import torch

    if os.environ.get("TORCH_HOME", "").strip():
        with contextlib.suppress(RuntimeError, ValueError):  # torch says what it cannot use
            os.environ["TORCH_HOME"] = str(_folder(os.environ["TORCH_HOME"].strip()))
    home = _cache_home()
    profile = _read(chosen, "profile", "demo", _one_of(dict(zip(PROFILES, PROFILES, strict=True))))
    _settings = Settings(
        profile=profile,
        backbone=_read(chosen, "backbone", PROFILES[profile], str),
        data=_read(chosen, "data", home / "data", _folder),
        cache=_read(chosen, "cache", home / "cache", _folder),
        device=_read(chosen, "device", "auto", _device),
        threads=_read(chosen, "threads", _torch_threads(), partial(_whole, 1, 1024)),
        seed=_read(chosen, "seed", 0, partial(_whole, 0, MOST)),
        offline=_read(chosen, "offline", False, _one_of(SWITCH)),
    )
    _chosen.update(chosen)
    torch.set_num_threads(_settings.threads)
    return _settings


def _read(chosen: dict[str, Any], name: str, default: Any, parse: Callable[[Any], Any]) -> Any:
    """One setting, from the arguments of `use`, the environment or its default."""
    variable = f"LECTURE_{name.upper()}"
    text = os.environ.get(variable, "").strip()  # a variable set to nothing counts as not set
    value, where = (text, f"{variable}={text}") if text else (default, f"default {name}")
    if name in chosen:
        value, where = chosen[name], f"use({name}={chosen[name]!r})"
    try:
        return parse(value)
    except (AssertionError, KeyError, RuntimeError, TypeError, ValueError):
        raise SettingsError(f"{where}: {ADVICE[name]}") from None


def _folder(value: Any) -> Path:
    # A command typed in the repository sets LECTURE_DATA=../photos, but a notebook's kernel starts in
    # notebooks/: a relative folder that is not there is meant from the repository.
    path = Path(value).expanduser()  # RuntimeError: ~ where there is no home
    path = path.absolute() if path.exists() else (REPOSITORY / path).resolve()
    if path.exists() and not path.is_dir():
        raise ValueError("a file")
    return path


def _whole(least: int, most: int, value: Any) -> int:
    number = int(value) if isinstance(value, str) else operator.index(value)
    if not least <= number <= most:
        raise ValueError("out of range")
    return number


def _one_of(values: Mapping[str, Any]) -> Callable[[Any], Any]:
    return lambda value: values[str(value).lower()]


def _device(value: str | torch.device) -> torch.device:
    """A device that torch can compute on here; "auto" is the fastest."""
    import torch

    if value == "auto":
        value = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
    return torch.empty(0, device=value).device  # raises what it will where there is none


@cache  # before the first set_num_threads
def _torch_threads() -> int:
    import torch

    return torch.get_num_threads()


def keep_elsewhere() -> None:
    """Where nobody can write the home folder, keep the files of matplotlib (which would warn) and torch beside ours."""
    for variable, name, kind in (("MPLCONFIGDIR", "matplotlib", "config"), ("TORCH_HOME", "torch", "cache")):
        if _in_home(name, kind) is None:
            os.environ.setdefault(variable, str(_cache_home() / name))


def _cache_home() -> Path:
    """The user's cache folder; where nobody can write it, as without a home, one among the temporary files."""
    among_temporary = Path(tempfile.gettempdir(), f"lecture_lib-{getattr(os, 'getuid', int)()}")
    return _in_home("lecture_lib", "cache") or among_temporary


def _in_home(name: str, kind: str) -> Path | None:
    """The user's "cache" or "config" folder of an application; None where it cannot be written or made."""
    with contextlib.suppress(RuntimeError):  # no home, and no entry for this user
        folder = Path(getattr(platformdirs, f"user_{kind}_dir")(name, appauthor=False))
        # os.path.exists, since that of Path raises an error in a home that is somebody else's
        if os.access(next(filter(os.path.exists, (folder, *folder.parents))), os.W_OK):
            return folder
    return None
