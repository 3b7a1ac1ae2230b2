"""Fisher vectors: against VLFeat's, and what must not change them."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm

from lecture_lib.encoders import improve, intra_normalise
from lecture_lib.encoders.bow import CHUNK, weighted_sums
from lecture_lib.encoders.codebook import GMM
from lecture_lib.encoders.fisher import fisher_vector, posteriors

GOLDEN = Path(__file__).parent / "golden" / "vlfeat_fisher.npz"
NONE = torch.empty(0, dtype=torch.float64)


def mixture(weights, means, variances):
    return GMM(*(torch.as_tensor(a, dtype=torch.float32) for a in (weights, means, variances)), NONE)


def drawn(N, D, K, seed=0):
    """Descriptors around K overlapping Gaussians, which are not centred on 0."""
    generator = torch.Generator().manual_seed(seed)
    means = 1 + torch.randn(K, D, generator=generator)
    variances = 0.3 + torch.rand(K, D, generator=generator)
    weights = 0.2 + torch.rand(K, generator=generator)
    made_by = torch.randint(K, (N,), generator=generator)
    x = means[made_by] + 0.9 * torch.randn(N, D, generator=generator)
    return x, mixture(weights / weights.sum(), means, variances)


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=0, atol=tolerance)


# --- against others -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


def as_vlfeat(phi, K):
    """[u_1; v_1; ..; u_K; v_K] in VLFeat's order [u_1 .. u_K, v_1 .. v_K]."""
    return phi.unflatten(-1, (K, 2, -1)).transpose(-3, -2).flatten(-3)


@pytest.mark.parametrize("name", ["plain", "sqrt_l2", "hard"])
def test_numbers_are_those_of_vlfeat(golden, name):
    gmm = mixture(golden["weights"], golden["means"], golden["covariances"])
    phi = fisher_vector(torch.from_numpy(golden["X"]), gmm, assignment="hard" if name == "hard" else "soft")
    phi = improve(phi) if name == "sqrt_l2" else phi
    close(as_vlfeat(phi, 8), golden[name], 1e-5)
    assert np.abs(golden[name]).max() > 0.1


# --- what must not change it -----------------------------------------------------------------------------------------


def test_order_and_repetition_of_descriptors_do_not_matter():
    x, gmm = drawn(2 * CHUNK + 37, 6, 5)
    phi = fisher_vector(x, gmm)
    close(fisher_vector(x.flip(0), gmm), phi)
    close(fisher_vector(torch.cat([x, x]), gmm), phi)
    close(phi, sum(fisher_vector(part, gmm) * len(part) for part in x.split(500)) / len(x))


# --- regions ---------------------------------------------------------------------------------------------------------


def test_regions_equal_encodings_of_their_own_descriptors():
    x, gmm = drawn(3000, 6, 5)
    regions = torch.rand(9, 3000, generator=torch.Generator().manual_seed(2)) < 0.4  # 512 cells
    regions[3] = True
    regions[4] = False
    regions[5] = torch.arange(3000) == 1234
    regions[6] = regions[0]
    found = fisher_vector(x, gmm, regions)
    assert found.shape == (9, 2 * 5 * 6)
    close(found, torch.stack([fisher_vector(x[region], gmm) for region in regions]))
    assert not found[4].any()
    assert torch.equal(found[6], found[0])


def test_each_descriptor_is_weighed_once_for_all_regions_and_not_at_all_outside_them():
    x = torch.arange(3000.0)[:, None]
    regions = torch.zeros(3, 3000, dtype=torch.bool)
    regions[0, :1000] = regions[1, 500:1500] = regions[2, 900:1200] = True
    seen = []

    def weigh(part):
        seen.extend(part[:, 0].tolist())
        return part, torch.ones_like(part)

    sums, count = weighted_sums(x, regions, weigh)
    assert sorted(seen) == list(range(1500))
    close(sums[:, 0, 0], [sum(range(1000)), sum(range(500, 1500)), sum(range(900, 1200))], 0.1)
    assert count.tolist() == [1000, 1000, 300]


# --- extremes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_no_descriptors_give_zeros(assignment):
    x, gmm = drawn(10, 4, 3)
    assert torch.equal(fisher_vector(x[:0], gmm, assignment=assignment), torch.zeros(24))
    nothing = torch.zeros(2, 10, dtype=torch.bool)
    assert torch.equal(fisher_vector(x, gmm, nothing, assignment), torch.zeros(2, 24))
    assert fisher_vector(x, gmm, nothing[:0]).shape == (0, 24)
    assert posteriors(x[:0], gmm).shape == (0, 3)


def test_a_descriptor_far_from_every_gaussian_is_assigned_in_log_space():
    gmm = mixture([0.5, 0.5], [[0.0], [1.0]], [[1.0], [1.0]])
    x = torch.tensor([[1000.0], [-1000.0], [0.5]])  # densities of exp(-500,000)
    close(posteriors(x, gmm), [[0, 1], [1, 0], [0.5, 0.5]], 1e-6)
    phi = fisher_vector(x[:1], gmm)
    close(phi[2:], [999 * math.sqrt(2), 999**2 - 1], 0.2)
    assert torch.equal(phi[:2], torch.zeros(2))
    assert torch.isfinite(fisher_vector(torch.full((1, 1), 1e15), gmm)).all()


def test_posteriors_below_a_millionth_count_as_none():
    gmm = mixture([0.5, 0.5], [[0.0], [10.0]], [[1.0], [1.0]])
    # ln q_2 = 10 x - 50: 1e-6 lies at x = 3.62
    assert torch.equal(fisher_vector(torch.tensor([[3.5]]), gmm)[2:], torch.zeros(2))
    assert fisher_vector(torch.tensor([[3.7]]), gmm)[2:].all()
    assert 0 < posteriors(torch.tensor([[3.5]]), gmm)[0, 1] < 1e-6


def test_a_gaussian_without_weight_has_no_part():
    gmm = mixture([1 - 1e-11, 1e-11, 0], [[0.0], [30.0], [-3.0]], [[1.0], [0.01], [1.0]])
    x = torch.tensor([[0.5], [30.1], [-3.0]])
    assert posteriors(x, gmm)[1, 1] == 1  # 1 / sqrt(1e-11) would make this one outweigh all others
    phi = fisher_vector(x, gmm)
    assert torch.isfinite(phi).all()
    assert not phi[2:].any()
    assert phi[:2].all()


def test_a_narrow_gaussian_far_from_the_others_loses_nothing_to_rounding():
    # as descriptors without contrast make one: all of them zero, where others have length 1
    x, gmm = drawn(20_000, 16, 6)
    x, means, variances = 0.1 * x, 0.1 * gmm.means, 0.01 * gmm.variances
    means[0], variances[0] = -0.8, 7e-6
    generator = torch.Generator().manual_seed(4)
    x[:7000] = -0.8 + 3e-3 * torch.randn(7000, 16, generator=generator)
    gmm = mixture(gmm.weights, means, variances)
    exact = GMM(*(a.double() for a in (gmm.weights, gmm.means, gmm.variances)), NONE)
    close(fisher_vector(x, gmm), fisher_vector(x.double(), exact), 1e-4)


def test_wrong_input_is_named():
    x, gmm = drawn(10, 4, 3)
    with pytest.raises(ValueError, match=r"have 4 dimensions.*not \[10, 3\].*PCA"):
        fisher_vector(x[:, :3], gmm)
    with pytest.raises(ValueError, match=r"'firm'.*soft.*hard"):
        fisher_vector(x, gmm, assignment="firm")


# --- posteriors ------------------------------------------------------------------------------------------------------


def test_posteriors_are_bayes_rule():
    x, gmm = drawn(200, 5, 4)
    weights, means, variances = (a.double().numpy() for a in (gmm.weights, gmm.means, gmm.variances))
    joint = weights * norm.pdf(x.double().numpy()[:, None], means, np.sqrt(variances)).prod(2)
    q = posteriors(x, gmm)
    close(q, joint / joint.sum(1, keepdims=True))
    close(q.sum(1), np.ones(200))


# --- normalisation ---------------------------------------------------------------------------------------------------


def test_improve_takes_signed_roots_then_length_one():
    close(improve(torch.tensor([9.0, -16.0, 0.0])), [0.6, -0.8, 0])
    many = improve(torch.tensor([[4.0, 0.0], [0.0, 0.0], [1.0, -1.0]]))
    close(many, [[1, 0], [0, 0], [math.sqrt(0.5), -math.sqrt(0.5)]])


def test_intra_normalisation_gives_each_gaussian_the_same_length():
    phi = torch.tensor([[9.0, -16.0, 0.0, 0.0, 0.0, 0.25], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    found = intra_normalise(phi, 3)
    close(found[0], torch.tensor([0.6, -0.8, 0, 0, 0, 1]) / math.sqrt(2))
    assert torch.equal(found[1], torch.zeros(6))
    x, gmm = drawn(500, 6, 5)
    lengths = intra_normalise(fisher_vector(x, gmm), 5).reshape(5, -1).norm(dim=1)
    close(lengths, np.full(5, 1 / math.sqrt(5)))
