"""Gaussians to play with: how many, at which scale, and what they take of one picture."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from torch import Tensor

from lecture_lib.chapters.ifv_vs_cnn.gaussian_figures import assignment_maps, gaussian_colours
from lecture_lib.display.showing import Explorer, choice
from lecture_lib.encoders.sift import Local

STRONGEST = 6  # Gaussians that are shown each by itself


def assignment_explorer(picture: Tensor, local: Local, mixtures: Mapping[int, Tensor]) -> Explorer:
    """Make a widget of `assignment_maps` with controls for the number of Gaussians and the bin size.

    picture   uint8 [3, H, W]
    local     its N descriptors, of one or several bin sizes
    mixtures  K -> posteriors [N, K] of all descriptors

    The Gaussians that take most of the descriptors of this size are also shown each by itself.
    """

    def draw(K: int, size: float) -> tuple[Figure, str]:
        here = local.size == size
        part = Local(local.x[here], local.xy[here], local.size[here], local.picture)
        q, colours = mixtures[K][here], gaussian_colours(mixtures[K].mean(0))  # the same for all bin sizes
        strongest = q.mean(0).argsort(descending=True)[:STRONGEST].tolist()
        title = f"{K} Gaussians, bins of {size:.3g} pixels"
        figure = assignment_maps(picture, part, q, colours, strongest, title=title)
        return (
            figure,
            f"A picture in the colours of {title}, and patches typical of the strongest Gaussians",
        )

    counts, sizes = sorted(mixtures), [(f"{size:.3g}", size) for size in local.size.unique().tolist()]
    K = choice("Gaussians", counts, counts[len(counts) // 2])
    return Explorer(draw, {"K": K, "size": choice("pixels a bin", sizes)})
