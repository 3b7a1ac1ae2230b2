"""What 05.1 and 05.3 of 05_patch_transfer are checked with: overlaps and grids, and mistakes that are made in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS
from lecture_lib.exercises.judging import Wrong, call, compare, numbers

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


def check_label(label: Callable) -> None:
    """Check 05.1, the labelling rule."""
    found = [_verdict(call(label, patch, box), patch, box) for patch, box in _PATCHES_AND_BOXES]
    right = _labels()
    if found == right:
        return
    for mistaken, reason in _typical_labels():
        if found == mistaken:
            raise Wrong(reason)
    i = next(i for i, verdict in enumerate(found) if verdict != right[i])
    patch, box = _PATCHES_AND_BOXES[i]
    w, h = _overlap(patch, box)
    raise Wrong(
        f"label({patch}, {box}) is {found[i]}; it should be {right[i]}: the patch has {_area(patch)} pixels, the "
        f"object {_area(box)}, and they share {max(w, 0) * max(h, 0)}."
    )


def _verdict(found: Any, patch: tuple, box: tuple) -> bool:
    try:
        value = numbers(found)
    except (TypeError, ValueError):
        value = None
    if value is None or value.shape or value not in (0, 1):
        raise Wrong(f"label({patch}, {box}) is {found!r}; it should be True or False.")
    return bool(value)


def _overlap(patch: tuple, box: tuple, more: int = 0) -> tuple[int, int]:
    """The width and the height that they share; negative where they lie apart."""
    w, h = (min(patch[i + 2], box[i + 2]) - max(patch[i], box[i]) + more for i in (0, 1))
    return w, h


def _area(box: tuple, more: int = 0) -> int:
    return (box[2] - box[0] + more) * (box[3] - box[1] + more)


def _both(shared: float, of_patch: float, of_object: float) -> bool:
    return shared >= 0.2 * of_patch and shared >= 0.6 * of_object


def _labels(
    rule: Callable = _both,
    share: Callable = lambda w, h: max(w, 0) * max(h, 0),
    more: int = 0,
    read: Callable = lambda box: box,
) -> list[bool]:
    """The verdicts of a rule for the three areas, with the shared one made of the width and height of the overlap."""
    return [
        rule(share(*_overlap(patch, read(box), more)), _area(patch, more), _area(read(box), more))
        for patch, box in _PATCHES_AND_BOXES
    ]


def _typical_labels() -> Iterator:
    product = (
        "where patch and object lie apart in x and in y, both differences are negative, and their product is positive: "
        "neither may go below 0."
    )
    yield _labels(share=lambda w, h: w * h), product
    yield _labels(share=lambda w, h: max(w * h, 0)), product
    yield (
        _labels(share=lambda w, h: abs(w) * abs(h)),
        "a negative difference means apart; it becomes 0, not |.|.",
    )
    for share in (lambda w, h: max(w, 0) * abs(h), lambda w, h: abs(w) * max(h, 0)):
        yield _labels(share=share), "a negative difference means apart, in x as in y; it becomes 0, not |.|."
    yield (
        _labels(lambda s, p, b: s >= 0.2 * p or s >= 0.6 * b),
        "one condition is enough for it; both must hold.",
    )
    yield (
        _labels(lambda s, p, b: s >= 0.2 * p),
        "the second condition is missing: a patch inside a large object shows only a part of it.",
    )
    yield (
        _labels(lambda s, p, b: s >= 0.6 * b),
        "the first condition is missing: in a large patch a small object is hardly to be seen.",
    )
    yield (
        _labels(lambda s, p, b: s >= 0.6 * p and s >= 0.2 * b),
        "0.2 and 0.6 are exchanged: 0.2 of the patch, 0.6 of the object.",
    )
    for rule in (
        lambda s, p, b: s > 0.2 * p and s > 0.6 * b,
        lambda s, p, b: s > 0.2 * p and s >= 0.6 * b,
        lambda s, p, b: s >= 0.2 * p and s > 0.6 * b,
    ):
        yield _labels(rule), "exactly 0.2 |P|, or 0.6 |B|, is enough: >=, not >."
    for least in (0.2, 0.5, 0.6):
        yield (
            _labels(lambda s, p, b, least=least: s >= least * (p + b - s)),
            "it compares with the area of the union; compare with that of the patch, and with that of the object.",
        )
    yield _labels(lambda s, p, b: s > 0), "every overlap is enough for it; two conditions must hold."
    yield (
        _labels(more=1),
        "it counts one pixel too many each way: x1 and y1 are exclusive, a width is x1 - x0.",
    )
    corner_and_size = "it takes the object's last two numbers for its width and height; they are x1 and y1."
    yield _labels(read=lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])), corner_and_size
    yield [not verdict for verdict in _labels()], "True and False are exchanged."


# Exact fractions: in floating point 0.6 / (1 - 0.8) is above 3, and rounds up to a patch too many.

_EXACT_LAMBDAS = [Fraction(str(lam)) for lam in LAMBDAS]


def check_n_patches(n_patches: Callable) -> None:
    """Check 05.3, the number of patches."""
    for width, height, overlap in (
        (500, 375, 0.65),
        (375, 500, 0.5),
        (300, 300, 0.7),
        (333, 500, 0.6),
        (480, 360, 0.8),
    ):
        compare(
            call(n_patches, width, height, overlap),
            sum(_per_scale(width, height, overlap)),
            f"the number for {width} x {height} at {overlap:.0%}",
            tolerance=0,
            typical=_typical_numbers(width, height, overlap),
        )


def _per_scale(
    width: int, height: int, overlap: float, round_up: Callable = math.ceil, more: int = 1
) -> list[int]:
    """The number of patches at each lambda."""
    step = 1 - Fraction(str(overlap))  # in widths of a patch
    short = min(width, height)
    return [
        math.prod(round_up((length * lam / short - 1) / step) + more for length in (width, height))
        for lam in _EXACT_LAMBDAS
    ]


def _typical_numbers(width: int, height: int, overlap: float) -> Iterator:
    right = _per_scale(width, height, overlap)
    yield right, "these are the numbers at each scale; they are still to be summed."
    yield (
        sum(_per_scale(width, height, overlap, math.floor)),
        "it rounds down: the last patch of a row ends before the border. With one more, they overlap a little more.",
    )
    for nearest in (round, lambda steps: math.floor(steps + Fraction(1, 2))):
        yield (
            sum(_per_scale(width, height, overlap, nearest)),
            "it rounds to the nearest; where that is down, steps become too long.",
        )
    for round_up in (math.ceil, math.floor):
        yield (
            sum(_per_scale(width, height, overlap, round_up, 0)),
            "it counts the steps between patches; of n patches in a row there are n - 1.",
        )
    yield (
        sum(_per_scale(width, height, overlap, lambda steps: math.floor(steps) + 1)),
        "where a whole number of steps fits exactly, it takes one more.",
    )
    yield sum(_per_scale(width, height, 0)), "patches lie side by side; neighbours overlap."
    yield (
        sum(_per_scale(width, height, float(1 - Fraction(str(overlap))))),
        "it steps by overlap x s; neighbours that overlap by that are (1 - overlap) x s apart.",
    )
    step, short = 1 - Fraction(str(overlap)), min(width, height)
    for round_up in (math.ceil, math.floor):
        yield (
            sum(
                math.prod(round_up(n * lam / short / step) for n in (width, height)) for lam in _EXACT_LAMBDAS
            ),
            "it divides the whole length by the step; the first patch takes s of it, w - s is left for steps.",
        )
    longest = max(width, height)
    of_longest = [
        math.prod(math.ceil((n * lam / longest - 1) / step) + 1 for n in (width, height))
        for lam in _EXACT_LAMBDAS
    ]
    yield sum(of_longest), "it makes patches of the longer side; s is the shorter one divided by lambda."
    for side in (longest, short):
        square = sum((math.ceil((side * lam / short - 1) / step) + 1) ** 2 for lam in _EXACT_LAMBDAS)
        yield square, "it counts the rows as it does the columns, but the picture is no square."
    rows_and_columns = (
        math.ceil((n * lam / short - 1) / step) + 1 for lam in _EXACT_LAMBDAS for n in (width, height)
    )
    yield sum(rows_and_columns), "it adds the numbers of rows and columns; multiply them."
    for some in (right[1:], right[:-1]):
        yield sum(some), "one scale is missing: LAMBDAS has nine."
    yield right[0], "it is the number at the first scale; sum over all nine."
    trap = (
        "of rounding: a number of steps that is whole comes out a trifle larger, as 0.6 / (1 - 0.8) does, and is "
        "rounded up to one more. Take 1e-9 away first."
    )
    for steps in (
        lambda n, s: (n - s) / (s * (1 - overlap)),
        lambda n, s: (n - s) / s / (1 - overlap),
        lambda n, s: (n / s - 1) / (1 - overlap),
        lambda n, s: (n - s) / (s - overlap * s),
    ):
        sides = [short / lam for lam in LAMBDAS]
        yield sum(math.prod(math.ceil(steps(n, s)) + 1 for n in (width, height)) for s in sides), trap
