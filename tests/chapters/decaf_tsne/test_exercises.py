import pytest

from lecture_lib.chapters.decaf_tsne.exercises import EXERCISES
from lecture_lib.exercises.judging import judge

SORTED = "def purity(nearest, labels):\n    nearest.sort(1)\n    return (labels[nearest] == labels[:, None]).mean(1)"
WRITTEN_OUT = """def purity(nearest, labels):
    return [sum(labels[j] == label for j in row) / len(row) for row, label in zip(nearest, labels)]
"""


@pytest.mark.parametrize(
    ("number", "answer", "reason"),
    [
        ("01.1", "(labels[nearest] == labels[:, None]).mean()", "one number"),
        ("01.1", "(labels[nearest] == labels[:, None]).sum(1)", "divided by k"),
        ("01.1", "(labels[nearest] == labels).mean(1)", "stops"),
        ("01.1", "(nearest == labels[:, None]).mean(1)", "it should be"),
        ("01.1", "(labels[nearest] - labels[:, None] == 0).mean(1)", "stops"),  # words for labels
        ("01.1", SORTED, "changes its input `nearest`"),
        ("01.2", "c_in * c_out * k * h * w", "square"),
        ("01.2", "c_in * c_out * k * k", "weights"),
        ("01.2", "c_in * c_out * k * k * h * w", "groups=2"),
        ("01.2", "c_in * c_out // groups * k * k * h * h", "h and w may differ"),
        ("01.2", "c_in * c_out // groups * k * k * h * w + 100", "is 105415300; it should be 105415200"),
        ("01.2", "round(c_in * c_out // groups * k * k * h * w, -3)", "is 105415000"),
        ("01.2", "2 * c_in * c_out // groups * k * k * h * w", "it should be"),
    ],
)
def test_wrong_answers_are_told_why(judged, number, answer, reason):
    assert reason in judged(number, answer).reason


@pytest.mark.parametrize(
    ("number", "answer"), [("01.1", WRITTEN_OUT), ("01.2", "c_out * c_in / groups * k**2 * h * w")]
)
def test_other_right_answers_are_right(judged, number, answer):
    assert judged(number, answer).verdict == "right"


@pytest.mark.parametrize(
    ("supported", "reason"),
    [
        ("abd", "gap between two islands"),
        ({"a", "c", "d"}, "size of an island"),
        (["d"], "neighbours is missing"),
        ({"a"}, "given no labels"),
        ({"a", "d", "e"}, "not in the training set"),
        ("xyz", "'x' is none of the letters"),
        (5, "of type int cannot be used"),
        ({"a", ...}, "still a ..."),
    ],
)
def test_wrong_letters_are_told_why(supported, reason):
    assert reason in judge(EXERCISES[2], supported).reason


@pytest.mark.parametrize("supported", ["ad", "a, d", "(a) (d)", ["A", "D"], {"(a)", " d "}])
def test_letters_may_be_written_in_any_way(supported):
    assert judge(EXERCISES[2], supported).verdict == "right"
