import numpy as np
import pytest
from sklearn import metrics as sk

from lecture_lib import metrics


def ranking(n=200, classes=1, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, classes)) < 0.3).astype(np.int8)
    scores = labels + rng.normal(size=(n, classes))
    return (scores if levels is None else np.round(scores * levels) / levels), labels


def literal_ap(scores, labels, form):
    """The definition, threshold by threshold, on scikit-learn's curve."""
    kept = labels >= 0
    precision, recall, _ = sk.precision_recall_curve(labels[kept], scores[kept])
    precision, recall = precision[:-1], recall[:-1]  # without scikit-learn's added end point (1, 0)
    if form == "voc2007":
        reached = [precision[recall >= t / 10 - 1e-9] for t in range(11)]
        return np.mean([r.max() for r in reached])
    steps = np.unique(recall[recall > 0])
    return sum(
        (r - before) * precision[recall >= r].max() for before, r in zip([0, *steps[:-1]], steps, strict=True)
    )


# confusion matrix and mean class accuracy


def test_confusion_matrix_has_true_classes_as_rows():
    predicted, labels = np.random.default_rng(0).integers(0, 7, (2, 500))
    assert (metrics.confusion_matrix(predicted, labels, 7) == sk.confusion_matrix(labels, predicted)).all()
    assert metrics.confusion_matrix([2], [0]).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_frequent_classes_do_not_outweigh_rare_ones():
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    assert metrics.mean_class_accuracy(np.zeros_like(labels), labels) == pytest.approx(1 / 3)
    predicted = np.random.default_rng(1).integers(0, 3, len(labels))
    assert metrics.mean_class_accuracy(predicted, labels) == pytest.approx(
        sk.balanced_accuracy_score(labels, predicted)
    )


def test_class_absent_from_the_truth_is_left_out_of_the_mean_but_its_predictions_are_errors():
    # class 1 is never true: two classes count; one of two pictures of class 2 is taken for class 1
    assert metrics.mean_class_accuracy([0, 0, 1, 2], [0, 0, 2, 2]) == pytest.approx((1 + 0.5) / 2)


def test_confusion_matrix_rejects_what_bincount_would_silently_misplace():
    for predicted, labels, n_classes, words in [
        ([0, 1], [0], None, "2 predictions for 1 labels"),
        ([], [], None, "whole numbers"),
        (np.zeros(0, int), np.zeros(0, int), None, "no images"),
        ([0, 3], [0, 1], 3, "Class index 3 in 3 classes"),
        ([0, -1], [0, 1], None, "from 0"),
        ([0.0, 1.0], [0, 1], None, "predicted: float64"),
        ([0, 1], [[0, 1]], None, r"labels: int64 \(1, 2\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            metrics.confusion_matrix(predicted, labels, n_classes)


# top-k error


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_error_without_ties_is_scikit_learns(k):
    rng = np.random.default_rng(2)
    scores, labels = rng.normal(size=(300, 10)), rng.integers(0, 10, 300)
    expected = 1 - sk.top_k_accuracy_score(labels, scores, k=k, labels=np.arange(10))
    assert metrics.top_k_error(scores, labels, k) == pytest.approx(expected)


def test_a_model_that_cannot_choose_gains_nothing_from_the_order_of_the_classes():
    labels = np.arange(10)
    assert metrics.top_k_error(np.zeros((10, 10)), labels, 5) == 1
    assert metrics.top_k_error(np.zeros((10, 10)), labels, 10) == 0
    scores = np.array([[3.0, 2.0, 2.0, 0.0]] * 4)  # 1 and 2 share the places two and three
    assert metrics.top_k_error(scores, np.arange(4), 2) == 0.75
    assert metrics.top_k_error(scores, np.arange(4), 3) == 0.25


def test_top_k_error_rejects_shapes_and_k_that_make_no_sense():
    for scores, labels, k, words in [
        (np.zeros((3, 4)), [0, 1], 1, "for 2 labels"),
        (np.zeros(3), [0, 1, 2], 1, r"give scores \[N, C\]"),
        (np.zeros((2, 4)), [0, 4], 1, "Class index 4"),
        (np.zeros((2, 4)), [0, 1], 5, "k = 5 with 4"),
        (np.zeros((2, 4)), [0, 1], 0, "k = 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            metrics.top_k_error(scores, labels, k)


# average precision


def test_average_precision_by_hand():
    # ranked: + - + - - + ; precision at the hits 1, 2/3, 3/6; recall 1/3, 2/3, 1
    scores, labels = np.array([6, 5, 4, 3, 2, 1.0]), np.array([1, 0, 1, 0, 0, 1])
    assert metrics.average_precision(scores, labels, "voc2010") == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    # recalls 0-.3 reach 1, .4-.6 reach 2/3, .7-1 reach 1/2
    assert metrics.average_precision(scores, labels) == pytest.approx((4 * 1 + 3 * 2 / 3 + 4 / 2) / 11)


def test_a_dip_in_precision_is_bridged_in_both_voc_forms_but_not_in_scikit_learns():
    # ranked: - + + ; precision 0, 1/2, 2/3: the highest from any recall on is 2/3
    scores, labels = np.array([3, 2, 1.0]), np.array([0, 1, 1])
    assert metrics.average_precision(scores, labels, "voc2007") == pytest.approx(2 / 3)
    assert metrics.average_precision(scores, labels, "voc2010") == pytest.approx(2 / 3)
    assert sk.average_precision_score(labels, scores) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_all_point_form_equals_scikit_learn_where_precision_never_rises():
    labels = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    scores = -np.arange(15.0)
    assert (np.diff((np.cumsum(labels) / np.arange(1, 16))[np.flatnonzero(labels)]) <= 0).all()
    assert metrics.average_precision(scores, labels, "voc2010") == pytest.approx(
        sk.average_precision_score(labels, scores)
    )


@pytest.mark.parametrize("form", ["voc2007", "voc2010"])
@pytest.mark.parametrize("levels", [None, 4, 1])
@pytest.mark.parametrize("seed", range(5))
def test_both_forms_equal_the_literal_definition_with_ties_and_difficult_objects(form, levels, seed):
    scores, labels = ranking(120, 5, seed, levels)
    labels[np.random.default_rng(seed).random(labels.shape) < 0.2] = -1
    expected = [literal_ap(s, y, form) for s, y in zip(scores.T, labels.T, strict=True)]
    assert metrics.average_precision(scores, labels, form) == pytest.approx(expected, abs=1e-12)


def test_eleven_points_are_reached_exactly_when_positives_are_a_multiple_of_ten():
    # With 10 positives recall 3/10 is 0.3, but 3 * 0.1 is 0.30000000000000004.
    labels = np.tile([1, 0, 0], 10)
    reached = [(k + 1) / (3 * k + 1) for k in range(10)]  # precision at the k-th hit, falling
    expected = (reached[0] + sum(reached)) / 11
    assert metrics.average_precision(-np.arange(30.0), labels) == pytest.approx(expected, abs=1e-12)


def test_difficult_objects_neither_help_nor_hurt_average_precision():
    scores, labels = ranking(60)
    scores, labels = scores[:, 0], labels[:, 0]
    difficult = np.concatenate([labels, -np.ones(30, np.int8)])
    for extra in (np.full(30, scores.max() + 1), np.full(30, scores.min() - 1), scores[:30]):
        for form in ("voc2007", "voc2010"):
            assert metrics.average_precision(np.concatenate([scores, extra]), difficult, form) == (
                pytest.approx(metrics.average_precision(scores, labels, form), abs=1e-12)
            )


@pytest.mark.parametrize("form", ["voc2007", "voc2010"])
def test_ties_do_not_depend_on_the_order_of_the_images(form):
    scores, labels = ranking(100, 3, levels=2)
    shuffled = np.random.default_rng(5).permutation(100)
    assert metrics.average_precision(scores, labels, form) == pytest.approx(
        metrics.average_precision(scores[shuffled], labels[shuffled], form), abs=1e-12
    )
    # one score for all: a single point, at recall 1 and the precision of guessing
    assert metrics.average_precision(np.zeros(8), [1, 1, 0, 0, 0, 0, 0, 0], form) == pytest.approx(0.25)


def test_classes_are_ranked_apart_from_each_other():
    scores, labels = ranking(80, 6)
    one_by_one = [metrics.average_precision(scores[:, c], labels[:, c]) for c in range(6)]
    assert metrics.average_precision(scores, labels).tolist() == pytest.approx(one_by_one)
    assert metrics.average_precision(1e6 * scores + 3, labels).tolist() == pytest.approx(one_by_one)


def test_perfect_and_worst_rankings():
    labels = np.repeat([1, 0], 10)
    assert metrics.average_precision(-np.arange(20.0), labels) == pytest.approx(1)
    assert metrics.average_precision([-np.inf, 0, np.inf], [0, 0, 1], "voc2010") == pytest.approx(1)
    assert metrics.average_precision(np.arange(20.0), labels, "voc2010") == pytest.approx(0.5)


def test_class_without_a_positive_is_nan_and_said_to_be_left_out_of_the_mean():
    scores, labels = ranking(50, 4)
    labels[:, 1] = 0
    labels[labels[:, 3] == 1, 3] = -1  # only difficult ones
    for form in ("voc2007", "voc2010"):
        ap = metrics.average_precision(scores, labels, form)
        assert np.isnan(ap).tolist() == [False, True, False, True]
        with pytest.warns(UserWarning, match=r"mAP over 2 of 4 classes: no positive image of class 1, 3\."):
            assert metrics.mean_average_precision(scores, labels, form) == pytest.approx(ap[[0, 2]].mean())
    with pytest.raises(ValueError, match="None of the 2 classes"):
        metrics.mean_average_precision(scores[:, [1, 3]], labels[:, [1, 3]])


def test_nan_scores_are_rejected_and_located():
    scores, labels = ranking(10, 3)
    scores[4, 1] = scores[7, 2] = np.nan
    for call in (metrics.average_precision, metrics.mean_average_precision):
        with pytest.raises(ValueError, match=r"2 of 30 scores are NaN \(the first at \[4, 1\]\)"):
            call(scores, labels)
    with pytest.raises(ValueError, match="NaN has no rank"):
        metrics.top_k_error(scores, np.zeros(10, int))


def test_labels_of_another_convention_are_rejected():
    with pytest.raises(ValueError, match="Label 2; give 1, 0 or -1"):
        metrics.average_precision([0.1, 0.2], [1, 2])
    with pytest.raises(ValueError, match=r"Scores \(2, 1\) for labels \(2,\)"):
        metrics.average_precision([[0.1], [0.2]], [1, 0])
    with pytest.raises(ValueError, match="no form 'voc2012'"):
        metrics.average_precision([0.1, 0.2], [1, 0], "voc2012")


def test_scores_may_be_float32_integers_or_torch_tensors():
    torch = pytest.importorskip("torch")
    scores, labels = ranking(40, 2)
    expected = metrics.average_precision(scores.astype(np.float32), labels)
    assert (metrics.average_precision(torch.tensor(scores).float(), torch.tensor(labels)) == expected).all()
    assert metrics.average_precision([3, 2, 1], [True, False, False]) == pytest.approx(1)
