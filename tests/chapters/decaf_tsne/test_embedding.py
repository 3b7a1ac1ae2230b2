"""Neighbours, purity, silhouettes, intervals and t-SNE maps, against scikit-learn and hand-worked cases."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples
from sklearn.neighbors import NearestNeighbors

from lecture_lib import backbones
from lecture_lib.chapters.decaf_tsne import embedding
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders import l2_normalise, neighbours


@pytest.fixture(scope="module")
def blobs():
    x, y = make_blobs(240, n_features=12, centers=6, cluster_std=1.5, random_state=0)
    return x.astype(np.float32), y


def test_neighbours_are_those_of_the_largest_cosine(blobs):
    unit = l2_normalise(blobs[0])
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)
    want = np.argsort(-cosine, axis=1)[:, :6]
    assert (neighbours(blobs[0], 6) == want).mean() > 0.99  # ties within rounding may swap


def test_nobody_is_a_neighbour_of_itself_even_among_duplicates():
    assert not (neighbours(np.ones((8, 2), np.float32), 4) == np.arange(8)[:, None]).any()


def test_too_many_neighbours_are_refused_by_number():
    with pytest.raises(ValueError, match="take k <= 3"):
        neighbours(np.eye(4), 4)


def test_purity_by_hand():
    x = np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1]])
    assert embedding.purity(x, np.array([0, 0, 1, 1, 1]), k=2).tolist() == [0.5, 0.5, 0.0, 1.0, 1.0]
    assert embedding.purity(x, np.array(["a", "a", "a", "b", "b"]), k=1).tolist() == [1] * 5


def test_purity_by_chance():
    labels = np.repeat([0, 1, 2], [10, 30, 60])
    x = np.random.default_rng(0).normal(size=(100, 40))
    assert embedding.purity(x, labels, k=20).mean() == pytest.approx(
        embedding.chance_purity(labels), abs=0.05
    )
    assert embedding.chance_purity(np.array([0, 0, 1, 1])) == pytest.approx(1 / 3)


@pytest.fixture
def images():
    """60 pictures of 6 classes, of which two make a group."""
    labels, classes = np.repeat(np.arange(6), 10), tuple("abcdef")
    pictures = ArrayImages(np.zeros((60, 3, 4, 4), np.uint8))
    return ImageCollection("some", "twin", pictures, classes, labels, tuple("xxyyzz"))


def test_halves_share_no_picture_and_have_as_many_of_each_class_and_classes_from_first_to_last():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(6), [10, 11, 12, 13, 14, 15]))
    first, second = embedding.halves(labels, n=12, n_classes=3)
    assert not set(first) & set(second)
    for half in (first, second):
        assert dict(zip(*np.unique(labels[half], return_counts=True), strict=True)) == {0: 4, 2: 4, 5: 4}
    first, second = embedding.halves(labels, n=1000, n_classes=54)
    assert len(first) == len(second) == 6 * 5


def test_a_class_of_one_picture_cannot_be_in_both_halves():
    with pytest.raises(ValueError, match="single picture"):
        embedding.halves(np.array([0, 0, 1]), n=10, n_classes=2)


@pytest.mark.parametrize("name", ["twin-alexnet", "squeezenet1_1", "resnet18"])
def test_every_decaf_layer_is_named_in_the_order_of_the_network(name):
    net = backbones.load(name, weights="random")
    named = embedding.layer_names(net)
    assert {f"DeCAF{k}": layer for k, layer in net.decaf.items()}.items() <= named.items()
    assert list(dict.fromkeys(named.values())) == [layer for layer in net.layers if layer in named.values()]
    assert next(reversed(named)) == "DeCAF7"


def test_a_group_is_purer_than_its_classes_where_only_the_group_can_be_seen(images):
    x = np.eye(3)[images.labels // 2] + np.random.default_rng(0).normal(size=(60, 3)) * 0.01
    table = embedding.measure({"fc6": x}, images).set_index("metric")
    assert table.layer.unique().tolist() == ["fc6"]
    assert table.value["group purity"] == 1
    assert 0.2 < table.value["class purity"] < 0.8
    assert table.value["group silhouette"] > 0.9
    assert ((table.low <= table.value) & (table.value <= table.high)).all()


def test_a_claim_counts_each_class_once(images):
    many = images[np.r_[0:10, 10:12, 20:22]]  # ten pictures of a, two of b, two of c
    claim = embedding.claim("id", "statement", np.where(many.labels == 0, 3.0, 0.0), many)
    assert (claim.effect, claim.n, claim.source) == (1, 3, "twin")


@pytest.mark.parametrize("width", [12, 400])
def test_silhouettes_are_those_of_scikit_learn(blobs, width):
    x, y = blobs
    x = np.pad(x, ((0, 0), (0, width - 12))) + np.random.default_rng(1).normal(size=(240, width)) * 0.1
    want = silhouette_samples(l2_normalise(x), y)
    assert np.allclose(embedding.silhouettes(x, y), want, atol=1e-4)


@pytest.mark.parametrize("width", [30, 500])
def test_reduce_is_pca(width):
    x = np.random.default_rng(0).normal(size=(200, width)) * np.geomspace(1, 0.01, width)
    want = PCA(5, svd_solver="full").fit_transform(l2_normalise(x))
    got = embedding.reduce(x, 5)
    assert got.shape == (200, 5)
    assert np.allclose(np.abs(got), np.abs(want), atol=1e-4)
    assert (got == embedding.reduce(x, 5)).all()


def test_a_turned_and_mirrored_map_keeps_everything_and_a_shuffled_one_nothing():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(15), 20)
    x = rng.normal(size=(15, 2))[labels] * 4 + rng.normal(size=(300, 2)) * (1 + labels[:, None] / 15)
    same = embedding.keeps(x, 3 * x @ [[0, 1], [1, 0]] + 5, labels)
    assert list(same.values()) == pytest.approx([1, 1, 1, 1])
    other = embedding.keeps(x, x[rng.permutation(300)], labels)
    assert other["neighbours kept"] < 0.1
    assert other["distances, same answer"] == pytest.approx(0.5, abs=0.15)


def test_what_a_map_keeps_by_hand():
    x, labels = np.array([[0.0], [1], [10], [12], [16], [20]]), np.array([0, 0, 1, 1, 2, 2])
    xy = np.array([[0.0, 0], [1, 0], [30, 0], [32, 0], [4, 0], [8, 0]])  # the last two classes change places
    kept = embedding.keeps(x, xy, labels, k=1)
    # centres .5, 11, 18: distances 10.5, 17.5, 7; on the map .5, 31, 6: 30.5, 5.5, 25; one of three pairs agrees
    assert kept["distances, same answer"] == pytest.approx(1 / 3)
    assert kept["sizes, Spearman"] == pytest.approx(1)
    # 12's neighbour is 10 still; 4's on the map is 1, not 20
    assert kept["neighbours kept"] == pytest.approx(5 / 6)


def test_tsne_keeps_neighbours_and_takes_new_points(blobs):
    x, y = blobs
    xy = embedding.fit_tsne(x[:180], perplexity=15, iterations=250)
    index = NearestNeighbors(n_neighbors=5).fit(xy)
    assert (y[:180][index.kneighbors(return_distance=False)] == y[:180, None]).mean() > 0.8
    landed = xy.transform(x[180:])
    assert (y[:180][index.kneighbors(landed, return_distance=False)] == y[180:, None]).mean() > 0.8


def test_tsne_is_the_same_twice(blobs):
    x, _ = blobs
    first, again = (np.asarray(embedding.fit_tsne(x, perplexity=10, iterations=50)) for _ in range(2))
    assert (first == again).all()


def test_perplexity_needs_enough_pictures():
    with pytest.raises(ValueError, match="more than 90 pictures, not 40"):
        embedding.fit_tsne(np.random.default_rng(0).normal(size=(40, 3)))
