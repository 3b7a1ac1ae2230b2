"""What 05.1 and 05.3 of 05_patch_transfer are checked with: overlaps and grids, and mistakes that are made in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lecture_lib.exercises.comparing import Reference, numbers
from lecture_lib.exercises.running import Wrong

_PATCHES_AND_BOXES = (
    ((0, 0, 10, 10), (0, 0, 10, 10)),
    ((0, 0, 10, 10), (2, 2, 8, 8)),
    ((0, 0, 10, 10), (3, 3, 7, 7)),  # all of the object, too little of the patch
    ((0, 0, 10, 10), (-10, -10, 20, 20)),  # all of the patch, too little of the object
    ((0, 0, 10, 10), (4, 3, 8, 8)),  # exactly a fifth of the patch
    ((0, 0, 10, 10), (5, 5, 10, 10)),
    ((0, 0, 10, 10), (4, 0, 14, 10)),  # exactly 60 % of the object
    ((0, 0, 10, 10), (0, 3, 10, 13)),
    ((0, 0, 10, 10), (0, -6, 10, 4)),
    ((0, 0, 10, 10), (6, 0, 13, 10)),  # enough only if a box had one more pixel each way
    ((0, 0, 10, 10), (10, 0, 20, 10)),  # they touch
    ((0, 0, 10, 10), (8, 8, 18, 18)),  # a corner
    ((0, 0, 10, 10), (18, 19, 24, 25)),  # apart in x and in y
    ((0, 0, 10, 10), (17, 2, 22, 8)),  # apart in x
    ((0, 0, 10, 10), (2, 17, 8, 22)),  # apart in y
    ((20, 30, 60, 70), (30, 10, 50, 60)),
    ((20, 30, 60, 70), (30, 5, 50, 60)),
    ((20, 30, 60, 70), (10, 40, 60, 60)),
)

# 05.1

_W, _H = "max(x1 - x0, 0)", "max(y1 - y0, 0)"
_PATCH, _BOX = "0.2 * area(*patch)", "0.6 * area(*box)"
LABELS = {
    "where patch and object lie apart in x and in y, both differences are negative, and their product is positive: "
    "neither may go below 0.": (
        f"{_W} * {_H} -> (x1 - x0) * (y1 - y0)",
        f"{_W} * {_H} -> max((x1 - x0) * (y1 - y0), 0)",
    ),
    "a negative difference means apart, in x as in y; it becomes 0, not |.|.": (
        f"{_W} * {_H} -> abs((x1 - x0) * (y1 - y0))",
        f"{_W} -> abs(x1 - x0)",
        f"{_H} -> abs(y1 - y0)",
    ),
    "one condition is enough for it; both must hold.": " and shared ->  or shared",
    "the second condition is missing: a patch inside a large object shows only a part of it.": f"shared >= {_PATCH}",
    "the first condition is missing: in a large patch a small object is hardly to be seen.": f"shared >= {_BOX}",
    "0.2 and 0.6 are exchanged: 0.2 of the patch, 0.6 of the object.": (
        "shared >= 0.6 * area(*patch) and shared >= 0.2 * area(*box)"
    ),
    "exactly 0.2 |P|, or 0.6 |B|, is enough: >=, not >.": (
        "shared >= -> shared >",
        ">= 0.2 -> > 0.2",
        ">= 0.6 -> > 0.6",
    ),
    "it compares with the area of the union; compare with that of the patch, and with that of the object.": tuple(
        f"shared >= {least} * (area(*patch) + area(*box) - shared)" for least in (0.2, 0.5, 0.6)
    ),
    "every overlap is enough for it; two conditions must hold.": "shared > 0",
    "it counts one pixel too many each way: x1 and y1 are exclusive, a width is x1 - x0.": (
        "x1 - x0 -> x1 - x0 + 1; y1 - y0 -> y1 - y0 + 1"
    ),
    "it takes the object's last two numbers for its width and height; they are x1 and y1.": (
        "*box -> bx0, by0, bx1, by1; = patch, box -> = patch, (*box[:2], box[0] + box[2], box[1] + box[3])"
    ),
    "True and False are exchanged.": f"not (shared >= {_PATCH} and shared >= {_BOX})",
}


def check_label(label: Callable, right: Reference) -> None:
    """Check 05.1, the labelling rule."""

    def labels(label: Callable) -> list[bool]:
        return [bool(label(*pair)) for pair in _PATCHES_AND_BOXES]

    got, wanted = labels(lambda *pair: _verdict(label(*pair), *pair)), labels(right)
    if got == wanted:
        return
    for reason, mistaken in right.mistakes:
        if got == labels(mistaken):
            raise Wrong(reason)
    i = next(i for i, verdict in enumerate(got) if verdict != wanted[i])
    patch, box = _PATCHES_AND_BOXES[i]
    w, h = (max(0, min(patch[j + 2], box[j + 2]) - max(patch[j], box[j])) for j in (0, 1))
    areas = f"the patch has {_area(patch)} pixels, the object {_area(box)}, and they share {w * h}"
    raise Wrong(f"label({patch}, {box}) is {got[i]}; it should be {wanted[i]}: {areas}.")


def _verdict(got: Any, patch: tuple, box: tuple) -> bool:
    try:
        value = numbers(got)
    except (TypeError, ValueError):
        value = None
    if value is None or value.shape or value not in (0, 1):
        raise Wrong(f"label({patch}, {box}) is {got!r}; it should be True or False.")
    return bool(value)


def _area(box: tuple) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


# 05.3

_LENGTH, _STEP, _UP = "(n - s)", "((1 - overlap) * s)", "math.ceil"
_FLOOR = f"{_UP} -> math.floor; - 1e-9) + 1 -> + 1e-9)"
NUMBERS = {
    "these are the numbers at each scale; they are still to be summed.": (
        "total = 0 -> total = []; total += columns * rows -> total.append(columns * rows)"
    ),
    "it rounds down: the last patch of a row ends before the border. With one more, they overlap a little more.": (
        f"{_FLOOR} + 1"
    ),
    "it rounds to the nearest; where that is down, steps become too long.": (
        f"{_UP} -> round; - 1e-9 -> - 0",
        f"{_FLOOR} + 1; + 1e-9 -> + 0.5 + 1e-9",
    ),
    "it counts the steps between patches; of n patches in a row there are n - 1.": (
        "1e-9) + 1 -> 1e-9)",
        _FLOOR,
    ),
    "where a whole number of steps fits exactly, it takes one more.": f"{_FLOOR} + 2",
    "patches lie side by side; neighbours overlap.": "1 - overlap -> 1",
    "it steps by overlap x s; neighbours that overlap by that are (1 - overlap) x s apart.": "1 - overlap -> overlap",
    "it divides the whole length by the step; the first patch takes s of it, w - s is left for steps.": (
        f"{_LENGTH} -> n; 1e-9) + 1 -> 1e-9)",
        f"{_LENGTH} -> n; {_FLOOR}",
    ),
    "it makes patches of the longer side; s is the shorter one divided by lambda.": "min(width -> max(width",
    "it counts the rows as it does the columns, but the picture is no square.": tuple(
        f"n in (width, height) -> n in 2 * [{side}(width, height)]" for side in ("max", "min")
    ),
    "it adds the numbers of rows and columns; multiply them.": "columns * rows -> columns + rows",
    "one scale is missing: LAMBDAS has nine.": ("LAMBDAS: -> LAMBDAS[1:]:", "LAMBDAS: -> LAMBDAS[:-1]:"),
    "it is the number at the first scale; sum over all nine.": "LAMBDAS: -> LAMBDAS[:1]:",
    "of rounding: a number of steps that is whole comes out a trifle larger, as 0.6 / (1 - 0.8) does, and is rounded "
    "up to one more. Take 1e-9 away first.": tuple(
        f"{_LENGTH} / {_STEP} - 1e-9 -> {steps}"
        for steps in (
            f"{_LENGTH} / {_STEP}",
            f"{_LENGTH} / s / (1 - overlap)",
            "(n / s - 1) / (1 - overlap)",
            f"{_LENGTH} / (s - overlap * s)",
        )
    ),
}


def check_n_patches(n_patches: Callable, right: Reference) -> None:
    """Check 05.3, the number of patches."""
    for given in ((500, 375, 0.65), (375, 500, 0.5), (300, 300, 0.7), (333, 500, 0.6), (480, 360, 0.8)):
        width, height, overlap = given
        what = f"the number for {width} x {height} at {overlap:.0%}"
        right.compare(n_patches(*given), what, *given, tolerance=0)
