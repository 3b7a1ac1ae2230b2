import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as sk

from lecture_lib import metrics


def ranking(n, classes):
    rng = np.random.default_rng(0)
    labels = (rng.random((n, classes)) < 0.3).astype(np.int8)
    return labels + rng.normal(size=(n, classes)), labels


# a score of few values, so that there are ties, and a label, of each of some images; one is positive
images = st.lists(st.tuples(st.integers(0, 8), st.sampled_from([1, 0, -1])), min_size=1, max_size=40).filter(
    lambda drawn: any(label == 1 for _, label in drawn)
)


def literal_ap(scores, labels):
    """The definition, threshold by threshold, on scikit-learn's curve."""
    kept = labels >= 0
    precision, recall, _ = sk.precision_recall_curve(labels[kept], scores[kept])
    precision, recall = precision[:-1], recall[:-1]  # without scikit-learn's added end point (1, 0)
    return np.mean([precision[recall >= t / 10 - 1e-9].max() for t in range(11)])


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
    # recalls 0-.3 reach 1, .4-.6 reach 2/3, .7-1 reach 1/2
    assert metrics.average_precision(scores, labels) == pytest.approx((4 * 1 + 3 * 2 / 3 + 4 / 2) / 11)


@given(images)
def test_average_precision_is_the_literal_definition_with_ties_and_difficult_objects(drawn):
    scores, labels = np.array(drawn).T
    assert metrics.average_precision(scores, labels) == pytest.approx(literal_ap(scores, labels))


@given(st.lists(images, min_size=2, max_size=2), st.randoms())
def test_order_of_images_scale_of_scores_and_other_classes_do_not_matter(drawn, random):
    n = min(map(len, drawn))
    scores, labels = np.moveaxis([pairs[:n] for pairs in drawn], (2, 1), (0, 1))
    assume((labels == 1).any(0).all())
    expected = [metrics.average_precision(s, y) for s, y in zip(scores.T, labels.T, strict=True)]
    order = random.sample(range(n), n)
    found = metrics.average_precision(np.exp(scores[order] / 3.0) - 7, labels[order])
    assert found.tolist() == pytest.approx(expected)


def test_eleven_points_are_reached_exactly_when_positives_are_a_multiple_of_ten():
    # With 10 positives recall 3/10 is 0.3, but 3 * 0.1 is 0.30000000000000004.
    labels = np.tile([1, 0, 0], 10)
    reached = [(k + 1) / (3 * k + 1) for k in range(10)]  # precision at the k-th hit, falling
    expected = (reached[0] + sum(reached)) / 11
    assert metrics.average_precision(-np.arange(30.0), labels) == pytest.approx(expected, abs=1e-12)


def test_class_without_a_positive_is_nan_and_said_to_be_left_out_of_the_mean():
    scores, labels = ranking(50, 4)
    labels[:, 1] = 0
    labels[labels[:, 3] == 1, 3] = -1  # only difficult ones
    ap = metrics.average_precision(scores, labels)
    assert np.isnan(ap).tolist() == [False, True, False, True]
    with pytest.warns(UserWarning, match=r"mAP over 2 of 4 classes: no positive image of class 1, 3\."):
        assert metrics.mean_average_precision(scores, labels) == pytest.approx(ap[[0, 2]].mean())
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


def test_scores_may_be_float32_integers_or_torch_tensors():
    torch = pytest.importorskip("torch")
    scores, labels = ranking(40, 2)
    expected = metrics.average_precision(scores.astype(np.float32), labels)
    assert (metrics.average_precision(torch.tensor(scores).float(), torch.tensor(labels)) == expected).all()
    assert metrics.average_precision([3, 2, 1], [True, False, False]) == pytest.approx(1)


@pytest.mark.filterwarnings("error")
def test_the_measure_of_several_labels_is_mAP_over_the_classes_that_occur():
    scores, labels = ranking(50, 4)
    labels[::7, 0] = -1
    labels[:, 2] = 0
    expected = np.nanmean(metrics.average_precision(scores, labels))
    assert metrics.measure(scores, labels) == pytest.approx(expected)
    assert metrics.measure(np.eye(3)[[0, 1, 1]], np.array([0, 1, 2])) == pytest.approx(2 / 3)


def test_by_class_is_the_average_precision_or_the_share_of_right_answers_of_each():
    scores, labels = ranking(50, 3)
    assert (metrics.by_class(scores, labels) == 100 * metrics.average_precision(scores, labels)).all()
    assert metrics.by_class(np.eye(3)[[0, 1, 1, 2]], np.array([0, 1, 2, 2])).tolist() == [100, 100, 50]


@given(st.lists(st.integers(0, 11), min_size=12, max_size=25), st.integers(0, 2**16))
def test_resamples_have_the_ap_of_the_repeated_pictures(drawn, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.integers(0, 6, (12, 3)).astype(float), rng.integers(-1, 2, (12, 3))
    expected = metrics.average_precision(scores[drawn], labels[drawn])
    np.testing.assert_allclose(metrics.resampled(scores, labels)(drawn), expected, atol=1e-12)
