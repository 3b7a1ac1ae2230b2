"""From pictures to Fisher vectors: codebooks, views by masks, mirrors, what is kept, what goes wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lecture_lib import settings
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders import ifv, improve, intra_normalise, summed
from lecture_lib.encoders.augment import FLIP, PYRAMID, TEN_CROPS, WHOLE
from lecture_lib.encoders.fisher import fisher_vector
from lecture_lib.encoders.ifv import Dense, encode, encode_one, learn, normalised, sample
from lecture_lib.encoders.parallel import in_order

# One size: a margin of 6 and steps of 3 leave 55 x 49 pixels equal distances on all sides: the grid is its own mirror.
DENSE = Dense(step=3, sizes=(4,))
HEIGHT, WIDTH = 49, 55


def pictures(n=6, seed=0):
    coarse = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, 3, 9, 9)).astype(np.float32))
    drawn = torch.nn.functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 255)
    images = ArrayImages(drawn.to(torch.uint8).numpy())
    return ImageCollection("drawn", "twin", images, ("a", "b"), np.arange(n) % 2)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LECTURE_CACHE", str(tmp_path_factory.mktemp("cache")))
        settings.use("demo")
        yield
    settings.use("demo")


@pytest.fixture(scope="module")
def images():
    return pictures()


@pytest.fixture(scope="module", params=[False, True], ids=["no place", "(x,y)"])
def codebook(request, images):
    return learn(images, DENSE, 4, dim=10, xy=request.param, n=2000)


def test_a_codebook_is_learned_once(images, monkeypatch):
    first = learn(images, DENSE, 3, dim=5, n=1000)
    monkeypatch.setattr(ifv, "sample", None)  # would be called to learn again
    again = learn(images, DENSE, 3, dim=5, n=1000)
    assert again.fingerprint == first.fingerprint
    with pytest.raises(TypeError):
        learn(images, DENSE, 3, dim=5, n=1000, seed=1)


def test_fingerprints_tell_codebooks_apart(images):
    made = [
        learn(images, DENSE, 3, dim=5, n=1000),
        learn(images, DENSE, 4, dim=5, n=1000),
        learn(images, DENSE, 3, dim=6, n=1000),
        learn(images, DENSE, 3, dim=5, n=1000, xy=True),
        learn(images, DENSE, 3, dim=5, n=1000, kind="kmeans"),
        learn(images, replace(DENSE, step=4), 3, dim=5, n=1000),
        learn(images[:5], DENSE, 3, dim=5, n=1000),
    ]
    assert len({book.fingerprint for book in made}) == len(made)


def test_descriptors_are_drawn_equally_from_all_pictures(images):
    x, places = sample(images, DENSE, 60)
    assert x.shape == (60, 128)
    assert places.abs().max() < 0.5
    every, _ = sample(images, DENSE, 10**6)  # there are not so many: all are taken, once
    assert len(every) == sum(len(DENSE(images.tensor(i)).x) for i in range(len(images)))


def test_a_vector_is_what_the_parts_give(images, codebook):
    found = encode(images, codebook)
    local = DENSE(images.tensor(2))
    z = codebook.pca(local.x)
    if codebook.xy:
        place = (local.xy + 0.5) / torch.tensor([WIDTH, HEIGHT]) - 0.5
        z = torch.cat([z, place], 1)
    assert found.shape == (6, 1, 2 * codebook.K * codebook.D)
    assert found[2, 0] == pytest.approx(fisher_vector(z, codebook.words).numpy(), rel=2e-3, abs=1e-4)


def test_views_are_encoded_together_as_alone(images, codebook):
    which = (*TEN_CROPS, *PYRAMID)
    together = encode(images[:2], codebook, which)
    for v in (0, 4, 7, 10, 12, 17):
        assert together[:, v] == pytest.approx(encode(images[:2], codebook, [which[v]])[:, 0], abs=1e-3)
    assert len(np.unique(together[0], axis=0)) == len(which)


def test_the_quarters_add_up_to_the_whole(images, codebook):
    phi = encode_one(images, 0, codebook, PYRAMID, "fisher")
    local = DENSE(images.tensor(0))
    n = torch.stack([ifv.inside(view, local).sum() for view in PYRAMID]).float()
    assert n[0] == n[1:4].sum() == n[4:].sum()
    for level in (slice(1, 4), slice(4, 8)):
        assert (n[level, None] * phi[level]).sum(0) / n[0] == pytest.approx(phi[0].numpy(), abs=1e-5)


@pytest.mark.parametrize("colour", [False, True], ids=["SIFT", "colour"])
@pytest.mark.parametrize("xy", [False, True], ids=["no place", "(x,y)"])
def test_a_mirrored_view_is_the_view_of_the_mirrored_picture(images, colour, xy):
    book = learn(images, replace(DENSE, colour=colour), 3, dim=8, xy=xy, n=1000)
    mirrored = replace(images, images=ArrayImages(images.images.array[..., ::-1].copy()))
    ours, theirs = (encode(some, book, (*FLIP, *TEN_CROPS)) for some in (images, mirrored))
    assert ours[:, 1] == pytest.approx(theirs[:, 0], abs=2e-3)
    assert np.abs(ours[:, 1].astype(float) - ours[:, 0]).max() > 0.02
    for view, other in enumerate([3, 2, 5, 4, 6]):  # left is right in the mirror
        assert ours[:, 7 + view] == pytest.approx(theirs[:, other], abs=2e-3)


def test_what_was_encoded_is_read(images, codebook, monkeypatch):
    first = encode(images, codebook)
    monkeypatch.setattr(ifv, "encode_one", None)
    assert np.array_equal(encode(images, codebook), first)


def test_other_methods(images):
    words = learn(images, DENSE, 5, kind="kmeans", dim=10, n=2000)
    counts = encode(images, words, PYRAMID, "bow")
    assert counts.shape == (6, 8, 5)
    assert counts.sum(2) == pytest.approx(np.ones((6, 8)), abs=2e-3)
    assert encode(images, words, method="vlad").shape == (6, 1, 50)
    with pytest.raises(ValueError, match="gmm"):
        encode(images, words)


def test_hard_assignment_is_another_vector(images, codebook):
    soft, hard = encode(images, codebook), encode(images, codebook, method="hard fisher")
    assert soft.shape == hard.shape
    assert not np.allclose(soft, hard, atol=1e-3)


def test_a_flat_picture_has_the_vector_zero(codebook):
    flat = ImageCollection(
        "flat", "twin", ArrayImages(np.full((1, 3, 49, 55), 90, np.uint8)), ("a",), np.zeros(1, int)
    )
    phi = encode(flat, codebook, PYRAMID)
    assert not phi.any()
    assert not normalised(phi, codebook.K, intra=True, pyramid=True).any()


def test_a_picture_too_small_is_named(images, codebook):
    small = replace(images, images=ArrayImages(images.images.array[..., :10, :10].copy()))
    with pytest.raises(RuntimeError, match="drawn: twin 0 has no local descriptors"):
        encode(small, codebook)


def test_normalisations_are_those_of_one_vector(images, codebook):
    phi = encode(images, codebook, PYRAMID)
    one = torch.from_numpy(phi[3, 5].astype(np.float32))
    assert normalised(phi, 4)[3, 5] == pytest.approx(improve(one).numpy(), abs=1e-3)
    assert normalised(phi, 4, intra=True)[3, 5] == pytest.approx(intra_normalise(one, 4).numpy(), abs=1e-3)
    joined = normalised(phi, 4, pyramid=True)
    assert joined.shape == (6, 8 * phi.shape[2])
    assert np.linalg.norm(joined.astype(float), axis=1) == pytest.approx(np.ones(6), abs=1e-3)
    assert joined[3].reshape(8, -1)[5] == pytest.approx(improve(one).numpy() / 8**0.5, abs=1e-3)


def test_views_are_summed_to_length_one():
    phi = np.array([[[3, 0], [0, 4]], [[1, 1], [-1, -1]]], np.float16)
    assert summed(phi) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]), abs=1e-3)


def test_work_comes_back_in_order_and_ends_with_the_first_fault():
    import time

    def take(i):
        time.sleep(0.01 * (i % 3))
        if i == 7:
            raise ValueError("seven")
        return i * i

    threads = torch.get_num_threads()
    made = []
    with pytest.raises(ValueError, match="seven"):
        made.extend(x for x in in_order(take, range(20), 3, 1) if made.append(x))
    assert made == [i * i for i in range(7)]
    assert torch.get_num_threads() == threads


def test_sizes_of_the_resized_form_are_in_pixels_of_the_picture():
    local = Dense("resized", 4, (4.0, 8.0))(pictures().tensor(0))
    assert sorted(set(local.size.tolist())) == [4, 8]
    assert ifv.inside(WHOLE, local).all()
