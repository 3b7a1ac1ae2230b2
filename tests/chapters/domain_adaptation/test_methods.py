"""The rows of the table on small domains: what each may look at, and what it must be able to do."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import expm

from lecture_lib.chapters.domain_adaptation import dann, dlid, liblinear, methods, shifts, statements, tables
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.protocols import ProtocolError
from lecture_lib.datasets.trials import GONG, drawn_trial, published_trial

CLASSES, EACH = 4, 30
WAYS = ("amazon", "webcam")


@pytest.fixture(scope="module")
def images():
    """Pictures that nobody looks at: 30 of each of four classes in two domains."""
    n = 2 * CLASSES * EACH
    labels = np.tile(np.repeat(np.arange(CLASSES), EACH), 2)
    splits = {"amazon": np.arange(n // 2), "webcam": np.arange(n // 2, n)}
    pixels = ArrayImages(np.zeros((n, 3, 2, 2), np.uint8))
    return ImageCollection("few", "twin", pixels, tuple("abcd"), labels, splits=splits, protocol=drawn_trial)


@pytest.fixture(scope="module")
def x(images):
    """Vectors [N, 12]: a direction a class, and the target moved along others and along its own."""
    rng = np.random.default_rng(0)
    x = 2 * np.eye(12)[images.labels] + 0.4 * rng.normal(size=(len(images.labels), 12))
    target = images.splits["webcam"]
    turn = rng.normal(size=(12, 12))
    x[target] = x[target] @ expm(0.15 * (turn - turn.T)) + 0.3 * rng.normal(size=12)
    return x.astype(np.float32)


@pytest.fixture(scope="module")
def given(images, x):
    return shifts.shift(x, images, *WAYS, 0)


def every(given):
    return methods.SUPERVISED | methods.aligned(given, 4) | methods.DEEP


def test_a_trial_has_saenkos_numbers_and_no_picture_twice(images, given):
    assert [len(a) for a in (given.xs, given.xt, given.test)] == [20 * CLASSES, 3 * CLASSES, 27 * CLASSES]
    assert set(np.bincount(given.ys)) == {20}
    assert set(np.bincount(given.yt)) == {3}
    rows = [{row.tobytes() for row in a} for a in (given.xs, given.xt, given.test)]
    assert not rows[0] & rows[1] | rows[0] & rows[2] | rows[1] & rows[2]
    assert rows[1] | rows[2] == {row.tobytes() for row in given.ut}


def test_more_labels_contain_fewer_and_other_protocols_are_others(images):
    few, many = (drawn_trial(images, 3, source="webcam", target="amazon", labelled=n)[0] for n in (1, 5))
    assert set(few) < set(many)
    train, test = drawn_trial(images, 0, source="webcam", target="amazon", labelled=0, per_class=GONG)
    assert len(train) == 20 * CLASSES
    assert np.array_equal(test, images.splits["amazon"])
    for wrong in (("webcam", "webcam"), ("webcam", "caltech")):
        with pytest.raises(ProtocolError, match="take two of the domains amazon, webcam"):
            drawn_trial(images, 0, source=wrong[0], target=wrong[1])
    with pytest.raises(ProtocolError, match="too few for 30 with labels"):
        drawn_trial(images, 0, source="webcam", target="amazon", labelled=30)
    with pytest.raises(ProtocolError, match=r"no trial_01 amazon to webcam.*of nothing.*drawn_trial"):
        published_trial(images, 0, source="amazon", target="webcam")


def test_no_method_looks_at_the_test_pictures_labels(given):
    blind = shifts.replace(given, truth=np.full_like(given.truth, 0))
    for name, method in every(given).items():
        np.testing.assert_array_equal(method(given), method(blind), err_msg=name)


def test_every_method_is_far_above_chance_and_adapting_helps(given):
    found = {name: methods.accuracy(given, method) for name, method in every(given).items()}
    assert min(found.values()) > 35, found  # by chance 25
    for name in (methods.DAUME, methods.WEIGHTED, methods.MOVED, "DANN (ST)"):
        assert found[name] > found["SVM (S)"], found


def test_a_weight_of_zero_on_the_source_leaves_the_target_alone(given):
    weighted = methods.by_weighted_svm(given, methods.Constants(0.0, 1.0, 0.0))
    np.testing.assert_array_equal(weighted, methods.by_svm(given, "T"))


def test_the_svm_is_the_minimum_of_its_objective_with_the_bias_in_the_penalty(given):
    rng = np.random.default_rng(0)
    weights = rng.random(len(given.x))
    learned = liblinear.svm(given.x, given.y, weights)
    W, x = (
        np.hstack([learned.weights, learned.bias[:, None]]),
        np.hstack([given.x, np.ones((len(given.x), 1))]),
    )
    y = np.where(given.y[:, None] == np.arange(CLASSES), 1, -1)
    short = (1 - y * (x @ W.T)).clip(0)
    gradient = W - 2 * (weights[:, None] * short * y).T @ x
    assert np.abs(gradient).max() < 0.02 * np.abs(2 * (weights[:, None] * y).T @ x).max()


def test_standardising_is_by_domain_and_scales_pictures_first(images, x):
    scaled = x * np.linspace(1, 9, len(x), dtype=np.float32)[:, None]
    z = shifts.standardised(x, images, 2)
    np.testing.assert_allclose(shifts.standardised(scaled, images, 2), z, atol=1e-4)
    for rows in images.splits.values():
        np.testing.assert_allclose(z[rows].mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(z[rows].std(0), 1, atol=1e-4)


def test_reduced_vectors_keep_the_distances_that_so_few_axes_can(given):
    small = shifts.reduced(given, 12)
    np.testing.assert_allclose(
        small.xs @ small.xs.T - small.xs[0] @ small.xs.T, (small.xs - small.xs[0]) @ small.xs.T, atol=1e-3
    )
    before, after = (np.linalg.norm(one.xs - one.test[0], axis=1) for one in (given, small))
    np.testing.assert_allclose(after, before, rtol=1e-4)
    assert shifts.reduced(given, 3).xt.shape == (3 * CLASSES, 3)


def test_dlid_has_an_encoder_for_each_step_and_sees_only_one_domain_at_the_ends(given):
    train, test = dlid.dlid(given)
    assert train.shape[1] == test.shape[1] == 12 * (dlid.STEPS + 1)
    changed = shifts.replace(given, ut=given.ut * 2 + 1)
    again, _ = dlid.dlid(changed)
    np.testing.assert_allclose(again[:, :12], train[:, :12], atol=1e-4)
    assert np.abs(again[:, -12:] - train[:, -12:]).max() > 0.1


def test_the_reversed_gradient_has_the_other_sign_and_the_strength():
    import torch

    x = torch.ones(3, requires_grad=True)
    dann.Reversal.apply(x, 0.25).sum().backward()
    assert x.grad.tolist() == [-0.25] * 3


def test_the_turned_gradient_brings_the_domains_of_dann_together(given, monkeypatch):
    def apart(encoded):
        us, ut = np.split(encoded, [len(given.us)])
        return np.square(us.mean(0) - ut.mean(0)).sum() / (us.var(0) + ut.var(0)).sum()

    together = apart(dann.dann(given)[1])
    monkeypatch.setattr(dann.Reversal, "apply", lambda x, _: x.detach())
    assert together < 0.8 * apart(dann.dann(given)[1])


def test_the_table_has_a_row_for_each_method_and_trial_and_claims_follow(images, x):
    found = [
        pd.DataFrame(tables.table(x * scale, images, *way, range(3))).assign(layer=layer)
        for layer, scale in (("BoW", 0.02), ("DeCAF6", 1))
        for way in (WAYS,)
    ]
    rows = pd.concat(found)
    assert set(rows.groupby(["layer", "method"]).size()) == {3}
    again = methods.accuracy(shifts.shift(x, images, *WAYS, 1), methods.SUPERVISED["SVM (ST)"])
    assert rows.query("layer == 'DeCAF6' and method == 'SVM (ST)' and split == 1").value.item() == again
    near = rows.assign(shift="dslr to webcam")
    judged = statements.claims(pd.concat([rows, near]), "BoW", "DeCAF6", "twin", 0)
    by_id = {claim.id.split(",")[0]: claim for claim in judged}
    values = rows.pivot_table("value", ["layer", "method"], "split")
    gain = values.loc[("DeCAF6", "SVM (ST)")] - values.loc[("DeCAF6", "SVM (T)")]
    assert by_id["office/st/t"].effect == pytest.approx(gain.mean())
    assert by_id["office/near"].effect == 0


def test_without_target_labels_only_the_source_learns(images, x):
    few = ("SVM (S)", "SVM (T)", "SVM (ST)")
    rows = pd.DataFrame(tables.label_rows(x, images, *WAYS, range(2), (0, 1), few))
    assert rows.groupby("per_class").method.unique().map(list).to_dict() == {
        0: ["SVM (S)"],
        1: ["SVM (S)", "SVM (T)", "SVM (ST)"],
    }
