"""The exercises of 99_scoreboard; their texts are in exercises.toml."""

import numpy as np

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.texts import with_texts

_LOW, _HIGH = np.array([0.4, -3.0, -1.0, 8.0, -1.5, 0.0]), np.array([2.0, -0.5, 1.0, 12.0, -0.2, 0.0])
_MARGIN = np.array([0.0, 0.0, 0.0, 10.0, -2.0, 0.0])

VERDICT = Exercise(
    "99.1", tries=(("", _LOW, _HIGH, _MARGIN), (" with margins of 0", _LOW, _HIGH, 0 * _MARGIN))
)

EXERCISES = with_texts(__file__, VERDICT)

check, hint, solution = commands(EXERCISES)
