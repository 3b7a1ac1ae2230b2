"""How figures look: white ground, one colour and marker a group wherever it is shown, text for a slide."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.reading import printable

DPI = 100
INK, FAINT, PALE = "#222222", "#666666", "#9a9a9a"
RIGHT, WRONG = "#0a8f5c", "#c2281d"
SIGNS = {True: "✓", False: "✗"}  # right and wrong are not told apart by colour alone
MOST_LETTERS = 40  # of a name in a figure
MOST_NAMES = 150  # in a legend: marks and colours are the same again long before
# have letters and signs that matplotlib's own font has not; those that this computer has are asked in turn
FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "WenQuanYi Zen Hei",
    "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Arial Unicode MS", "Noto Emoji",
    "Segoe UI", "Segoe UI Symbol", "Symbola",
)  # fmt: skip
LOOK = {
    "text.parse_math": False,  # "$5" is a name, not a formula
    "figure.facecolor": "white", "savefig.facecolor": "white", "axes.facecolor": "white",
    "figure.dpi": DPI, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": PALE,
    "xtick.color": INK, "ytick.color": INK, "font.size": 11,
    "font.family": ["sans-serif", *(name for name in FONTS if name in set(font_manager.get_font_names()))],
    "axes.titlesize": 13, "axes.titlelocation": "left", "axes.labelsize": 11, "legend.fontsize": 10,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
}  # fmt: skip

# The lecture's groups in its order, then those that only photographs have, scenes, and VOC's. Neighbours in this
# list, and groups that maps put side by side, differ in lightness as well as hue; the marker differs too.
GROUPS = {
    "structure": ("#8c6bb1", "s"),
    "covering": ("#f768a1", "P"),
    "commodity": ("#b8a000", "D"),
    "conveyance": ("#d62728", "s"),
    "invertebrate": ("#5e2d91", "v"),
    "bird": ("#1f77d0", "o"),
    "hunting dog": ("#ff7f0e", "^"),
    "mammal": ("#8c4a1e", "^"),
    "fish": ("#12b5c9", "<"),
    "plant": ("#2a9d3a", "X"),
    "furniture": ("#e8b98a", "D"),
    "vessel": ("#7fcdbb", "P"),
    "instrument": ("#25304f", "o"),
    "person": ("#ffd92f", "o"),
    "device": ("#9ec5e8", "s"),
    "reptile": ("#a6d96a", "v"),
    "figure": ("#c51b8a", "X"),
    "other": ("#8a8a8a", "o"),
    "background": ("#c8c8c8", "o"),
    "indoor": ("#d95f02", "o"),
    "outdoor, natural": ("#1b9e4b", "^"),
    "outdoor, man-made": ("#4a5fc1", "s"),
    "animal": ("#1f77d0", "o"),
    "vehicle": ("#d62728", "s"),
}
SPARE = (
    "#0072b2", "#d55e00", "#009e73", "#e69f00", "#aa4499", "#56b4e9", "#332288", "#882255", "#117733", "#777777",
)  # fmt: skip
SPARE_MARKERS = "o^sDvPX"

# What is compared has one colour and mark in every figure of every notebook: methods, layers, data. The colours are
# those of Okabe and Ito (2008) and of Tol (2021), which colour-blind readers tell apart, too.
METHODS = {
    "CNN": ("#0072b2", "o"),  # a frozen network, and an SVM on it
    "CNN, views": ("#56b4e9", "D"),
    "IFV": ("#e69f00", "s"),
    "IFV + CNN": ("#117733", "P"),
    "visual words": ("#882255", "X"),
    "softmax": ("#009e73", "^"),  # a new last layer on a frozen network
    "TUNE-CLS": ("#d55e00", "v"),
    "TUNE-RNK": ("#aa4499", "X"),
    "from scratch": ("#444444", "<"),
    "patches": ("#332288", "s"),
    "patches, no background": ("#e69f00", "d"),
    "patches, no transfer": ("#444444", "<"),
    "the picture's middle": ("#56b4e9", "P"),
    "whole pictures": ("#56b4e9", "o"),
    "DeCAF1": ("#e69f00", "v"),
    "DeCAF5": ("#009e73", "s"),
    "DeCAF6": ("#0072b2", "o"),
    "DeCAF7": ("#aa4499", "^"),
    "pixels": ("#444444", "P"),
    "training pictures": ("#e69f00", "^"),
    "test pictures": ("#0072b2", "o"),
    "ilsvrc2012": ("#aa4499", "D"),
    "caltech101": ("#d55e00", "^"),
    "sun397": ("#009e73", "s"),
    "voc2007": ("#0072b2", "o"),
    "voc2012_action": ("#e69f00", "v"),
    "base": ("#444444", "D"),
    "BnB": ("#0072b2", "o"),
    "AnB": ("#d55e00", "s"),
    "BnB+": ("#56b4e9", "^"),
    "AnB+": ("#e69f00", "v"),
    "random layers": ("#009e73", "X"),
    "random halves": ("#0072b2", "o"),
    "dissimilar halves": ("#d55e00", "s"),
    "amazon": ("#e69f00", "o"),
    "caltech": ("#009e73", "D"),
    "dslr": ("#0072b2", "s"),
    "webcam": ("#aa4499", "^"),
}
OTHER_NAMES = {
    "musical instrument": "instrument",
    "frozen": "CNN",
    "frozen, SVM": "CNN",
    "SVM, not tuned": "CNN",
    "CNN-SVM": "CNN",
    "whole pictures, SVM": "CNN",
    "CNNaug-SVM": "CNN, views",
    "CNN, (C) s s": "CNN, views",
    "FK": "IFV",
    "FK IN": "IFV",
    "FK IN + CNN": "IFV + CNN",
    "words": "visual words",
    "only the head": "softmax",
    "patches, sum over patches": "patches",
    "VOC 2007": "voc2007",
    "voc2007 twin": "voc2007",
    "caltech101 twin": "caltech101",
    "actions": "voc2012_action",
}
LOOKS = GROUPS | METHODS
STROKES = ("-", "--", ":", "-.")


@contextmanager
def look() -> Iterator[None]:
    """Draw in the workbook's style within this context; the user's own settings stay as they are.

    A letter that no font has is drawn as a box, without a warning each time.
    """
    with mpl.rc_context(LOOK), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        yield


class PlainFigure(Figure):
    """A figure that draws every text as it is, wherever and whenever it was written: none is a formula."""

    def draw(self, renderer) -> None:
        """Draw in the workbook's style."""
        with look():
            for text in self.findobj(Text):
                text.set(parse_math=False, text=drawable(text.get_text()))
            super().draw(renderer)


def new_figure(width: float, height: float, **options) -> Figure:
    """An empty white figure of width x height inches, known to no window: it appears where it is shown."""
    return PlainFigure(figsize=(width, height), dpi=DPI, facecolor="white", **options)


def drawable(text: str) -> str:
    """A text with numbers in place of what is no text: bytes of a file's name that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def short(name: str, most: int = MOST_LETTERS) -> str:
    """A name as figures have it: one line, cut to so many letters."""
    name = printable(name)
    return name if len(name) <= most else name[: most - 1] + "…"


class Look(NamedTuple):
    """How a method is drawn: its colour, its mark, and the stroke of its line, which is broken for a variant."""

    colour: str
    marker: str
    stroke: str = "-"


def of(*methods: str) -> dict[str, Look]:
    """The look of each method of a figure.

    A method of LOOKS has the same look in every figure. "DeCAF6, random weights" is a variant of "DeCAF6": it has
    its colour and mark, and a broken stroke beside it. Others take the spare colours that the figure has not used.
    """
    heads = {name: name.partition(", ")[0] for name in methods}
    bases = {name: known(name) or (head if head in methods else name) for name, head in heads.items()}
    found, looks = drawn_as(bases.values()), {}
    for name, base in bases.items():
        family = [other for other in bases if bases[other] == base]
        # itself before its variants
        family.sort(key=lambda other: base not in (other, OTHER_NAMES.get(other)))
        looks[name] = Look(*found[base], STROKES[family.index(name) % len(STROKES)])
    return looks


def drawn_as(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each name: its own of LOOKS, or spare ones that no other has, in colours that none has."""
    own = {name: LOOKS.get(name) for name in names}
    taken, colours = set(own.values()), {look[0] for look in own.values() if look}
    spare = [
        (SPARE[i % len(SPARE)], SPARE_MARKERS[(i // len(SPARE) + i) % len(SPARE_MARKERS)]) for i in range(70)
    ]
    unused = cycle(sorted((look for look in spare if look not in taken), key=lambda look: look[0] in colours))
    return {name: look or next(unused) for name, look in own.items()}


def known(name: str) -> str | None:
    """The key of LOOKS for a name: itself, its other name, or what stands before its comma; None if there is none."""
    head = name.partition(", ")[0]
    keys = name, OTHER_NAMES.get(name), head, OTHER_NAMES.get(head)
    return next((key for key in keys if key in LOOKS), None)


def new_axes(
    width: float, height: float, title: str, *, grid: str = "both", **options
) -> tuple[Figure, Axes]:
    """A figure of width x height inches and its axes, with a title and lines to read numbers by along `grid`."""
    figure = new_figure(width, height, layout="constrained")
    axes = figure.add_subplot(**options)
    axes.set_title(title, fontsize=14)
    axes.grid(axis=grid, color="#e8e8e8")
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() != "linear":
            number_decades(axis)
    return figure, axes


def number_decades(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers, which need no formulas."""
    axis.set_major_formatter(Decades())
    axis.set_minor_formatter(Decades())


class Decades(LogFormatter):
    """Plain numbers at the places that matplotlib chooses to label."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of x; "" where there is none."""
        return self.fix_minus(f"{x:,.10g}") if super().__call__(x, pos) else ""


def looks(groups: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each different group, in the order of a legend.

    A group of the lecture has the same look everywhere; others (say, the folders of one's own pictures) follow
    in alphabetic order and take the spare colours in turn.
    """
    order = {group: place for place, group in enumerate(GROUPS)}
    names = sorted(set(groups), key=lambda name: (order.get(known(name), len(order)), name))
    # of two groups of one look, the one that is called so has it
    own = {known(name) or name: name for name in sorted(names, key=LOOKS.__contains__)}
    found = drawn_as(one if (one := known(name)) and own[one] == name else name for name in names)
    return dict(zip(names, found.values(), strict=True))


def groups_of(images: ImageCollection | Sequence[str]) -> np.ndarray:
    """The group of each picture, [N] of str; its class where the dataset has no groups; names pass as they are."""
    if not isinstance(images, ImageCollection):
        return np.asarray(images, dtype=str)
    if images.multi_label:
        raise ValueError(f"{images.name}: a picture shows several classes; give one group name a picture.")
    names = [g or c for g, c in zip(images.groups, images.classes, strict=True)]
    return np.array([names[label] if label >= 0 else "other" for label in images.labels])


def add_legend(figure: Figure, groups: Iterable[str]) -> None:
    """A legend of groups at the right of a figure of constrained layout; in columns below it if they are many.

    For these the figure grows. Of more than MOST_NAMES the legend says how many it leaves out.
    """
    handles = [
        Line2D([], [], color=colour, marker=marker, ls="", ms=7, label=short(name))
        for name, (colour, marker) in looks(groups).items()
    ]
    if (more := len(handles) - MOST_NAMES) > 0:
        handles[MOST_NAMES:] = [Line2D([], [], ls="", label=f"and {more:,} more")]
    legend = figure.legend(handles=handles, loc="outside right center")
    box = legend.get_window_extent()
    if box.height > figure.bbox.height:
        legend.remove()
        columns = max(1, int(figure.bbox.width / (box.width + 2 * legend.get_texts()[0].get_fontsize())))
        figure.set_figheight(figure.get_figheight() + box.height / columns / DPI + 0.3)
        figure.legend(handles=handles, loc="outside lower left", ncols=columns)
