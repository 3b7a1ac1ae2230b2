"""Write notebooks as decks of slides: one HTML file each, with all that it needs inside, so that no network is asked.

    python notebooks/slides.py                 all of them, into build/slides/, as `make slides` does
    python notebooks/slides.py 01_decaf_tsne   one of them

Nothing is run: a deck shows the saved outputs. The metadata of each cell says what is on it, under `slideshow`:
    slide_type  "slide" or "subslide" begin a slide, "-" goes on with it, "fragment" does so at the next click, "skip"
                leaves the cell out, "notes" makes it notes for the speaker
    heading     of the slide; without it the cell's own, or that of the slide before
    text        Markdown to show in place of the cell's text, which becomes notes
    code        true: the code is shown, too
    minutes     that the slide takes
    notes       more notes for the speaker (key S opens them)
A slide has one figure or table: what else a cell shows follows on slides of the same heading and text.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import io
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import latex2mathml.converter
import navigation
import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

FOLDER = Path(__file__).resolve().parent
TO = FOLDER.parent / "build" / "slides"
MINUTES = 50  # of a lesson
LINES = 12  # of code that fit on a slide, and that an audience reads
WIDE = 1.5  # width by height from which a figure stands below its text, not beside it
HEADING = re.compile(r"\A\s*#+ +(.+)\n?")
# what `display.show` saves of a figure, and a widget of its own
FIGURE = re.compile(r'(?:\A|<div class="still">.*?)(<img alt="[^"]*" src="data:image/\w+;base64,([^"]+)">)')


@dataclass
class Slide:
    """One slide, in HTML: heading, text, figures and code below or beside it, notes for the speaker."""

    heading: str
    minutes: float = 0
    text: list[str] = field(default_factory=list)
    shown: list[tuple[str, float | None]] = field(default_factory=list)  # and a figure's width by height
    notes: list[str] = field(default_factory=list)


def mathml(tex: str, display: bool) -> str:
    """Return a formula of TeX as MathML, which browsers show without a script."""
    found = latex2mathml.converter.convert(tex, display="block" if display else "inline")
    # a labelled arrow as browsers know it: nothing around the arrow, no relative sizes around its label
    found = re.sub(r'<mover><mstyle scriptlevel="0">(<mo>&#x2192;</mo>)</mstyle>', r"<mover>\1", found)
    return re.sub(r'</?mpadded[^>]*>|<mspace depth="[^"]*" />', "", found)


_MARKDOWN = MarkdownIt().enable("table").use(
    dollarmath_plugin, allow_space=False, renderer=lambda tex, how: mathml(tex, how["display_mode"])
)  # fmt: skip


def render(markdown: str) -> str:
    """Return Markdown as HTML without links, as there is nothing beside the file to go to."""
    return re.sub(r"</?a\b[^>]*>", "", _MARKDOWN.render(markdown))


def slides(notebook: nbformat.NotebookNode) -> list[Slide]:
    """Return the slides of a notebook; ValueError if the first cell that is shown does not begin a slide."""
    deck: list[Slide] = []
    for cell in notebook.cells:
        look = cell.metadata.get("slideshow", {})
        kind = look.get("slide_type") or "-"
        if kind == "skip" or (kind == "notes" and not deck):
            continue
        own = HEADING.match(cell.source) if cell.cell_type == "markdown" else None
        if kind in ("slide", "subslide"):
            heading = look.get("heading") or (own and own[1])
            heading = _MARKDOWN.renderInline(heading) if heading else deck[-1].heading if deck else ""
            deck.append(Slide(heading, look.get("minutes", 0)))
        if not deck:
            raise ValueError(f"{cell.id}: the first cell that is shown has to begin a slide")
        _add(deck, cell, look, kind)
    return deck


def _add(deck: list[Slide], cell: nbformat.NotebookNode, look: dict, kind: str) -> None:
    """Put what a cell shows on the last slide, and the rest into its notes."""
    slide, once = deck[-1], ' class="fragment"' if kind == "fragment" else ""
    source = HEADING.sub("", cell.source) if cell.cell_type == "markdown" else ""
    shown, noted = (look["text"], source) if "text" in look else (source, "")
    if kind == "notes":
        shown, noted = "", source
    if shown.strip():
        slide.text.append(f"<div{once}>{render(shown)}</div>")
    slide.notes += [render(text) for text in (noted, look.get("notes", "")) if text]
    if cell.cell_type == "markdown":
        return
    if look.get("code"):
        code = highlight(cell.source.rstrip(), PythonLexer(), HtmlFormatter())
        slide.shown.append((f"<div{once}>{code}</div>", None))
    pieces = outputs(cell)
    slide.minutes /= max(1, len(pieces))
    for i, (piece, aspect) in enumerate(pieces):
        if i:
            deck.append(Slide(slide.heading, slide.minutes, [*slide.text]))
        deck[-1].shown.append((f"<figure{once if not i else ''}>{piece}</figure>", aspect))


def outputs(cell: nbformat.NotebookNode) -> list[tuple[str, float | None]]:
    """Return the HTML of a cell's figures (with width by height) and tables, or if it has none what it printed."""
    seen, printed = [], []
    for output in cell.outputs:
        source = output.get("data", {}).get("text/html", "")
        if picture := figure(source):
            seen.append(picture)
        elif "<table" in source:
            seen.append((table(source), None))
        elif output.output_type == "stream" and output.name == "stdout":
            printed.append((f"<pre>{html.escape(output.text)}</pre>", None))
    return seen or printed


def figure(source: str) -> tuple[str, float] | None:
    """Return the picture in an output's HTML, with its alternative text, and its width by height; None without one."""
    found = FIGURE.search(source)
    if not found:
        return None
    width, height = Image.open(io.BytesIO(base64.b64decode(found[2]))).size
    return found[1], width / height


def table(source: str) -> str:
    """Return a table of pandas without pandas' style, and with nothing where nothing is known."""
    return re.sub(r"<style.*?</style>", "", source, flags=re.DOTALL).replace("<td>NaN</td>", "<td></td>")


def faults(notebook: nbformat.NotebookNode) -> list[str]:
    """Say what an audience should not be shown: long code, imports, no heading, no time, too long a lesson."""
    found = []
    for cell in notebook.cells:
        if cell.metadata.get("slideshow", {}).get("code"):
            lines = cell.source.splitlines()
            if len(lines) > LINES:
                found.append(f"{cell.id} shows {len(lines)} lines of code, and {LINES} are readable")
            if any(re.match(r"(import|from) ", line) for line in lines):
                found.append(f"{cell.id} shows imports")
    deck = slides(notebook)
    found += [f"slide {i + 1} has no heading" for i, slide in enumerate(deck) if not slide.heading]
    found += [f'slide {i + 1} ("{s.heading}") has no minutes' for i, s in enumerate(deck) if not s.minutes]
    total = sum(slide.minutes for slide in deck)
    return found + ([f"it takes {total:g} minutes, and a lesson has {MINUTES}"] if total > MINUTES else [])


def page(title: str, deck: list[Slide]) -> str:
    """Return the whole HTML of a deck; reveal.js comes from the package sphinx-revealjs."""
    reveal = Path(importlib.util.find_spec("sphinx_revealjs").origin).parent / "_static" / "revealjs"
    script = [(reveal / name).read_text("utf-8") for name in ("dist/reveal.js", "plugin/notes/notes.js")]
    styles = [(reveal / f"dist/{name}.css").read_text("utf-8") for name in ("reset", "reveal")]
    return Template((FOLDER / "slides.html").read_text("utf-8")).substitute(
        title=html.escape(title),
        styles="\n".join([*styles, HtmlFormatter().get_style_defs(".highlight")]),
        slides="\n".join(map(_section, deck)),
        script="\n".join(text.replace("</script", "<\\/script") for text in script),
    )


def _section(slide: Slide) -> str:
    aspects = [aspect for _, aspect in slide.shown]
    narrow = len(aspects) == 1 and (aspects[0] or WIDE) < WIDE
    place = "text-only" if not slide.shown else "beside" if narrow and slide.text else "below"
    parts = [f"<h2>{slide.heading}</h2>", f'<div class="body {place}">']
    if slide.text:
        parts += ['<div class="text">', *slide.text, "</div>"]
    if slide.shown:
        shape = f' style="aspect-ratio: {aspects[0]:.3f}"' if place == "beside" else ""
        parts += [f'<div class="shown"{shape}>', *(piece for piece, _ in slide.shown), "</div>"]
    notes = f"<p>{slide.minutes:g} minutes</p>" + "".join(slide.notes)
    parts += ["</div>", f'<aside class="notes">{notes}</aside>']
    return f'<section data-timing="{60 * slide.minutes:.0f}">' + "\n".join(parts) + "</section>"


def main(names: list[str]) -> int:
    """Write the decks of the named notebooks, or of all; return 1 if one cannot be shown as it is."""
    TO.mkdir(parents=True, exist_ok=True)
    stopped = 0
    for path in [FOLDER / f"{name}.ipynb" for name in names] or navigation.notebooks(FOLDER):
        notebook = nbformat.read(path, as_version=4)
        found = faults(notebook)
        for fault in found:
            print(f"{path.stem}: {fault}")
        stopped |= bool(found)
        deck = slides(notebook)
        (TO / f"{path.stem}.html").write_text(page(path.stem, deck), "utf-8")
        minutes = sum(slide.minutes for slide in deck)
        print(f"{TO.name}/{path.stem}.html: {len(deck)} slides, {minutes:g} minutes")
    return stopped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
