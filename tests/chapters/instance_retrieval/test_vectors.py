"""Vectors of words: against loops over features."""

import numpy as np
import pytest
import torch

from lecture_lib.chapters.instance_retrieval import vectors
from lecture_lib.chapters.instance_retrieval.words import alternatives
from lecture_lib.encoders.codebook import fit_gmm, fit_pca


def of(features, i):
    return slice(features.offsets[i], features.offsets[i + 1])


def unit(v):
    return v / max(np.linalg.norm(v), 1e-12)


@pytest.mark.parametrize("power", [1, 0.5])
def test_bags_of_words_are_counts_times_rarity(features, words, means, power):
    N, K = len(features), len(means)
    counts = vectors.count_words(words, features.picture, N, K)
    h = np.zeros((N, K))
    for i in range(N):
        for w in words[of(features, i), 0]:
            h[i, w] += 1
    idf = np.array([np.log(N / max(sum(h[:, w] > 0), 1)) for w in range(K)])
    expected = np.array([unit(row**power * idf) for row in h])
    bags = vectors.bag_of_words(counts, vectors.inverse_frequency(counts), power)
    np.testing.assert_allclose(bags.toarray(), expected, atol=1e-6)
    scores = vectors.bag_scores(bags[[3]], bags)
    np.testing.assert_allclose(scores, expected @ expected[3], atol=1e-6)


def test_with_one_word_all_pictures_that_have_features_are_alike(features):
    counts = vectors.count_words(np.zeros((len(features.x), 1), int), features.picture, len(features), 1)
    bags = vectors.bag_of_words(counts, np.ones(1, np.float32))
    assert vectors.bag_scores(bags[[0]], bags).tolist() == [1, 1, 1, 1, 0, 1]


def test_a_querys_counts_spread_to_alternative_words(features, words, asked, means):
    K = len(means)
    counts = vectors.count_words(words, features.picture, len(features), K)
    P = alternatives(np.array([[0, 1], [2, 2]]), K)
    query = vectors.count_words(asked[1], np.zeros(len(asked[1]), int), 1, K)
    expected = np.zeros(K)
    for w in asked[1][:, 0]:
        expected += P.toarray()[w]
    np.testing.assert_allclose((query @ P).toarray()[0], expected, rtol=1e-6)
    assert vectors.bag_scores(vectors.bag_of_words(query @ P, np.ones(K)), counts).shape == (6,)


def residual_sums(features, words, means, i, part=None):
    V = np.zeros(means.shape)
    for j in range(*of(features, i).indices(len(features.x))):
        if part is None or part(features.angle[j]):
            V[words[j, 0]] += features.root[j] - means[words[j, 0]]
    return V


NORMS = {
    "plain": lambda V: unit(V.ravel()),
    "signed sqrt": lambda V: unit(np.sign(V.ravel()) * np.abs(V.ravel()) ** 0.5),
    "intra": lambda V: unit(np.array([unit(part) for part in V]).ravel()),
}


@pytest.mark.parametrize("norm", NORMS)
def test_vlad_is_the_sum_of_residuals_normalised(features, words, means, norm):
    found = vectors.vlad_vectors(features, means, norm)
    expected = [NORMS[norm](residual_sums(features, words, means, i)) for i in range(len(features))]
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_vlad_of_one_word_is_the_mean_from_it(features, means):
    found = vectors.vlad_vectors(features, means[:1], "plain")
    mean = np.stack([features.root[of(features, i)].mean(0) for i in (0, 1, 3)])
    np.testing.assert_allclose(found[[0, 1, 3]], [unit(m - means[0]) for m in mean], atol=1e-4)


def test_cvlad_sums_by_the_nearest_eighth_of_a_turn(features, words, means):
    found = vectors.cvlad_vectors(features, means, "plain")[3].reshape(8, *means.shape)
    parts = []
    for b in range(8):
        near = lambda a, b=b: abs((a - b * np.pi / 4 + np.pi) % (2 * np.pi) - np.pi) <= np.pi / 8  # noqa: E731
        parts.append(residual_sums(features, words, means, 3, near))
    np.testing.assert_allclose(found, np.array(parts) / np.linalg.norm(parts), atol=2e-3)


def test_cvlad_of_turned_pictures_is_found_by_shifts_alone(features, means):
    turned = vectors.Features(
        features.x, features.xy, features.scale, features.angle + np.pi / 2, features.offsets
    )
    base, query = vectors.cvlad_vectors(features, means), vectors.cvlad_vectors(turned, means)[3]
    assert vectors.cvlad_scores(query, base, upright=False)[3] == pytest.approx(1)
    assert vectors.cvlad_scores(query, base, upright=True)[3] < 0.7
    loop = [max(np.roll(query, t, 0).ravel() @ v.ravel() for t in range(8)) for v in base]
    np.testing.assert_allclose(vectors.cvlad_scores(query, base, upright=False), loop, atol=1e-6)


def test_fisher_vectors_are_of_length_one_or_zero(features):
    x = torch.from_numpy(features.root)
    pca = fit_pca(x, 8)
    phi = vectors.fisher_vectors(features, pca, fit_gmm(pca(x), 2))
    assert phi.shape == (6, 32)
    np.testing.assert_allclose(np.linalg.norm(phi, axis=1), [1, 1, 1, 1, 0, 1], atol=1e-5)


def test_memory_is_that_of_the_arrays(features, words, means):
    assert vectors.bytes_a_picture(np.zeros((3, 10), np.float32)) == 40
    counts = vectors.count_words(words, features.picture, 6, len(means))
    assert vectors.bytes_a_picture(counts) == pytest.approx((8 * counts.nnz + 4 * 7) / 6)


def test_expansion_is_the_mean_of_query_and_answers():
    base = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(
        vectors.expanded(base[0], base, np.array([1])), unit(np.array([1, 1, 0])), rtol=1e-6
    )
    np.testing.assert_allclose(vectors.expanded(base[0], base, np.array([], int)), base[0])
