"""The exercise of 00_start_here, a warm-up."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lecture_lib.exercises.comparing import Reference
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

_MISTAKES = {
    "white is 255, also where a picture has none: divide by 255, not by its own largest number.": (
        "/ 255 -> / picture.max()"
    ),
    "0 is black and 1 is white, also where a picture has neither: divide by 255, whatever its own range.": (
        "picture.float() / 255 -> (picture.float() - picture.min()) / (picture.max() - picture.min())"
    ),
}


def _check_to_unit(to_unit: Callable, right: Reference) -> None:
    picture = torch.arange(3 * 4 * 5, dtype=torch.uint8).reshape(3, 4, 5) * 4
    picture[0, 0, 0], picture[-1, -1, -1] = 0, 255
    x = to_unit(picture)
    if not isinstance(x, torch.Tensor):
        raise Wrong(f"to_unit gives a {type(x).__name__}; it should give a tensor.")
    if x.shape != picture.shape:
        raise Wrong(f"a picture of shape {list(picture.shape)} became one of shape {list(x.shape)}.")
    if x.dtype != torch.float32:
        raise Wrong(f"the result is {x.dtype}; networks compute in torch.float32.")
    if abs(x.max().item() - 1) > 1e-6:
        raise Wrong(f"white, 255, became {x.max().item():.4g}; it should become 1.")
    right.compare(x, "the result", picture)
    grey = picture.clamp(30, 248)
    right.compare(to_unit(grey), "the result for a picture with values from 30 to 248", grey)


EXERCISES = (
    Exercise(
        number="00.1",
        question="Turn a picture of bytes, uint8 [3, H, W], into float32 between 0 and 1.",
        check=_check_to_unit,
        hints=(
            "A byte goes from 0 to 255. Which number turns 255 into 1?",
            "`picture.float()` is the same picture in float32.",
            "Divide the float picture by 255, and return it.",
        ),
        solution="""
def to_unit(picture):
    return picture.float() / 255
""",
        mistakes=_MISTAKES,
    ),
)

check, hint, solution = commands(EXERCISES)
