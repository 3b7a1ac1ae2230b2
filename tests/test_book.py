"""The book: made without a warning, whole without network and server, legible in light and dark."""

import re
import runpy
import subprocess
import sys

import nbformat
import pytest
from browsing import browser

from lecture_lib.settings import REPOSITORY

pytest.importorskip("furo", reason="needs the packages of requirements-pages.txt: make pages")
DOCS = REPOSITORY / "docs"
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of the book, made anew; a warning is an error."""
    folder = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", ".", str(folder)]
    made = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder


def test_no_page_takes_anything_from_the_network(book):
    taken = r'<(?:script|img|iframe|source)[^>]*\ssrc="(?:https?:)?//|<link[^>]*\shref="(?:https?:)?//'
    pages = [page for page in book.rglob("*.html") if re.search(taken, page.read_text("utf-8"))]
    styles = [
        sheet
        for sheet in book.rglob("*.css")
        if re.search(r"(url\(|@import ).?(https?:)?//", sheet.read_text("utf-8"))
    ]
    assert pages + styles == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_there_with_its_figures_formulas_and_folded_solutions(book, path):
    notebook = nbformat.read(path, as_version=4)
    page = (book / "notebooks" / f"{path.stem}.html").read_text("utf-8")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [o.get("data", {}).get("text/html", "") for o in outputs]
    pictures = sum(html.startswith("<img") or 'class="still"' in html for html in shown)
    asked = {n for cell in notebook.cells for n in re.findall(r'(?m)^check\("([\d.]+)"', cell.source)}
    assert page.count('<div class="figure"><img alt="') == pictures
    assert set(re.findall(r"<details><summary>A solution of ([\d.]+)<", page)) == asked
    assert "<math" in page
    assert "$$" not in page
    assert 'rel="next"' in page
    assert "prev-page" in page


def test_search_works_from_a_file_and_figures_keep_their_white_ground_in_the_dark(book):
    with browser() as chromium:
        tab = chromium.new_context(color_scheme="dark").new_page()
        asked, wrong = [], []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto((book / "index.html").as_uri())
        tab.wait_for_url("**/docs/index.html")
        tab.goto((book / "search.html").as_uri() + "?q=silhouette")
        tab.wait_for_selector("#search-results li a")
        assert "DeCAF" in tab.text_content("#search-results")
        tab.click("#search-results li a")
        tab.wait_for_selector(".figure img")
        colours = (
            "e => [getComputedStyle(e).backgroundColor, getComputedStyle(document.body).backgroundColor]"
        )
        figure, ground = tab.eval_on_selector(".figure img", colours)
        assert figure == "rgb(255, 255, 255)"
        assert ground != figure
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_minutes_that_instructors_read_are_those_of_the_slides(path):
    slides = runpy.run_path(str(path.with_name("slides.py")))["slides"]
    minutes = sum(slide.minutes for slide in slides(nbformat.read(path, as_version=4)))
    row = next(
        line for line in (DOCS / "teaching.md").read_text("utf-8").splitlines() if path.stem[:2] in line[:6]
    )
    assert float(row.split("|")[2].split()[0]) == minutes
    lesson = DOCS / f"lesson_{path.stem[:2]}.md"
    if path.stem[:2] != "00":
        parts = lesson.read_text("utf-8").partition("**Minutes on slides**")[2].partition("\n\n")[0]
        assert sum(map(int, re.findall(r"(?<!\w)\d+", parts))) == minutes
