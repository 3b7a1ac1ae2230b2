"""phi(I) from local descriptors: a codebook learned on some pictures, and the vectors of any others.

    codebook = learn(images[train], Dense(), K=256, xy=True)
    phi_fv = encode(images, codebook, PYRAMID)          # float16 [N, 8, 2KD], as the formula has it
    phi_ifv = normalised(phi_fv, codebook)              # float16 [N, 8 2KD], square root, lengths

A picture's descriptors are computed once for all its views: a view takes those that lie in it (their places stay those
in the whole picture), a mirrored one takes them mirrored, which for SIFT and colour is a permutation of their numbers.
Codebooks and vectors are kept by `store`; pictures are worked on side by side, and an interrupted call goes on where
it was.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from lecture_lib import checks, store
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.encoders.augment import WHOLE, View, inside
from lecture_lib.encoders.bow import bow, vlad
from lecture_lib.encoders.codebook import GMM, PCA, fit_gmm, fit_kmeans, fit_pca
from lecture_lib.encoders.colour import MIRROR_COLOUR, colour_statistics
from lecture_lib.encoders.fisher import fisher_vector
from lecture_lib.encoders.normalise import improve, intra_normalise, l2_normalise
from lecture_lib.encoders.parallel import in_order
from lecture_lib.encoders.sift import MIRROR, Local, phow, sift_pyramid

VERSION = 1  # part of every recipe: raise it when the same pictures would give other descriptors or vectors
BLOCK = 32  # pictures that an interrupt can lose
ROWS = 256  # pictures normalised at once

Form = Literal["phow", "resized"]
Kind = Literal["gmm", "kmeans"]
Method = Literal["fisher", "hard fisher", "vlad", "bow"]


@dataclass(frozen=True)
class Dense:
    """Which local descriptors are taken from a picture.

    form    of SIFT: "phow", bins of several sizes in the smoothed picture (Chatfield et al. 2011), or "resized", bins
            of 8 pixels in pictures of several sizes (VLFeat's recognition example, 2013)
    step    pixels between centres (of the resized picture, for "resized")
    sizes   sides of a bin in pixels of the picture; a descriptor covers 4 x 4 of them
    colour  colour statistics of the same squares, in place of SIFT
    """

    form: Form = "phow"
    step: int = 3
    sizes: tuple[float, ...] = (4, 6, 8, 10)
    colour: bool = False

    def __post_init__(self):
        checks.option(self.form, Form, "form of SIFT")
        checks.above_zero([self.step, *self.sizes], "step and sizes")

    def __call__(self, picture: Tensor) -> Local:
        """Describe a picture, uint8 [3, H, W]."""
        if self.form == "phow":
            local = phow(picture, self.step, self.sizes)
        else:
            local = sift_pyramid(picture, self.step, 8, [8 / size for size in self.sizes])
        return colour_statistics(picture, local) if self.colour else local

    @property
    def mirror(self) -> Tensor:
        """int64 [D], the permutation that mirrors a descriptor."""
        return MIRROR_COLOUR if self.colour else MIRROR


@dataclass(frozen=True, eq=False)
class Codebook:
    """What was learned from pictures without their labels: axes for their descriptors, and Gaussians or words.

    words  GMM, or the means [K, D] of k-means
    xy     descriptors have their place (x / W - 1/2, y / H - 1/2) appended, so D = 82 for 80 axes
    """

    dense: Dense
    pca: PCA
    words: GMM | Tensor
    xy: bool

    @property
    def means(self) -> Tensor:
        """float32 [K, D], of the Gaussians or of the words."""
        return self.words.means if isinstance(self.words, GMM) else self.words

    @property
    def K(self) -> int:
        """The number of Gaussians, or words."""
        return len(self.means)

    @property
    def D(self) -> int:
        """The length of a descriptor as the Gaussians see it."""
        return self.means.shape[1]

    def project(self, local: Local, mirrored: bool = False) -> Tensor:
        """Bring a picture's descriptors to the codebook's axes: float32 [N, D]."""
        z = self.pca(local.x[:, self.dense.mirror] if mirrored else local.x)
        if not self.xy:
            return z
        place = _place(local)
        return torch.cat([z, place * place.new_tensor([-1 if mirrored else 1, 1])], dim=1)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides the vectors, besides the pictures."""
        words = vars(self.words) if isinstance(self.words, GMM) else self.words
        return store.fingerprint([asdict(self.dense), self.xy, vars(self.pca), words])


def sample(images: ImageCollection, dense: Dense, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw about n descriptors, equally many from each picture: float32 [n, D], their places [n, 2] in -1/2 .. 1/2.

    Where a picture has fewer than its share, all of them are taken.
    """
    share = -(-n // len(images))

    def take(i: int) -> tuple[Tensor, Tensor]:
        local = _describe(dense, images, i)
        few = np.random.default_rng([seed, i]).permutation(len(local.x))[:share]
        return local.x[few], _place(local)[few]

    with closing(in_order(take, range(len(images)), torch.get_num_threads(), 1)) as described:
        x, places = zip(*described, strict=True)
    return torch.cat(x), torch.cat(places)


def learn(
    images: ImageCollection,
    dense: Dense,
    K: int,
    *,
    kind: Kind = "gmm",
    dim: int = 80,
    xy: bool = False,
    n: int = 200_000,
    seed: int = 0,
) -> Codebook:
    """Learn a codebook from training pictures: PCA to `dim` axes, then K Gaussians (or k-means words).

    n        descriptors, drawn equally from all pictures
    returns  Codebook, from the cache if it was learned before

    Raises ValueError if the pictures have too few descriptors for K.
    """
    checks.option(kind, Kind, "kind of codebook")
    recipe = {"codebook": kind, "version": VERSION, "images": images.images.fingerprint, "seed": seed}
    recipe |= {"dense": asdict(dense), "K": K, "dim": dim, "xy": xy, "n": n}
    of_words = [field.name for field in fields(GMM)] if kind == "gmm" else ["words"]
    of_pca = [field.name for field in fields(PCA)]

    def stream(_spans, _names) -> Iterator[dict[str, np.ndarray]]:
        x, places = sample(images, dense, n, seed)
        pca = fit_pca(x, dim)
        z = torch.cat([pca(x), places], dim=1) if xy else pca(x)
        words = vars(fit_gmm(z, K, seed=seed)) if kind == "gmm" else {"words": fit_kmeans(z, K, seed=seed)}
        yield {name: np.asarray(array)[None] for name, array in (vars(pca) | words).items()}

    stored = store.fetch({name: recipe | {"part": name} for name in of_pca + of_words}, 1, stream)
    tensor = {name: torch.from_numpy(np.array(array[0])) for name, array in stored.items()}
    pca, words = PCA(*map(tensor.get, of_pca)), [*map(tensor.get, of_words)]
    words = GMM(*words) if kind == "gmm" else words[0]
    return Codebook(dense, pca, words, xy)


def encode(
    images: ImageCollection,
    codebook: Codebook,
    which: Sequence[View] = (WHOLE,),
    method: Method = "fisher",
) -> np.ndarray:
    """Encode the views of pictures, unnormalised: float16 [N, V, d], a read-only memory map.

    which   V views, such as FLIP, TEN_CROPS or PYRAMID
    method  "fisher": phi_FV, d = 2KD. "hard fisher": the same with each descriptor given wholly to its most probable
            Gaussian. "vlad": d = KD. "bow": d = K. The last two may take any codebook, and its means as words

    A view without a descriptor is 0. Raises RuntimeError, with the picture's name, for one that cannot be encoded.
    """
    which = tuple(which)
    checks.option(method, Method, "method")
    if "fisher" in method and not isinstance(codebook.words, GMM):
        raise ValueError('A Fisher vector needs Gaussians: learn the codebook with kind="gmm".')
    recipe = {"encoder": "local", "version": VERSION, "images": images.images.fingerprint, "method": method}
    recipe |= {"codebook": codebook.fingerprint, "dtype": "float16"}
    recipe |= {"views": [asdict(replace(view, name="")) for view in which]}

    def stream(spans: list[tuple[int, int]], _names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        numbers = [i for start, stop in spans for i in range(start, stop)]
        one = partial(encode_one, images, codebook=codebook, which=which, method=method)
        with closing(in_order(one, numbers, torch.get_num_threads(), 1)) as made:
            for start, stop in spans:
                yield {"phi": np.stack([next(made).half().numpy() for _ in range(start, stop)])}

    label = f"{method}, K = {codebook.K}, on {images.name}"
    return store.fetch({"phi": recipe}, len(images), stream, block=BLOCK, progress=label)["phi"]


POOLS: dict[Method, Callable[[Tensor, Codebook, Tensor], Tensor]] = {
    "fisher": lambda z, codebook, regions: fisher_vector(z, codebook.words, regions),
    "hard fisher": lambda z, codebook, regions: fisher_vector(z, codebook.words, regions, "hard"),
    "vlad": lambda z, codebook, regions: vlad(z, codebook.means, regions),
    "bow": lambda z, codebook, regions: bow(z, codebook.means, regions),
}


@torch.inference_mode()
def encode_one(
    images: ImageCollection, i: int, codebook: Codebook, which: Sequence[View], method: Method
) -> Tensor:
    """Encode the views of picture i, unnormalised: float32 [V, d]."""
    local = _describe(codebook.dense, images, i)
    regions = torch.stack([inside(view, local) for view in which])
    mirrored = torch.tensor([int(view.mirrored) for view in which])
    sides = [(bool(side), regions[mirrored == side]) for side in mirrored.unique()]
    phi = torch.cat([POOLS[method](codebook.project(local, side), codebook, of) for side, of in sides])
    phi = phi[mirrored.argsort(stable=True).argsort()]
    if not torch.isfinite(phi).all() or phi.abs().max() > torch.finfo(torch.float16).max:
        raise RuntimeError(
            f"{images.name}: {images.names[i]} has a Fisher vector that float16 does not hold. The codebook "
            "has a Gaussian of almost no width: learn it from more descriptors, or with a smaller K."
        )
    return phi


def normalised(phi: np.ndarray, K: int, *, intra: bool = False, pyramid: bool = False) -> np.ndarray:
    """Turn phi_FV (or VLAD) into phi_IFV: float16 [N, V, d], or [N, V d] for a pyramid.

    phi      [N, V, d], from `encode`
    intra    each Gaussian's part to length 1, instead of only the whole (see `intra_normalise`)
    pyramid  the V views are regions of one vector: each is normalised, then they are joined, to length 1

    Each is the signed square root, then lengths.
    """
    n, v, d = phi.shape
    out = np.empty((n, v * d) if pyramid else phi.shape, np.float16)
    for start in range(0, n, ROWS):
        rows = torch.from_numpy(phi[start : start + ROWS].astype(np.float32))
        rows = intra_normalise(rows, K) if intra else improve(rows)
        if pyramid:
            rows = l2_normalise(rows.flatten(1))
        out[start : start + ROWS] = rows.numpy()
    return out


def _place(local: Local) -> Tensor:
    """Where descriptors lie in their picture, float32 [N, 2]: (x / W - 1/2, y / H - 1/2) of their centres."""
    height, width = local.picture
    return (local.xy + 0.5) / local.xy.new_tensor([width, height]) - 0.5


def _describe(dense: Dense, images: ImageCollection, i: int) -> Local:
    """Describe picture i; SIFT of flat patches, which is 0 and says nothing, is left out."""
    try:
        local = dense(images.tensor(i))
        textured = (local.x != 0).any(1)
        return Local(local.x[textured], local.xy[textured], local.size[textured], local.picture)
    except Exception as error:
        name = images.names[i]
        raise RuntimeError(f"{images.name}: {name} has no local descriptors: {error}") from error
