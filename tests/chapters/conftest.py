"""What the tests of several chapters' exercises share."""

import pytest

from lecture_lib.exercises.comparing import define, varied
from lecture_lib.exercises.judging import judge


@pytest.fixture
def judged(request):
    """Judge an answer to one of the module's EXERCISES: source code, or a variation of the solution as mistakes are."""
    exercises = {exercise.number: exercise for exercise in request.module.EXERCISES}

    def judged(number, answer):
        is_source = answer.startswith(("def ", "import ", "from "))
        if not is_source:
            answer = f"import numpy as np\n{varied(exercises[number].solution, answer)}"
        return judge(exercises[number], define(answer))

    return judged
