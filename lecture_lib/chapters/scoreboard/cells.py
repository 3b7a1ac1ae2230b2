"""Cells of the notebooks: which one shows a claim or a table, or asks an exercise, and links to it."""

import functools
import json
import re
from dataclasses import dataclass

import pandas as pd

from lecture_lib import settings

MANY = 10  # columns, above which a table is drawn closer
BADGE = "padding: 1px 6px; color: white; background: "
COLOURS = {  # white letters have a contrast of 5 or more on each of them
    "paper": "#222222", "quoted": "#666666", "drawings": "#a03c00", "photographs": "#0059a8",
    "held": "#087a4e", "did not hold": "#c2281d", "too close to call": "#666666",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A code cell of a notebook of the project: its notebook and id, its code, what it printed."""

    notebook: str
    id: str
    code: str
    printed: str

    def link(self, text: str) -> str:
        """Return HTML that leads to the cell, from a notebook beside this one."""
        return f'<a href="{self.notebook}.ipynb#cell-id={self.id}">{text}</a>'


@functools.cache
def every_cell() -> tuple[Cell, ...]:
    """Read the code cells of all notebooks of the project, as they were saved, but not of 99_scoreboard."""
    found = []
    for path in sorted((settings.REPOSITORY / "notebooks").glob("[0-8]*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                printed = ("".join(output.get("text", "")) for output in cell["outputs"])
                found.append(Cell(path.stem, cell["id"], "".join(cell["source"]), "".join(printed)))
    return tuple(found)


def cells_with(pattern: str, notebook: str = "", *, printed: bool = False) -> list[Cell]:
    """Return the cells whose code, or what they printed, has a regular expression in it, of all notebooks or one."""
    of = (cell for cell in every_cell() if notebook in ("", cell.notebook))
    return [cell for cell in of if re.search(pattern, cell.printed if printed else cell.code)]


def badge(word: str) -> str:
    """Return a word of COLOURS in white on its colour, as HTML."""
    return f'<b style="{BADGE}{COLOURS[word]}; white-space: nowrap">{word}</b>'


@dataclass(frozen=True, repr=False)
class Shown:
    """A table of HTML for a notebook, below a line that tells what it is, with one below it that tells what made it."""

    frame: pd.DataFrame
    title: str
    note: str = ""

    def __repr__(self) -> str:
        return f"{self.title}: a table of {len(self.frame)} lines"

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            named = isinstance(self.frame.index, pd.MultiIndex)
            table = self.frame.to_html(escape=False, na_rep="", border=0, index=named)
        look = "text-align: left; vertical-align: top"
        if self.frame.shape[1] > MANY:
            look = f"{look}; padding: 2px 4px; font-size: 85%"
        table = re.sub(r"<(t[hd])( [^>]*)?>", rf'<\1\2 style="{look}">', table)
        return f"<p><b>{self.title}</b></p>{table}<p>{self.note}</p>"
