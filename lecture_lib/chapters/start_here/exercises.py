"""The exercises of 00_start_here, to warm up."""

from collections.abc import Callable, Iterator

import torch

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts


def _picture_of(dtype: torch.dtype, because: str) -> Callable[..., Iterator[tuple]]:
    def parts(answer: Callable, *pictures: torch.Tensor) -> Iterator[tuple]:
        x = answer(*pictures)
        if not isinstance(x, torch.Tensor):
            raise Wrong(f"it gives a {type(x).__name__}; it should give a tensor.")
        if x.dtype != dtype:
            raise Wrong(f"the result is {x.dtype}; {because} {dtype}.")
        yield "the result", x

    return parts


_PICTURE = torch.linspace(0, 255, 3 * 4 * 5).round().byte().reshape(3, 4, 5)

TO_UNIT = Exercise(
    "00.1",
    tries=(("", _PICTURE), (" for a picture with values from 30 to 248", _PICTURE.clamp(30, 248))),
    parts=_picture_of(torch.float32, "networks compute in"),
)

_DARK, _BRIGHT = _PICTURE // 3, _PICTURE // 2 + 128  # sums up to 340; both have odd values at some pixels

MIX = Exercise(
    "00.2",
    tries=(("", _DARK, _BRIGHT), (" for two bright pictures", _BRIGHT, _BRIGHT.flip(0))),
    parts=_picture_of(torch.uint8, "a picture of bytes is"),
)

EXERCISES = with_texts(__file__, TO_UNIT, MIX)

check, hint, solution = commands(EXERCISES)
