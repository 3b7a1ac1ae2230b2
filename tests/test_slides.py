"""What a lecture hall would see of each notebook: what is left out, and that every slide fits and can be read."""

import runpy

import nbformat
import pytest
from browsing import browser

from lecture_lib.display.showing import bundle
from lecture_lib.display.style import new_figure
from lecture_lib.settings import REPOSITORY

pytest.importorskip("sphinx_revealjs", reason="needs the packages of requirements-pages.txt: make pages")
FOLDER = REPOSITORY / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9]*.ipynb"))
writer = runpy.run_path(str(FOLDER / "slides.py"))
slides, faults, page = writer["slides"], writer["faults"], writer["page"]

# What of the present slide reaches over its edge or its parent's, and letters that are too small. A script may be
# empty (an operator that cannot be seen); notes are the speaker's alone.
LOOK = """() => {
  const slide = Reveal.getCurrentSlide(), found = [], scale = Reveal.getScale();
  slide.querySelectorAll(".fragment").forEach(f => f.classList.add("visible"));
  const edge = slide.getBoundingClientRect();
  for (const part of slide.querySelectorAll("*")) {
    if (part.closest("aside")) continue;
    const box = part.getBoundingClientRect(), name = part.tagName + " " + part.textContent.trim().slice(0, 30);
    if (box.right > Math.min(edge.right, innerWidth) + 1 || box.bottom > Math.min(edge.bottom, innerHeight) + 1
        || box.left < -1 || box.top < -1) found.push(name + " is outside");
    const text = [...part.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const size = parseFloat(getComputedStyle(part).fontSize) * scale;
    if (text && size < 19.99) found.push(name + " has " + size.toFixed(1) + " px");
    if (part.tagName === "IMG" && !(part.naturalWidth && part.alt)) found.push("a picture without text or pixels");
    if (part.tagName === "IMG" && Math.min(box.width, box.width * part.naturalHeight / part.naturalWidth) / scale < 250)
      found.push("a picture of " + box.width + " px");
  }
  if (!slide.querySelector("h2")?.textContent.trim()) found.push("no heading");
  const [text, shown] = [".text", ".shown"].map(n => slide.querySelector(n)?.getBoundingClientRect());
  if (text && shown && text.bottom > shown.top + 1 && text.right > shown.left + 1) found.push("text on figure");
  return found;
}"""


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


def notebook(*cells):
    """A notebook of pairs (cell, what stands under `slideshow`)."""
    for cell, look in cells:
        cell.metadata["slideshow"] = look
    return nbformat.v4.new_notebook(cells=[cell for cell, _ in cells])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_lesson_of_fifty_minutes_without_imports_and_long_code(path):
    assert faults(nbformat.read(path, as_version=4)) == []


def test_what_must_not_be_shown_is_found():
    long, imports = "\n".join("x = 1" for _ in range(13)), "import numpy\nx = 1"
    of = {"slide_type": "slide", "minutes": 30, "code": True}
    cells = [(nbformat.v4.new_code_cell(source), of) for source in (long, imports)]
    found = "; ".join(faults(notebook(*cells)))
    for fault in ("13 lines", "imports", "no heading", "takes 60 minutes"):
        assert fault in found


def test_the_cells_text_goes_to_the_notes_where_the_slide_has_its_own():
    cell = nbformat.v4.new_markdown_cell("## Title\nA long story with $x^2$.")
    (slide,) = slides(notebook((cell, {"slide_type": "slide", "minutes": 2, "text": "Short."})))
    assert slide.heading == "Title"
    assert "Short" in slide.text[0]
    assert "long story" not in slide.text[0]
    assert "long story" in slide.notes[0]
    assert "<msup>" in slide.notes[0]


def test_a_widget_is_its_static_figure_and_a_second_figure_has_a_slide_of_its_own():
    saved = bundle(new_figure(4, 2), "two figures")
    figure = nbformat.v4.new_output("display_data", saved)
    widget = nbformat.v4.new_output(
        "display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "VBox()"}
    )
    cell = nbformat.v4.new_code_cell("explore()", outputs=[widget, figure, figure])
    deck = slides(notebook((cell, {"slide_type": "slide", "heading": "Play", "minutes": 4})))
    assert [(slide.heading, slide.minutes, len(slide.shown)) for slide in deck] == [("Play", 2, 1)] * 2
    assert "VBox" not in page("example", deck)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_slide_fits_and_can_be_read_without_network(chromium, tmp_path, path):
    file = tmp_path / "deck.html"
    file.write_text(page(path.stem, slides(nbformat.read(path, as_version=4))), "utf-8")
    tab = chromium.new_page()
    asked, wrong = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    tab.goto(file.as_uri())
    tab.wait_for_function("window.Reveal && Reveal.isReady()")
    found = []
    for width, height in ((1920, 1080), (1280, 720)):
        tab.set_viewport_size({"width": width, "height": height})
        tab.evaluate("Reveal.layout()")
        for i in range(tab.evaluate("Reveal.getTotalSlides()")):
            tab.evaluate(f"Reveal.slide({i})")
            found += [f"slide {i + 1}, {width} x {height}: {fault}" for fault in tab.evaluate(LOOK)]
    tab.close()
    assert found == []
    assert wrong == []
    assert [url for url in asked if not url.startswith(("data:", file.as_uri()))] == []
