"""Sphinx's settings for the book: notebooks as they are saved, `docs/`, and how we judge. `make book` makes it.

Nothing is run. What the browser shows is in the folder: no script, font or formula comes from the network.
"""

import html
import importlib
import pkgutil
import re
import sys
from pathlib import Path

import nbformat
from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "notebooks")]

import slides  # noqa: E402

from lecture_lib import chapters  # noqa: E402

project = "Transfer learning: the workbook"
root_doc = "docs/index"
include_patterns = ["docs/*.md", "notebooks/[0-9]*.ipynb", "data/results/README.md"]
exclude_patterns = [".*", "build", "my-work", "lecture_lib", "tests"]
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a notebook may begin a section with a smaller heading

html_theme = "furo"
html_title = project
html_static_path = ["style"]
html_css_files = ["book.css"]
html_math_renderer = "mathml"
html_copy_source = html_show_sourcelink = html_show_copyright = False
pygments_dark_style = "github-dark"  # the theme's own underlines the name of every module
html_show_search_summary = False  # it would be read over HTTP, and there may be no server
html_extra_path = ["open"]  # index.html at the top, which leads to docs/index.html


class NotebookParser(MystParser):
    """Reads a saved notebook as Markdown: its text, its code, its outputs, and solutions to be unfolded."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse the JSON of a notebook into `document`."""
        notebook = nbformat.reads(inputstring, as_version=4)
        super().parse("\n\n".join(part for cell in notebook.cells for part in as_markdown(cell)), document)


def as_markdown(cell: nbformat.NotebookNode) -> list[str]:
    """Return the parts of a cell as Markdown."""
    if cell.cell_type == "markdown":
        # JupyterLab's links to headings keep their capitals
        return [re.sub(r"(?<=\.ipynb)#[\w-]+(?=\))", lambda anchor: anchor[0].lower(), cell.source)]
    asked = re.findall(r'(?m)^check\("([\d.]+)"', cell.source)
    folded = [f"<details><summary>A solution of {n}</summary>{_pre(SOLUTIONS[n])}</details>" for n in asked]
    shown = [] if asked else [part for output in cell.outputs if (part := as_html(output))]
    place = f'````{{raw}} html\n<a id="cell-{cell.id}"></a>\n````'  # where 99_scoreboard's links lead
    return [
        place,
        f"```python\n{cell.source}\n```",
        *(f"````{{raw}} html\n{part}\n````" for part in shown + folded),
    ]


def as_html(output: nbformat.NotebookNode) -> str:
    """Return an output as HTML; "" for what only a running notebook shows."""
    data = output.get("data", {})
    if output.output_type == "stream":
        return _pre(output.text)
    if picture := slides.figure(data.get("text/html", "")):
        return f'<div class="figure">{picture[0]}</div>'
    if "text/html" in data:
        table = re.sub(r'(?<=href=")(\w+)\.ipynb#cell-id=', r"\1.html#cell-", slides.table(data["text/html"]))
        return f'<div class="table">{table}</div>'
    return _pre(data["text/plain"]) if "text/plain" in data and len(data) == 1 else ""


def _pre(text: str) -> str:
    return f"<pre>{html.escape(text.strip())}</pre>"


def _solutions() -> dict[str, str]:
    found = {}
    for module in pkgutil.iter_modules(chapters.__path__):
        exercises = importlib.import_module(f"{chapters.__name__}.{module.name}.exercises")
        found |= {exercise.number: exercise.shown for exercise in exercises.EXERCISES}
    return found


SOLUTIONS = _solutions()


def _math(visitor: object, node: nodes.Element) -> None:
    visitor.body.append(slides.mathml(node.astext(), display=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app: object) -> None:
    """Tell Sphinx of notebooks and of formulas as MathML."""
    app.add_source_suffix(".ipynb", "notebook")
    app.add_source_parser(NotebookParser)
    app.add_html_math_renderer("mathml", (_math, None), (_math, None))
