"""What a run uses: images, weights, folders, device, threads, seed.

Every setting has an environment variable (``LECTURE_PROFILE``, ``LECTURE_DATA``, ...) and an argument
of `use`; the argument wins, and stays until it is changed. Torch is imported at the first `current`
or `use`, not with the package, so that ``import lecture_lib`` stays instant.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE_DATA = REPOSITORY / "data"

PROFILES = {"demo": "twin-alexnet", "real": "squeezenet1_1"}  # profile -> its default backbone


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
_default_threads: int | None = None  # torch's own choice, kept before the first set_num_threads


def current() -> Settings:
    """Return the settings in force, read from the environment at the first call."""
    global _settings
    if _settings is None:
        _settings = _resolve(_chosen)
        _set_threads(_settings.threads)
    return _settings


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
    global _settings
    given = {
        "profile": profile,
        "backbone": backbone,
        "data": data,
        "cache": cache,
        "device": device,
        "threads": threads,
        "seed": seed,
        "offline": offline,
    }
    chosen = _chosen | {name: value for name, value in given.items() if value is not None}
    _settings = _resolve(chosen)
    _chosen.update(chosen)
    _set_threads(_settings.threads)
    _set_seed(_settings.seed)
    if not quiet:
        print(describe(_settings))
    return _settings


def reset() -> None:
    """Forget what `use` has set; the next `current` reads the environment again."""
    global _settings
    _chosen.clear()
    _settings = None


def describe(settings: Settings) -> str:
    """Say in three lines which images, which weights and which device are in use."""
    import torch

    images = "twins drawn by lecture_lib"
    if settings.profile == "real":
        images = f"photographs under {_short(settings.data)}"
    weights = f"{settings.backbone} from data/weights"
    if not settings.backbone.startswith("twin-"):
        weights = f"{settings.backbone}, kept in {_short(Path(torch.hub.get_dir()))}"
    device = str(settings.device)
    if settings.device.type == "cuda":
        device += f" ({torch.cuda.get_device_name(settings.device)})"
    threads = f"{settings.threads} thread{'s' if settings.threads != 1 else ''}"
    return f"images   {images}\nweights  {weights}\ndevice   {device}, {threads}, seed {settings.seed}"


def _resolve(chosen: dict[str, Any]) -> Settings:
    def read(name: str, default: Any, parse: Callable[[Any], Any]) -> Any:
        variable = f"LECTURE_{name.upper()}"
        if name in chosen:
            value, where = chosen[name], f"use({name}={chosen[name]!r})"
        elif os.environ.get(variable, "").strip():  # a variable set to nothing counts as not set
            value = os.environ[variable].strip()
            where = f"{variable}={value}"
            if parse is _folder:
                value = _anchored(value)
        else:
            value, where = default, f"default {name}"
        try:
            return parse(value)
        except SettingsError as error:
            raise SettingsError(f"{where}: {error}") from None

    if os.environ.get("TORCH_HOME", "").strip():
        os.environ["TORCH_HOME"] = str(_anchored(os.environ["TORCH_HOME"].strip()))
    profile = read("profile", "demo", _profile)
    home = _cache_home()
    return Settings(
        profile=profile,
        backbone=read("backbone", PROFILES[profile], _name),
        data=read("data", home / "data", _folder),
        cache=read("cache", home / "cache", _folder),
        device=read("device", "auto", _device),
        threads=read("threads", _torch_threads(), _threads),
        seed=read("seed", 0, _seed),
        offline=read("offline", False, _switch),
    )


def _cache_home() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("lecture_lib", appauthor=False))


def _anchored(folder: str) -> Path:
    # A command typed in the repository sets LECTURE_DATA=../photos, but a notebook's kernel starts in
    # notebooks/: a relative folder that is not there is meant from the repository.
    path = Path(folder).expanduser()
    return path.absolute() if path.is_absolute() or path.exists() else (REPOSITORY / path).resolve()


def _profile(value: Any) -> str:
    if value not in PROFILES:
        raise SettingsError('there is no such profile; take "demo" (twins) or "real" (photographs).')
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SettingsError('a backbone is named, for example "twin-alexnet" or "squeezenet1_1".')
    return value


def _folder(value: Any) -> Path:
    try:
        path = Path(value).expanduser().absolute()
    except (TypeError, RuntimeError):
        raise SettingsError("this is not a folder; give a path.") from None
    if path.exists() and not path.is_dir():
        raise SettingsError("this is a file; give a folder.")
    return path


def _device(value: Any) -> torch.device:
    import torch

    present = ["cpu"]
    if torch.cuda.is_available():
        present = ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), "cpu"]
    elif torch.backends.mps.is_available():
        present = ["mps", "cpu"]
    name = str(value).lower()
    if name == "auto":
        return torch.device(present[0])
    if name not in present:
        raise SettingsError(
            f"no such device here; torch {torch.__version__} sees {', '.join(present)}. "
            'Take one of these or "auto".'
        )
    return torch.device(name)


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = int(value)
        return number if not isinstance(value, float) or value == number else None
    except (TypeError, ValueError, OverflowError):
        return None


def _threads(value: Any) -> int:
    threads = _integer(value)
    if threads is None or threads < 1:
        raise SettingsError("the number of threads is a whole number from 1.")
    return threads


def _seed(value: Any) -> int:
    seed = _integer(value)
    if seed is None or not 0 <= seed < 2**32:  # NumPy's range, the narrowest of the three generators
        raise SettingsError("a seed is a whole number from 0 to 4294967295.")
    return seed


def _switch(value: Any) -> bool:
    word = str(value).lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise SettingsError("this is a switch; take 1 or 0.")


def _torch_threads() -> int:
    global _default_threads
    import torch

    if _default_threads is None:
        _default_threads = torch.get_num_threads()
    return _default_threads


def _set_threads(threads: int) -> None:
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def _set_seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  the global generator is the one that libraries draw from
    torch.manual_seed(seed)


def _short(path: Path) -> str:
    # the home folder as ~, so that a saved notebook does not tell who ran it
    home = Path("~").expanduser()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)
