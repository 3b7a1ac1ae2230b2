"""The rows of the table by local features: words, VLAD and Fisher vectors, Hamming codes, fine words, ASMK.

What the papers take at Hessian-affine regions is taken at DoG's keypoints here, or on a grid.
"""

from collections.abc import Callable, Iterator
from copy import copy
from functools import cached_property

import numpy as np
import torch

from lecture_lib.chapters.instance_retrieval.asmk import asmk_index, asmk_scores
from lecture_lib.chapters.instance_retrieval.features import Features, Kind, extract
from lecture_lib.chapters.instance_retrieval.hamming import (
    HammingIndex,
    Matches,
    fewer_by_picture,
    fewer_by_query,
    hamming_index,
    hamming_matches,
)
from lecture_lib.chapters.instance_retrieval.measures import ranking
from lecture_lib.chapters.instance_retrieval.tables import BUILDINGS, SHORT, Row, Search, few_axes, projected
from lecture_lib.chapters.instance_retrieval.vectors import (
    bag_of_words,
    bag_scores,
    bytes_a_picture,
    count_words,
    cvlad_scores,
    cvlad_vectors,
    expanded,
    fisher_vectors,
    inverse_frequency,
    vlad_vectors,
)
from lecture_lib.chapters.instance_retrieval.verification import reranked, verify
from lecture_lib.chapters.instance_retrieval.words import (
    Cells,
    alternatives,
    assign,
    fit_cells,
    learn_fine_words,
    learn_words,
    sample,
)
from lecture_lib.datasets import twin_retrieval
from lecture_lib.encoders.codebook import LEAST, fit_gmm, fit_pca

WORDS = 4096  # of BoW, HE and ASMK, where there are ten training features for each; 65,536 to 200,000 in the papers
ASSIGNED = 5  # words of a query's feature in multiple assignment (MA)
TRAINING = 60_000  # features that are learned from
OF_VLAD, OF_CVLAD = 256, 64  # words, as in the papers
GAUSSIANS, AXES = 16, 64  # of Fisher vectors, 2 x 16 x 64 numbers
# a track goes on with the feature that is nearest to where the spot is, and the spot to it: within half a bin of its
# size, which may differ by half an octave, and an angle that may differ by a sixteenth of a turn
BIN, OCTAVES, TURN = 0.5, 0.5, np.pi / 8
NEXT = 12  # pictures of the same building that each is tracked to: of 25, every pair once
LIKELY = 4  # pictures, the most alike, that are verified for tracks in photographs


class Local:
    """Local features of a search, and what is learned from those of pictures that are not judged."""

    def __init__(self, task: Search, kind: Kind):
        self.task, self.kind = task, kind
        self.features, self.training = extract(task.images, kind), extract(task.apart, kind)[task.unjudged]
        self.x = sample(self.training, TRAINING)

    def of(self, features: Features, task: Search) -> "Local":
        """Another collection's features, with what was learned here."""
        other = copy(self)
        for made in ("assigned", "index"):
            vars(other).pop(made, None)
        other.features, other.task = features, task
        return other

    def asked(self, i: int) -> Features:
        """The features of query i: those in its box."""
        query = self.task.queries[i]
        return self.features[[query.picture]].inside(query.box)

    def words(self, K: int) -> np.ndarray:
        """K words, or the next power of two for which there are ten training features a word: float32 [K', 128]."""
        return learn_words(self.x, min(K, 1 << int(np.log2(len(self.x) / LEAST))))

    @cached_property
    def means(self) -> np.ndarray:
        """The words of BoW, HE and ASMK."""
        return self.words(WORDS)

    @cached_property
    def assigned(self) -> np.ndarray:
        """The word of each of the collection's features: int64 [n, 1]."""
        return assign(self.features.x, self.means)

    @cached_property
    def cells(self) -> dict[int, Cells]:
        """Medians for codes of 64 and of 128 bits."""
        return {bits: fit_cells(self.x, self.means, bits) for bits in (64, 128)}

    @cached_property
    def index(self) -> HammingIndex:
        """The inverted file of HE."""
        return hamming_index(self.features, self.assigned, self.cells[64])

    def matches(self, i: int, m: int, *, asymmetric: bool = False) -> Matches:
        """What votes for query i: HE, less where there are many of a kind."""
        x = self.asked(i).root
        found = hamming_matches(
            x, assign(x, self.means, m), self.index, self.cells[64], asymmetric=asymmetric
        )
        return fewer_by_query(fewer_by_picture(found))


def by_words(local: Local) -> Iterator[Row]:
    """BoW, with counts and with their roots."""
    K = len(local.means)
    counts = count_words(local.assigned, local.features.picture, len(local.features), K)
    idf = inverse_frequency(counts)
    for name, power in (("BoW", 1), ("BoW, square root", 0.5)):
        bags = bag_of_words(counts, idf, power)
        for m in (1, ASSIGNED):

            def scores(i: int, m: int = m, power: float = power, bags=bags) -> np.ndarray:
                words = assign(local.asked(i).x, local.means, m)
                return bag_scores(bag_of_words(counted(words, K), idf, power), bags)

            yield Row(with_ma(name, m), bytes_a_picture(bags), scores, K)


def with_ma(name: str, m: int) -> str:
    """A row's name with multiple assignment, as the lecture has it."""
    return f"{name}+MA" if m > 1 else name


def counted(words: np.ndarray, K: int):
    """`count_words` of one picture."""
    return count_words(words, np.zeros(len(words), np.int32), 1, K)


def by_vectors(local: Local) -> Iterator[Row]:
    """IFV, VLAD, also in 128 numbers, and CVLAD."""
    x = torch.from_numpy(local.x)
    pca = fit_pca(x, AXES)
    gmm = fit_gmm(pca(x), GAUSSIANS)
    yield _by_vector("IFV", lambda features: fisher_vectors(features, pca, gmm), local, GAUSSIANS)
    means = local.words(OF_VLAD)
    yield vlad_row(local, means)
    short = few_axes(vlad_vectors(local.training, means), min(SHORT, len(local.training) - 1))
    yield _by_vector(
        f"VLAD, {SHORT} numbers", lambda features: projected(vlad_vectors(features, means), short), local, len(means)
    )  # fmt: skip
    few = local.words(OF_CVLAD)
    vectors = cvlad_vectors(local.features, few)
    upright = local.task.images.name != "ukbench"  # the only set whose things are turned in the picture

    def scores(i: int) -> np.ndarray:
        return cvlad_scores(cvlad_vectors(local.asked(i), few)[0], vectors, upright=upright)

    yield Row("CVLAD", bytes_a_picture(vectors), scores, len(few), vectors[0].size)


def vlad_row(local: Local, means: np.ndarray) -> Row:
    """VLAD, each word's sum to length 1."""
    return _by_vector("VLAD", lambda features: vlad_vectors(features, means), local, len(means))


def _by_vector(name: str, encode: Callable[[Features], np.ndarray], local: Local, K: int) -> Row:
    vectors = encode(local.features)
    return Row(
        name, bytes_a_picture(vectors), lambda i: vectors @ encode(local.asked(i))[0], K, vectors.shape[1]
    )


def by_codes(local: Local) -> Iterator[Row]:
    """HE and AHE, both with burst weighting."""
    K, size = len(local.means), local.index.bytes_a_picture
    for name, asymmetric in (("HE+burst", False), ("AHE+burst", True)):
        for m in (1, ASSIGNED):

            def scores(i: int, m: int = m, asymmetric: bool = asymmetric) -> np.ndarray:
                return local.matches(i, m, asymmetric=asymmetric).scores(local.index)

            yield Row(with_ma(name, m), size, scores, K)


def by_kernels(local: Local) -> Iterator[Row]:
    """ASMK* and ASMK."""
    for name, binary in (("ASMK*", True), ("ASMK", False)):
        cells = local.cells[128]
        index = asmk_index(local.features, local.assigned, cells, binary=binary)
        for m in (1, ASSIGNED):

            def scores(i: int, m: int = m, index=index, cells: Cells = cells) -> np.ndarray:
                x = local.asked(i).root
                return asmk_scores(x, assign(x, local.means, m), index, cells)

            yield Row(with_ma(name, m), index.bytes_a_picture, scores, len(local.means))


def by_fine_words(local: Local) -> Iterator[Row]:
    """Fine vocabulary: a query's words stand for those that continue their tracks, too."""
    fine = learn_fine_words(local.x)
    W = int(fine.offsets[-1])
    counts = count_words(fine(local.features.root)[:, None], local.features.picture, len(local.features), W)
    idf = inverse_frequency(counts)
    bags = bag_of_words(counts, idf)
    follow = alternatives(fine(local.training.root)[tracks(local)], W)

    def scores(i: int) -> np.ndarray:
        return bag_scores(bag_of_words(counted(fine(local.asked(i).root)[:, None], W) @ follow, idf), bags)

    yield Row("Fine vocab", bytes_a_picture(bags), scores, W)


def tracks(local: Local) -> np.ndarray:
    """Pairs of training features that show the same spot: rows int64 [n, 2].

    In twins of buildings by what the renderer knows; of others by matches that verification agrees with.
    """
    known = local.task.apart.source == "twin" and local.task.apart.name in BUILDINGS
    pairs = _known_pairs(local) if known else _verified_pairs(local)
    return np.concatenate([np.zeros((0, 2), np.int64), *pairs])


def _known_pairs(local: Local) -> Iterator[np.ndarray]:
    images, training = local.task.apart, local.training
    for c in range(len(images.classes)):
        rows = np.flatnonzero(images.labels == c)
        for step in range(1, NEXT + 1):
            for i, j in zip(rows, np.roll(rows, -step), strict=True):
                mine, theirs = training[[i]], training[[j]]
                to = twin_retrieval.transfer(images, int(i), int(j), mine.xy + 0.5) - 0.5
                yield same_spots(mine, theirs, to) + training.offsets[[i, j]]


def same_spots(mine: Features, theirs: Features, to: np.ndarray) -> np.ndarray:
    """Which features of two pictures show the same spot: int64 [n, 2], given where each of `mine` is in the other.

    to  float64 [n, 2] in pixels; NaN where it is not to be seen
    """
    seen = np.flatnonzero(np.isfinite(to[:, 0]))
    spread = mine.xy[seen].std() if len(seen) > 2 else 0
    if not (spread and len(theirs.xy)):
        return np.zeros((0, 2), np.int64)
    larger = to[seen].std() / spread
    size = np.maximum(larger * mine.scale[seen, None], 1e-6)
    apart = np.linalg.norm(to[seen, None] - theirs.xy, axis=2) / size
    turn = np.abs((mine.angle[seen, None] - theirs.angle + np.pi) % (2 * np.pi) - np.pi)
    unlike = (np.abs(np.log2(size / theirs.scale)) > OCTAVES) | (turn > TURN)
    apart[unlike] = np.inf
    nearest = apart.argmin(1)
    both = (apart.min(1) < BIN) & (apart.argmin(0)[nearest] == np.arange(len(seen)))
    return np.stack([seen[both], nearest[both]], 1)


def _verified_pairs(local: Local) -> Iterator[np.ndarray]:
    training, cells = local.training, local.cells[64]
    index = hamming_index(training, assign(training.x, local.means), cells)
    for i in range(len(training)):
        mine = training[[i]]
        found = hamming_matches(mine.root, assign(mine.x, local.means), index, cells)
        order = ranking(found.scores(index))
        for agree in verify(mine, training, found, order[order != i][:LIKELY]).values():
            yield np.stack([found.query[agree] + training.offsets[i], found.row[agree]], 1)


def verified(local: Local) -> Iterator[Row]:
    """What comes after a search: verification of the first 50, and a VLAD expanded by what was verified."""
    means = local.words(OF_VLAD)
    vectors = vlad_vectors(local.features, means)

    def checked(i: int, order: np.ndarray) -> dict[int, np.ndarray]:
        return verify(local.asked(i), local.features, local.matches(i, 1), order)

    def reranked_scores(i: int) -> np.ndarray:
        order = ranking(local.matches(i, 1).scores(local.index))
        return -np.argsort(reranked(order, checked(i, order)))

    def expanded_scores(i: int) -> np.ndarray:
        query = vlad_vectors(local.asked(i), means)[0]
        found = checked(i, ranking(vectors @ query))
        rows = [picture for picture, agree in found.items() if len(agree)]
        return vectors @ expanded(query, vectors, np.array(rows, np.int64))

    K, size = len(local.means), local.index.bytes_a_picture
    yield Row("HE+burst, verified", size, reranked_scores, K)
    yield Row(
        "VLAD, expanded", size + bytes_a_picture(vectors), expanded_scores, len(means), vectors.shape[1]
    )
