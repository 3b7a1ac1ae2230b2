"""What was once wrong without a word: results under a name that left something out, values that nobody checked."""

import functools
import math
import warnings
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from lecture_lib import backbones, checks, encoders, linear, metrics, settings, store
from lecture_lib.chapters.decaf_tsne import embedding, widget
from lecture_lib.chapters.patch_transfer.encode import PatchNet
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders.codebook import GMM
from lecture_lib.training import Pictures, Recipe, fine_tune, prepare, with_head


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "_chosen", {})
    monkeypatch.setattr(settings, "_settings", None)
    settings.use(cache=tmp_path / "cache", device="cpu", quiet=True)


def noise(n, classes):
    pixels = np.random.default_rng(0).integers(0, 255, (n, 3, 70, 70), np.uint8)
    labels = np.arange(n) * classes // n
    return ImageCollection("noise", "twin", ArrayImages(pixels), tuple("abc"[:classes]), labels)


# a name follows all that decides a result: networks


def swish(*given):
    return None


def share_one_row(net):
    net.stages.fc6.linear.weight.data[[0, 1]] = net.stages.fc6.linear.weight.data[[1, 0]]


def change_sign(net):
    net.stages.fc6.linear.weight.data[:2, 1::2].neg_()


def scale(net, factor):
    net.stages.conv2.register_forward_hook(lambda m, x, y: factor * y)
    return net


def parametrise(net):
    nn.utils.parametrizations.weight_norm(net.stages.fc7.linear)


CHANGES = {
    "a weight through .data": lambda net: net.stages.conv1.conv.weight.data.normal_(),
    "one weight through NumPy": lambda net: (
        net.stages.fc6.linear.weight.detach().numpy().__setitem__((5, 5), 9)
    ),
    "rows exchanged": share_one_row,
    "signs alone": change_sign,
    "a bias by its storage": lambda net: net.stages.fc7.linear.bias.untyped_storage().fill_(0),
    "a module replaced": lambda net: net.stages.fc6.__setattr__("relu", nn.Identity()),
    "a module's attribute": lambda net: net.stages.pool1.__setattr__("stride", 1),
    "a module's forward": lambda net: net.stages.pool1.__setattr__("forward", lambda x: x),
    "a hook": lambda net: net.stages.fc6.register_forward_hook(lambda m, x, y: 2 * y),
    "another hook": lambda net: scale(net, 3),
    "a hook before": lambda net: net.stages.fc6.linear.register_forward_pre_hook(swish),
    "a parametrisation": parametrise,
    "a buffer": lambda net: net.stages.conv1.register_buffer("more", torch.ones(1)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_network_has_another_name_and_another_is_the_same_again(change):
    net, other = scale(backbones.load(), 2), scale(backbones.load(), 2)
    before = net.fingerprint
    change(net)
    assert net.fingerprint != before == other.fingerprint


def test_a_hook_on_all_modules_or_another_forward_of_a_class_changes_the_name(monkeypatch):
    net = backbones.load()
    names = [net.fingerprint]
    handle = nn.modules.module.register_module_forward_hook(swish)
    names.append(net.fingerprint)
    handle.remove()
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: x.abs())
    names.append(net.fingerprint)
    assert len(set(names)) == 3


def test_features_are_those_of_the_weights_at_hand(cache):
    images = noise(3, 1)
    net = backbones.load()

    def encode():
        return encoders.encode(net, images, ["fc6"])["fc6"]

    first = encode()
    net.stages.fc6.linear.weight.data.mul_(2)
    net.stages.fc6.linear.bias.data.mul_(2)
    np.testing.assert_allclose(encode(), 2 * first.astype(np.float32), rtol=1e-2)
    net.stages.fc6.register_forward_hook(lambda m, x, y: torch.zeros_like(y))
    assert not encode().any()


def test_a_patch_network_is_named_by_the_parts_that_it_walks():
    net = backbones.load()
    patches = PatchNet(net)
    before = patches.fingerprint
    patches.rest[0] = nn.Identity()  # a slice has modules of its own list
    assert patches.fingerprint != before == PatchNet(net).fingerprint


def test_pictures_changed_after_they_were_read_have_another_name():
    pictures = Pictures([torch.zeros(3, 8, 8, dtype=torch.uint8)] * 2, torch.tensor([0, 1]))
    names = [pictures.fingerprint]
    pictures.labels[0] = 1
    names.append(pictures.fingerprint)
    pictures.images[1][0, 0, 0] = 1
    assert len({*names, pictures.fingerprint}) == 3


# functions


def inner(scores):
    return MARGIN * scores


def apart(scores, labels):
    return inner(scores).mean()


def with_module(scores, labels):
    return tuning.margin * scores


def with_object(scores, labels):
    return chosen.margin * scores


def with_list(scores, labels):
    return scores * weights[0] + weights[0]


def with_tensor(scores, labels):
    return F.cross_entropy(scores, labels, weight=of_class)


def nested(scores, labels):
    return (lambda: MARGIN * scores)()


class Scaled:
    factor = 1

    def __init__(self, by):
        self.by = by

    def __call__(self, scores, labels):
        return self.by * self.factor * scores

    def method(self, scores, labels):
        return self(scores, labels)


class Averaging(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, scores, labels):
        self.mean.mul_(0.5).add_(scores.detach().mean())
        return F.cross_entropy(scores, labels) + (scores * self.mean).mean()


MARGIN = 1.0
tuning = ModuleType("tuning_of_the_reader")
tuning.margin = 1.0
chosen = SimpleNamespace(margin=1.0)
weights = {0: 1.0}
of_class = torch.ones(3)
scaled = Scaled(2)


@pytest.mark.parametrize(
    ("loss", "change"),
    [
        (apart, lambda patch: patch.setitem(globals(), "MARGIN", 2.0)),
        (nested, lambda patch: patch.setitem(globals(), "MARGIN", 2.0)),
        (apart, lambda patch: patch.setitem(globals(), "inner", lambda s: s)),
        (with_module, lambda patch: patch.setattr(tuning, "margin", 2.0)),
        (with_object, lambda patch: patch.setattr(chosen, "margin", 2.0)),
        (with_list, lambda patch: patch.setitem(weights, 0, 2.0)),
        (with_tensor, lambda patch: patch.setitem(globals(), "of_class", torch.tensor([1.0, 1, 2]))),
        (scaled, lambda patch: patch.setattr(scaled, "by", 3)),
        (scaled, lambda patch: patch.setattr(Scaled, "factor", 3)),
        (scaled.method, lambda patch: patch.setattr(Scaled, "__call__", lambda self, s, y: s)),
        (functools.partial(apart, labels=weights), lambda patch: patch.setitem(weights, 0, 2.0)),
        (
            functools.wraps(apart)(lambda *given: apart(*given)),
            lambda patch: patch.setitem(globals(), "MARGIN", 2.0),
        ),
        (torch.no_grad()(apart), lambda patch: patch.setitem(globals(), "MARGIN", 2.0)),
    ],
)
def test_a_function_is_named_by_what_it_reads(monkeypatch, loss, change):
    before = store.fingerprint(loss)
    assert store.fingerprint(loss) == before
    change(monkeypatch)
    assert store.fingerprint(loss) != before
    monkeypatch.undo()
    assert store.fingerprint(loss) == before


def test_what_a_refused_loss_reads_is_said():
    def loss(scores, labels):
        return weigh(scores)

    def weigh(scores):
        return globals()["MARGIN"] * scores

    with pytest.raises(TypeError, match="loss > weigh: builtin_function_or_method globals"):
        store.fingerprint(loss)
    with pytest.raises(TypeError, match="generator"):
        store.fingerprint({"rows": [(row for row in "ab")]})


@pytest.fixture
def training(cache):
    images = noise(12, 2)
    net = backbones.load()
    pictures, start = prepare(net, images), with_head(net, images.classes)

    def train(loss, rows=range(0, 12, 2), held=range(1, 12, 2)):
        recipe = Recipe(epochs=1, batch=4)
        parts = pictures.take(np.array(rows, int)), pictures.take(np.array(held, int))
        return fine_tune(start, *parts, loss, recipe, progress=False).curve[-1]["loss"]

    return train


@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(), functools.partial(F.cross_entropy, label_smoothing=0.0)]
)
def test_a_loss_may_be_a_module_or_a_partial(training, loss):
    assert training(loss) == training(F.cross_entropy)


def test_a_loss_with_a_state_starts_from_it_in_every_training(training):
    loss = Averaging()
    first = training(loss)
    assert training(loss) == first
    loss.mean.fill_(5.0)
    assert training(loss) != first


@pytest.mark.parametrize(("rows", "held", "name"), [([], [1], "train"), ([1], [], "validation")])
def test_an_empty_part_of_a_training_is_named(training, rows, held, name):
    with pytest.raises(ValueError, match=f"{name}: there are no pictures"):
        training(F.cross_entropy, rows, held)


# values are checked wherever they arrive


N = 24
X = np.random.default_rng(0).standard_normal((N, 6), np.float32)
Y = np.arange(N) % 3


def collection(labels):
    pixels = np.zeros((N, 3, 8, 8), np.uint8)
    return ImageCollection("black", "twin", ArrayImages(pixels), tuple("abc"), labels, groups=("x", "x", "y"))


TAKE_FEATURES = {
    "svm": lambda x: linear.svm(x, Y, [1.0]),
    "logistic_regression": lambda x: linear.logistic_regression(x, Y, [1.0]),
    "choose": lambda x: linear.choose(linear.svm, x, Y),
    "scores": lambda x: linear.svm(X, Y, [1.0])[0].scores(x),
    "predict": lambda x: linear.svm(X, Y, [1.0])[0].predict(x),
    "classify": lambda x: linear.classify(linear.kernel(np.asarray(x), X), Y, 1.0),
    "classify, test": lambda x: linear.classify(linear.kernel(X, np.asarray(x)), Y, 1.0),
    "neighbours": lambda x: encoders.neighbours(x, 3),
    "purity": lambda x: embedding.purity(x, Y, 3),
    "keeps": lambda x: embedding.keeps(x, X, Y, 3),
    "silhouettes": lambda x: embedding.silhouettes(x, Y),
    "reduce": embedding.reduce,
    "fit_tsne": lambda x: embedding.fit_tsne(x, perplexity=3, iterations=10),
    "measure": lambda x: embedding.measure({"fc6": x}, collection(Y)),
}
TAKE_LABELS = {
    "svm": lambda y: linear.svm(X, y, [1.0]),
    "logistic_regression": lambda y: linear.logistic_regression(X, y, [1.0]),
    "choose": lambda y: linear.choose(linear.svm, X, y),
    "folds": linear.folds,
    "classify": lambda y: linear.classify(linear.kernel(X, X), y, 1.0),
    "purity": lambda y: embedding.purity(X, y, 3),
    "chance_purity": embedding.chance_purity,
    "silhouettes": lambda y: embedding.silhouettes(X, y),
    "measure": lambda y: embedding.measure({"fc6": X}, collection(y)),
    "claim": lambda y: embedding.claim("id", "statement", X[:, 0], collection(y)),
    "halves": lambda y: embedding.halves(y, 9, 3),
    "mean_class_accuracy": lambda y: metrics.mean_class_accuracy(Y, y),
    "top_k_error": lambda y: metrics.top_k_error(X, y, 1),
    "metrics.measure": lambda y: metrics.measure(X, y),
    "by_class": lambda y: metrics.by_class(X, y),
}


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
@pytest.mark.parametrize("take", TAKE_FEATURES.values(), ids=TAKE_FEATURES)
def test_features_that_are_not_finite_are_refused(take, value):
    x = X.astype(np.float64)
    x[3, 2] = value
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="NaN or infinity"):
        take(x)


@pytest.mark.parametrize("take", TAKE_FEATURES.values(), ids=TAKE_FEATURES)
def test_no_picture_is_refused_in_words(take):
    with pytest.raises(ValueError, match=r"\(0, |fc6|0 pictures|no "):
        take(X[:0])


@pytest.mark.parametrize("take", TAKE_LABELS.values(), ids=TAKE_LABELS)
def test_unlabelled_pictures_are_no_class(take):
    with pytest.raises(ValueError, match=r"labels: 2 of 24 are negative .*Leave unlabelled pictures out"):
        take(np.r_[-1, -1, Y[2:]])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint16, np.int32, np.uint64])
@pytest.mark.parametrize("take", TAKE_LABELS.values(), ids=TAKE_LABELS)
def test_labels_of_any_integers_give_the_same(take, dtype):
    expected, found = take(Y), take(Y.astype(dtype))
    if isinstance(expected, float | np.ndarray):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("dtype", "n"), [(np.uint8, 256), (np.int8, 128)])
def test_as_many_classes_as_a_byte_can_tell_apart(dtype, n):
    y = np.repeat(np.arange(n), 2)
    x = np.random.default_rng(0).standard_normal((2 * n, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found,) = linear.svm(x, y.astype(dtype), [1.0])
    assert len(found.weights) == n
    with pytest.raises(ValueError, match="No training picture of class 1, 2, 3"):
        linear.logistic_regression(X, np.where(Y == 0, 0, n - 1).astype(dtype), [1.0])


@pytest.mark.parametrize(
    "take",
    [
        lambda word: encoders.ifv.Dense(word),
        lambda word: encoders.ifv.learn(collection(Y), encoders.ifv.Dense(), 4, kind=word),
        lambda word: encoders.fisher.fisher_vector(
            torch.zeros(3, 2), GMM(*torch.ones(3, 1, 2), torch.ones(1)), assignment=word
        ),
        lambda word: embedding.fit_tsne(X, perplexity=3, start=word),
        lambda word: encoders.encode(backbones.load(), collection(Y), ["fc6"], pool=word),
        lambda word: Recipe(schedule=word),
        lambda word: backbones.load(word),
    ],
)
@pytest.mark.parametrize("word", ["VOC2007", "PHOW", "GMM", "Soft", "PCA ", "warm-cosine", "Mean"])
def test_a_misspelt_word_is_refused_with_those_there_are(take, word):
    with pytest.raises(ValueError, match=word):
        take(word)


def test_an_unlabelled_picture_of_a_map_has_not_the_last_class():
    found = widget.hover_map(X[:, :2], collection(np.r_[-1, np.zeros(N - 1, int)])).data
    assert found.count('data-name="unlabelled"') == 1
    assert 'data-name="c' not in found


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_numbers_that_must_be_above_zero(value):
    for take in (
        lambda: linear.svm(X, Y, [value]),
        lambda: linear.logistic_regression(X, Y, [1.0, value]),
        lambda: linear.choose(linear.svm, X, Y, [1.0, value]),
        lambda: linear.classify(linear.kernel(X, X), Y, value),
        lambda: embedding.fit_tsne(X, perplexity=value),
        lambda: Recipe(lr=value),
    ):
        with pytest.raises(ValueError, match="above 0"):
            take()


def test_a_fold_without_pictures_and_a_single_class_are_refused():
    with pytest.raises(ValueError, match="parts: one has no picture"):
        linear.choose(linear.svm, X, Y, parts=[(np.arange(N), np.arange(0))])
    with pytest.raises(ValueError, match="two classes or more"):
        linear.logistic_regression(X, Y * 0, [1.0])


def test_scores_that_are_no_numbers_name_no_class():
    for measure in (metrics.measure, metrics.by_class):
        with pytest.raises(ValueError, match="scores are NaN"):
            measure(np.where(np.arange(3) == 1, math.nan, X[:, :3]), Y)


@given(hnp.arrays(st.sampled_from([np.int8, np.uint8, np.int32, np.float32, bool]), st.integers(0, 6)))
def test_labels_are_kept_or_refused_never_changed(y):
    try:
        found = checks.labels(y)
    except ValueError:
        assert y.dtype.kind not in "iu" or (y < 0).any()
    else:
        assert found.dtype == np.int64
        assert found.tolist() == y.tolist()
