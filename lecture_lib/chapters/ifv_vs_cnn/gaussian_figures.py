"""A Gaussian mixture in pictures: its ellipses, the Fisher vector that comes of it, and who takes which descriptor."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image
from scipy.spatial import KDTree
from torch import Tensor

from lecture_lib.chapters.ifv_vs_cnn.figures import titled, wheel
from lecture_lib.display import style
from lecture_lib.display.pictures import as_pixels, enlarge
from lecture_lib.display.tiles import Block, Tile, blank, tiles
from lecture_lib.encoders.sift import BINS, Local, grey

MOST_POINTS = 4000  # of a plane that are drawn; more are one black spot
BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
NAMED = 12  # Gaussians that have a colour; more are not told apart
GREY = 0.62  # of all others
POSITIVE, NEGATIVE = "#c2281d", "#1f5fb0"  # the ends of the colour map "RdBu_r", dark enough for bars
DARK, LIGHT = 0.52, 0.76  # lightness of neighbouring Gaussians' colours
WIDE, SMALL = 300, 190  # pixels of the longer side of a map, of all Gaussians or of one
COLUMNS = 3  # of maps
LEGEND = 75  # pixels
PAPER = 0.45  # how far a picture without colour is from white: 1 is not at all
SHADE = 0.5  # how bright a colour is where the picture is black
PATCHES, PATCH = 9, 42  # typical patches of a Gaussian, pixels across each
SURE = 0.5  # posterior of a typical patch, at least

Array = np.ndarray | Tensor
Mixture = tuple[Array, Array, Array, Array]


def gaussian_colours(shares: Array) -> np.ndarray:
    """Return one colour a Gaussian, float [K, 3] in 0..1: a hue of its own for the largest shares, grey for others.

    shares  [K], of a picture's descriptors or of the mixture

    From one share to the next smaller one the hue turns by 150 degrees, and lightness alternates, so that those which
    fill most of a picture differ most, without hue, too.
    """
    strongest = np.argsort(-np.asarray(shares), kind="stable")[:NAMED]
    hues = wheel(NAMED, np.where(np.arange(NAMED) % 2, LIGHT, DARK))
    colours = np.full((len(shares), 3), GREY)
    colours[strongest] = hues[5 * np.arange(len(strongest)) % NAMED]
    return colours


def planes(
    z: Array, mixtures: Mapping[str, Mixture], colours: np.ndarray, *, axes: tuple[str, str], title: str = ""
) -> Figure:
    """Draw descriptors in a plane in the colours of their Gaussians, and each Gaussian as its ellipse, side by side.

    z         [N, D] descriptors; the first two dimensions are drawn, of 4,000 descriptors at most
    mixtures  what stands above a panel -> means [K, D], variances [K, D] and weights [K] of a diagonal Gaussian
              mixture in the same space, and posteriors q [N, K]
    colours   float [K, 3], as of `gaussian_colours`; Gaussians in grey are drawn thin, others thick if heavy
    axes      names of the two dimensions

    An ellipse is one standard deviation; coloured Gaussians have their numbers, where there is room.
    """
    z, few = np.asarray(z), np.random.default_rng(0).permutation(len(z))[:MOST_POINTS]
    points, named = z[few, :2], (colours != GREY).any(1)
    around = [np.percentile(points, [0.5, 99.5], axis=0)]
    width, height = (8, 5.6) if len(mixtures) == 1 else (3.3 * len(mixtures), 4)
    with style.look():
        figure = titled(width, height, title)
        panels = figure.subplots(1, len(mixtures), sharex=True, sharey=True, squeeze=False)[0]
        for panel, (text, mixture) in zip(panels, mixtures.items(), strict=True):
            means, variances, weights, q = map(np.asarray, mixture)
            middles, sides = means[:, :2], 2 * variances[:, :2] ** 0.5
            panel.scatter(*points.T, s=5, c=np.clip(q[few] @ colours, 0, 1), linewidths=0, zorder=1)
            widths = np.where(named, 0.8 + 2.4 * (weights / weights.max()) ** 0.5, 0.5)
            look = {"facecolors": "none", "edgecolors": colours, "linewidths": widths}
            place = {"units": "xy", "offsets": middles, "offset_transform": panel.transData}
            panel.add_collection(EllipseCollection(*sides.T, 0, zorder=2, **place, **look))
            around += [middles - sides / 2, middles + sides / 2]
            panel.set_title(text, fontsize=11)
            panel.set(aspect="equal", xlabel=axes[0])
            for k in apart(middles, np.flatnonzero(named)[np.argsort(-weights[named])]):
                frame = {"facecolor": "white", "edgecolor": colours[k], "alpha": 0.9}
                frame |= {"boxstyle": "round,pad=0.2"}
                panel.text(*middles[k], str(k), ha="center", va="center", fontsize=9, bbox=frame)
        low, high = np.concatenate(around).min(0), np.concatenate(around).max(0)
        (x0, y0), (x1, y1) = low - 0.03 * (high - low), high + 0.03 * (high - low)
        panels[0].set(xlim=(x0, x1), ylim=(y0, y1), ylabel=axes[1])
    return figure


def apart(places: np.ndarray, order: np.ndarray) -> list[int]:
    """Of places [K, 2] leave out, in this order, those that lie too near one before to have a label of their own."""
    room, chosen = 0.05 * np.ptp(places, axis=0), []
    for k in order.tolist():
        if all((np.abs(places[k] - places[other]) > room).any() for other in chosen):
            chosen.append(k)
    return chosen


def fisher_blocks(phi: np.ndarray, K: int, ks: Sequence[int], *, title: str) -> Figure:
    """Draw a whole Fisher vector as an image, one row a Gaussian, and u_k and v_k of a few Gaussians as bars.

    phi  [2 K D] = [u_1; v_1; ...; u_K; v_K], as of `encoders.fisher.fisher_vector`
    ks   the Gaussians whose bars are drawn: 0 .. K-1

    Blue is below 0, red above; colours end at the 99.5th percentile of the absolute values.
    """
    blocks = phi.reshape(K, 2, -1)
    with style.look():
        figure = titled(10, max(4.9, 1.5 * len(ks) + 1.3), title)
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.35])
        draw_overview(left, blocks, ks)
        highest = np.abs(blocks[list(ks)]).max() * 1.05
        rows = right.subplots(2 * len(ks), 1, sharex=True)
        for axes, (k, order) in zip(rows, [(k, order) for k in ks for order in (0, 1)], strict=True):
            values = blocks[k, order]
            axes.bar(range(len(values)), values, width=0.85, color=np.where(values < 0, NEGATIVE, POSITIVE))
            axes.axhline(0, color=style.PALE, lw=0.6)
            name = f"{'uv'[order]}{str(k).translate(BELOW)}"
            axes.set_ylabel(name, rotation=0, fontsize=14, style="italic", ha="right", va="center")
            axes.set(xlim=(-1, len(values)), ylim=(-highest, highest))
            axes.tick_params(labelsize=9)
        rows[-1].set_xlabel("dimension of the descriptor")
    return figure


def draw_overview(figure: Figure, blocks: np.ndarray, ks: Sequence[int]) -> None:
    """Draw all values [K, 2, D] as two images, of the u_k and of the v_k, blue below 0 and red above."""
    most = np.percentile(np.abs(blocks), 99.5)
    for axes, order in zip(figure.subplots(1, 2, sharey=True), (0, 1), strict=True):
        shades = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
        image = axes.imshow(blocks[:, order], aspect="auto", interpolation="none", **shades)
        axes.set_title(f"all {'uv'[order]}ₖ", fontsize=12)
        axes.set(xlabel="dimension", ylabel="" if order else "Gaussian k")
        axes.tick_params(labelsize=9)
        for k in ks:  # an arrow beside the row, for a frame would hide it
            axes.annotate(
                "", (1, k), xytext=(1.09, k), xycoords=axes.get_yaxis_transform(),
                arrowprops={"arrowstyle": "-|>", "color": style.INK, "lw": 1},
            )  # fmt: skip
    bar = figure.colorbar(image, ax=figure.axes, location="bottom", shrink=0.7, aspect=30, extend="both")
    bar.outline.set_visible(False)
    bar.ax.locator_params(nbins=5)
    bar.ax.tick_params(labelsize=9)
    axes.set_ylim(len(blocks) - 0.5, -0.5)


def assignment_maps(
    picture: Tensor, local: Local, q: Tensor, colours: np.ndarray, ks: Sequence[int] = (), *, title: str = ""
) -> Figure:
    """Colour a picture by the Gaussians to which its descriptors are assigned, once for each bin size.

    picture  uint8 [3, H, W]
    local    its N descriptors
    q        [N, K] posteriors, as of `encoders.fisher.posteriors`
    colours  float [K, 3], as of `gaussian_colours`
    ks       Gaussians that are shown by themselves, too, as in `posterior_maps`

    Where several Gaussians share a descriptor, their colours are mixed; a colour is as bright as the picture below it.
    The legend has the strongest Gaussians with their mean posteriors.
    """
    figure = posterior_maps(picture, local, q, colours, ks, title=title, whole=True)
    shares, text = np.asarray(q.mean(0)), "share of the descriptors"
    strongest = np.argsort(-shares, kind="stable")[:NAMED]
    if rest := len(shares) - len(strongest):
        text += f" ({rest} other Gaussians, grey: {1 - shares[strongest].sum():.1%})"
    entries = [Patch(color=colours[k], lw=0, label=f"k = {k}: {shares[k]:.1%}") for k in strongest]
    look = {"loc": "lower left", "ncols": 6, "handlelength": 1, "handleheight": 1, "frameon": False}
    figure.axes[0].legend(handles=entries, title=text, alignment="left", **look)
    return figure


def posterior_maps(
    picture: Tensor,
    local: Local,
    q: Tensor,
    colours: np.ndarray,
    ks: Sequence[int],
    *,
    title: str = "",
    whole: bool = False,
) -> Figure:
    """Show where single Gaussians fire: typical patches, then the posterior over the picture for each bin size.

    picture  uint8 [3, H, W]
    local    its N descriptors
    q        [N, K] posteriors
    colours  float [K, 3]
    ks       the Gaussians that are shown with their mean posteriors: 0 .. K-1
    whole    put the picture and maps of all Gaussians above, and leave room for a legend, as `assignment_maps`

    A place is white-grey at a posterior of 0, and has the Gaussian's full colour at 1.
    """
    q, light, pixels = np.asarray(q), grey(picture).numpy(), as_pixels(picture)
    centres = {size: nearest_centre(local, size) for size in local.size.unique().tolist()}

    def maps(of: slice | list[int], longer: int) -> list[Tile]:
        drawn = {size: mixed(light, nearest, q[:, of], colours[of]) for size, nearest in centres.items()}
        return [Tile(enlarge(p, longer), f"bins of {size:.3g} pixels") for size, p in drawn.items()]

    blocks, across = [], 4 if len(centres) == 1 else 2
    for k in ks:
        patches = [Tile(patch(pixels, local, i)) for i in typical(local, q[:, k])]
        patches += [Tile(blank(PATCH, PATCH))] * (PATCHES - len(patches))
        look = {"heading": f"k = {k}: {q[:, k].mean():.1%}", "colour": to_hex(colours[k])}
        blocks += [Block(patches, columns=3, **look), Block(maps([k], SMALL))]
    rows = [blocks[i : i + across] for i in range(0, len(blocks), across)]
    if whole:
        every = [Tile(enlarge(pixels, WIDE), "the picture"), *maps(slice(None), WIDE)]
        rows.insert(0, [Block(every, columns=COLUMNS)])
    return tiles(rows, title=title, size=10.5, align="left", foot=LEGEND * whole).figure


def nearest_centre(local: Local, size: float) -> np.ndarray:
    """For each pixel the descriptor whose centre is nearest, int64 [H, W]; -1 where none is within half a step.

    size  side of a bin in pixels: only descriptors of this size count; they lie on a grid, which may have gaps
    """
    here = np.flatnonzero(local.size.numpy() == np.float32(size))
    xy, (height, width) = local.xy.numpy()[here], local.picture
    steps = [np.diff(np.unique(values.round(2))) for values in xy.T]
    step = max((of.min() for of in steps if len(of)), default=size) + 0.02  # the rounding
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    _, nearest = KDTree(xy).query(pixels, p=np.inf, distance_upper_bound=step / 2)
    return np.append(here, -1)[nearest]


def mixed(light: np.ndarray, nearest: np.ndarray, q: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Give a picture the Gaussians' colours, as bright as it is; where no descriptor is, it stays in pale grey.

    light    float [H, W] in 0..1, the picture in grey
    nearest  int64 [H, W] descriptor of each pixel, or -1
    q        float [N, k] posteriors; what is missing to 1 is left pale
    colours  float [k, 3] in 0..1

    returns uint8 [H, W, 3]
    """
    light, q = light[..., None], np.concatenate([q, np.zeros((1, q.shape[1]))])  # row -1: no descriptor
    pale, shade = 1 - PAPER * (1 - light), SHADE + (1 - SHADE) * light
    pixels = (1 - q.sum(1)[nearest][..., None]) * pale + (q @ colours)[nearest] * shade
    return (255 * np.clip(pixels, 0, 1)).round().astype(np.uint8)


def typical(local: Local, posterior: np.ndarray) -> list[int]:
    """Choose up to 9 descriptors that are surely of one Gaussian, far from each other, the most confident first.

    posterior  float [N] of this Gaussian

    No centre lies within half the side of a patch chosen before. Among equals, chance decides (always in the same way).
    """
    order = np.random.default_rng(0).permutation(len(posterior))
    order = order[np.argsort(-np.round(posterior[order], 3), kind="stable")]
    order = order[posterior[order] >= SURE]
    xy, size = local.xy.numpy(), local.size.numpy()
    chosen: list[int] = []
    while len(order) and len(chosen) < PATCHES:
        chosen.append(int(order[0]))
        far = np.abs(xy[order] - xy[chosen[-1]]).max(1) > BINS / 2 * size[chosen[-1]]
        order = order[far]
    return chosen


def patch(pixels: np.ndarray, local: Local, i: int) -> Image.Image:
    """Cut the patch of descriptor i out of a picture, uint8 [H, W, 3]; beyond the border its last pixels go on."""
    half = BINS / 2 * float(local.size[i])
    margin = int(np.ceil(half))
    middle = local.xy[i].numpy() + 0.5 + margin  # (0, 0) is the centre of a pixel
    wide = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    box = (*(middle - half).tolist(), *(middle + half).tolist())
    return Image.fromarray(wide).resize((PATCH, PATCH), Image.Resampling.BICUBIC, box=box)
