"""Values as they arrive at public functions: one check a type, whose message names the argument."""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

ROWS = 4096  # looked at together: features may be a file larger than the memory


def option(word: object, allowed: Any, name: str) -> None:
    """Raise ValueError for a word that is not among those of a `Literal`: a misspelt one must not mean another."""
    words = get_args(allowed)
    if not (isinstance(word, str) and word in words):
        given = ", ".join(f'"{one}"' for one in words)
        raise ValueError(f"There is no {name} {word!r}; take one of {given}.")


def features(x: ArrayLike, name: str = "features") -> np.ndarray:
    """Return features [N, d] as float16 or float32; raise ValueError for other shapes, none, NaN or infinity."""
    x = np.asarray(x)
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "fiub":
        raise ValueError(
            f"{name}: {x.dtype} {x.shape}; give numbers as [N, d], a row a picture, one or more."
        )
    if x.dtype not in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            x = x.astype(np.float32)
    for start in range(0, len(x), ROWS):
        bad = ~np.isfinite(x[start : start + ROWS]).all(1)
        if bad.any():
            raise ValueError(f"{name}: those of picture {start + int(bad.argmax())} contain NaN or infinity.")
    return x


def labels(y: ArrayLike, name: str = "labels", n: int | None = None, *, several: bool = False) -> np.ndarray:
    """Return labels as int64 [N], from any integers: with fewer bits the number of classes may not fit.

    n        of pictures, if known
    several  [N, C] with 1, 0, -1 may also come

    Raises ValueError for other types, shapes and lengths, and for unlabelled pictures (-1), which are no class.
    """
    y = np.asarray(y)
    if y.dtype.kind not in "iu" or not (y.ndim == 1 or (several and y.ndim == 2)):
        table = "; or 1, 0, -1 as [N, C]" if several else ""
        raise ValueError(
            f"{name}: {y.dtype} {y.shape}; give class indices, whole numbers from 0, as [N]{table}."
        )
    if n is not None and len(y) != n:
        raise ValueError(f"{name}: {len(y)} for {n} pictures; give one for each.")
    if y.ndim == 1 and (y < 0).any():
        raise ValueError(
            f"{name}: {(y < 0).sum()} of {len(y)} are negative (the first of picture {int((y < 0).argmax())}), and "
            "class indices run from 0. Leave unlabelled pictures out: images[images.labels >= 0]."
        )
    if y.ndim == 2 and not np.isin(y, (-1, 0, 1)).all():
        raise ValueError(f"{name}: [N, C] are 1 (present), 0 (absent) and -1 (difficult) only.")
    return y.astype(np.int64)


def kinds(y: ArrayLike, n: int | None = None) -> np.ndarray:
    """Return class indices, as `labels`, or names of classes or groups [N]."""
    y = np.asarray(y)
    if y.ndim == 1 and len(y) and all(isinstance(one, str) for one in y.tolist()):
        if n is not None and len(y) != n:
            raise ValueError(f"labels: {len(y)} for {n} pictures; give one for each.")
        return y
    return labels(y, n=n)


def above_zero(values: Sequence[float], name: str) -> None:
    """Raise ValueError where a number is not finite or not above 0, or there is none."""
    if not len(values) or not all(np.isfinite(value) and value > 0 for value in values):
        raise ValueError(f"{name} are {list(values)}; give one or more values above 0.")
