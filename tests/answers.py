"""What the tests of the chapters' exercises share: answers to them, and what is to be said of each."""

import pytest

from lecture_lib.exercises.comparing import define, varied
from lecture_lib.exercises.judging import judge


def judged(exercises, number, answer):
    """Judge an answer: source code, a variation of the solution as mistakes are, or what no function is."""
    exercise = next(exercise for exercise in exercises if exercise.number == number)
    if isinstance(answer, str) and callable(exercise.right):
        if not answer.startswith(("def ", "import ", "from ")):
            answer = varied(exercise.solution, answer)
        answer = define(answer)
    return judge(exercise, answer)


def exercise_tests(exercises, wrong, right):
    """Return a test of wrong answers, number -> {answer: a part of what is said}, and one of right ones."""

    @pytest.mark.filterwarnings("ignore")  # it is the answers that warn
    @pytest.mark.parametrize(("number", "answer"), [(n, answer) for n in wrong for answer in wrong[n]])
    def test_wrong_answers_are_told_why(number, answer):
        said = str(judged(exercises, number, answer))
        assert wrong[number][answer] in said, said

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize(("number", "answer"), [(n, answer) for n in right for answer in right[n]])
    def test_other_right_answers_are_right(number, answer):
        said = str(judged(exercises, number, answer))
        assert said.endswith("right."), said

    return test_wrong_answers_are_told_why, test_other_right_answers_are_right
