"""The exercises of 00_start_here, to warm up."""

from collections.abc import Callable, Iterator

import torch

from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong


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
    parts=_picture_of(torch.float32, "networks compute in"),
)


_DARK, _BRIGHT = _PICTURE // 3, _PICTURE // 2 + 128  # sums up to 340; both have odd values at some pixels

MIX = Exercise(
    number="00.2",
    question="A bug to find: the picture half-way between two.",
    stub="""
def mix(one, other):
    return (one + other) // 2
""",
    hints=(
        "Take two bright pixels: what is torch.tensor([200], dtype=torch.uint8) + 100?",
        "A byte ends at 255; the sum of two does not fit into one. Which type has more room?",
        "Add one.int() and other.int(), halve the sum, and make bytes of that: .to(torch.uint8).",
    ),
    solution="""
# bytes begin again at 0 after 255, without an error: only bright pixels came out too dark
def mix(one, other):
    return ((one.int() + other.int()) // 2).to(torch.uint8)
""",
    mistakes={
        "bright pixels come out too dark: the sum does not fit into a byte, and begins again at 0.": (
            "one.int() + other.int() -> one + other"
        ),
        "each half is rounded down by itself, so two odd values lose 1.": (
            "(one.int() + other.int()) // 2 -> (one // 2 + other // 2)"
        ),
        "halves are rounded up, or to even numbers; round them down.": (
            "(one.int() + other.int()) // 2 -> (one.int() + other.int() + 1) // 2"
            " | (one.int() + other.int()) // 2 -> ((one.int() + other.int()) / 2).round()"
        ),
        "that is the sum, cut at 255; it is still to be halved.": (
            "(one.int() + other.int()) // 2 -> (one.int() + other.int()).clamp(max=255)"
        ),
    },
    tries=(("", _DARK, _BRIGHT), (" for two bright pictures", _BRIGHT, _BRIGHT.flip(0))),
    parts=_picture_of(torch.uint8, "a picture of bytes is"),
)

QUESTIONS = choices(
    "00.3",
    "c a b c b",
    [
        {
            "a": "What you see above is saved text; the kernel has forgotten every variable.",
            "b": "Nothing runs by itself; Run > Run All Above Selected Cell would do it.",
            "c": "A restarted kernel knows no variable until the cell that sets it has run again.",
        },
        {
            "a": "Each run adds 1 to what the kernel holds: 1 + 1 + 1 + 1.",
            "b": "The kernel does not go by the page; it keeps what each run has left.",
            "c": "A cell may run again; it does its work once more.",
        },
        {
            "a": "Those are the pixels; each has three colours.",
            "b": "Three colours of 100 rows of 200 columns.",
            "c": "256 is how many values a byte can have, not how many bytes there are.",
        },
        {
            "a": "The twin has other pictures: nobody has tried the photographs yet.",
            "b": "It may be lower or higher; photographs would have to be tried.",
            "c": "The number says what it was measured on, and no more.",
        },
        {
            "a": "There are two outcomes, right and wrong, but they are not equally likely.",
            "b": "One of 54 classes is right: 1.9 %. This is called chance; compare every accuracy with it.",
            "c": "A blind guess is right now and then: once in 54.",
        },
    ],
)

EXERCISES = (TO_UNIT, MIX, QUESTIONS)

check, hint, solution = commands(EXERCISES)
