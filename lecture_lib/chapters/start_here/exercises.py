"""The exercise of 00_start_here, a warm-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong


def _float_picture(to_unit: Callable, picture: torch.Tensor) -> Iterator[tuple]:
    x = to_unit(picture)
    if not isinstance(x, torch.Tensor):
        raise Wrong(f"to_unit gives a {type(x).__name__}; it should give a tensor.")
    if x.dtype != torch.float32:
        raise Wrong(f"the result is {x.dtype}; networks compute in torch.float32.")
    yield "the result", x


_PICTURE = torch.linspace(0, 255, 3 * 4 * 5).round().byte().reshape(3, 4, 5)

TO_UNIT = Exercise(
    number="00.1",
    question="Turn a picture of bytes, uint8 [3, H, W], into float32 between 0 and 1.",
    hints=(
        "A byte goes from 0 to 255. Which number turns 255 into 1?",
        "`picture.float()` is the same picture in float32.",
        "Divide the float picture by 255, and return it.",
    ),
    solution="""
def to_unit(picture):
    return picture.float() / 255
""",
    mistakes={
        "white is 255, also where a picture has none: divide by 255, not by its largest.": "/ 255 -> / picture.max()",
        "0 is black and 1 is white, also where a picture has neither: divide by 255, whatever its own range.": (
            "picture.float() / 255 -> (picture.float() - picture.min()) / (picture.max() - picture.min())"
        ),
        "white, 255, should become 1: divide by 255, not by 256.": "/ 255 -> / 256",
    },
    tries=(("", _PICTURE), (" for a picture with values from 30 to 248", _PICTURE.clamp(30, 248))),
    parts=_float_picture,
)

EXERCISES = (TO_UNIT,)

check, hint, solution = commands(EXERCISES)
