"""Effects of claims beside the paper's differences."""

import pandas as pd
from matplotlib.figure import Figure

from lecture_lib.chapters.scoreboard.cells import COLOURS
from lecture_lib.chapters.scoreboard.tables import KINDS
from lecture_lib.display import style

MARKS = {"twin": ("s", -0.18), "real": ("o", 0.18)}  # and how far from the paper's


def effects(lines: pd.DataFrame, *, title: str) -> Figure:
    """Plot what the paper's figures say and what ours do: a row a claim, in points, our intervals at 95 %.

    lines  of `claims.table`, those with `printed`; a short stroke is the claim's margin
    """
    with style.look():
        figure, axes = style.new_axes(
            9, 0.36 * len(lines) + 1.3, title, xlabel="first less second, in points"
        )
        for y, line in enumerate(lines.itertuples()):
            axes.plot([line.margin] * 2, [y - 0.4, y + 0.4], color=style.PALE, lw=1.5)
            axes.plot(line.printed, y, "D", mfc="white", mec=COLOURS["paper"], ms=6, label="the paper")
            for source, (marker, shift) in MARKS.items():
                if (of := getattr(line, source)) is not None:
                    colour, claim = COLOURS[KINDS[source]], of.claim
                    axes.plot([claim.low, claim.high], [y + shift] * 2, color=colour, lw=2)
                    axes.plot(claim.effect, y + shift, marker, color=colour, ms=5, label=KINDS[source])
        names = [style.short(f"{line.notebook[:2]}: {line.claim}", 60) for line in lines.itertuples()]
        axes.set_yticks(range(len(lines)), names)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        marks, labels = axes.get_legend_handles_labels()
        named = dict(zip(labels, marks, strict=True))
        figure.legend(named.values(), named.keys(), loc="outside lower right", ncols=3)
    return figure
