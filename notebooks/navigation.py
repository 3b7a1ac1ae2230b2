"""Links from each notebook to the others, and the list of all of them in the first: written by a machine.

    python notebooks/navigation.py     as `make notebooks` does at its end; tests/test_notebooks.py checks it

Minutes and memory in the list are those of the last run of all notebooks, measured.json.
"""

import json
from pathlib import Path

import nbformat

FOLDER = Path(__file__).resolve().parent
CONTENTS = "The-notebooks"  # the heading of the list, as JupyterLab names it


def links(path: Path) -> str:
    """Say in one line of Markdown where the notebooks before and after this one are, and the list of all."""
    every = notebooks(path.parent)
    here = every.index(path)
    before = [f"[← {every[here - 1].stem}]({every[here - 1].name})"] if here else []
    after = [f"[{other.stem} →]({other.name})" for other in every[here + 1 : here + 2]]
    return " · ".join([*before, f"[all notebooks]({every[0].name}#{CONTENTS})", *after])


def contents(folder: Path) -> str:
    """List all notebooks of a folder with the minutes and the memory that they took; those not measured have a dash."""
    measured = json.loads((folder / "measured.json").read_bytes())
    lines = ["## The notebooks\n", "| notebook | runs in | memory |", "|---|---|---|"]
    for path in notebooks(folder):
        cells = nbformat.read(path, as_version=4).cells
        title = next(c.source for c in cells if c.source.startswith("# ")).partition("\n")[0][2:]
        took = measured["notebooks"].get(path.stem)
        seconds, memory = (
            (f"{took['seconds'] / 60:.1f} minutes", f"{took['GB']:.1f} GB") if took else ("–", "–")
        )
        lines.append(f"| [{title}]({path.name}) | {seconds} | {memory} |")
    return "\n".join(lines) + f"\n\nFrom an empty cache, on {measured['machine']}; a second run is faster."


def put(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write the links into the first and the last cell of a notebook, and the list below the title of the first."""
    cells = [c for c in notebook.cells if c.id not in ("links-top", "links-bottom", "contents")]
    if path == notebooks(path.parent)[0]:
        cells.insert(1, _cell("contents", contents(path.parent)))
    notebook.cells = [_cell("links-top", links(path)), *cells, _cell("links-bottom", links(path))]


def notebooks(folder: Path) -> list[Path]:
    """All notebooks of a folder, in their order."""
    return sorted(folder.glob("[0-9]*.ipynb"))


def _cell(name: str, text: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(text, id=name, metadata={"slideshow": {"slide_type": "skip"}})


def main() -> None:
    """Write the links and the list into all notebooks."""
    for path in notebooks(FOLDER):
        notebook = nbformat.read(path, as_version=4)
        put(notebook, path)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
