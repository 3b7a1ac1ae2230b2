"""Each notebook as a student has it: JupyterLab in a browser, all cells, each control by keyboard, opened again."""

import base64
import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import browsing
import numpy as np
import pytest
from PIL import Image

from lecture_lib.settings import REPOSITORY

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
FOLDER = REPOSITORY / "build" / "browser"
NAMES = [path.stem for path in sorted((REPOSITORY / "notebooks").glob("[0-9]*.ipynb"))]
SCREEN = {"width": 1366, "height": 768}
CONTRAST = 4.5  # WCAG 2, level AA, for text of normal size
# what JupyterLab and Chromium say by themselves: no icon, no translation, a saved widget without its kernel
NOT_OURS = re.compile(r"favicon|translations|model not found|ResizeObserver|net::ERR_ABORTED")

NOTEBOOK = "jupyterapp.shell.currentWidget"
OUTPUTS = f"""() => {NOTEBOOK}.model.cells && [...{NOTEBOOK}.model.cells].flatMap(
    cell => cell.type == "code" ? cell.outputs.toJSON().map(output => [cell.id, output]) : [])"""
COUNTS = f"""() => [...{NOTEBOOK}.model.cells].filter(cell => cell.type == "code" && cell.sharedModel.source)
    .map(cell => cell.executionCount)"""
CONTRASTS = """() => {
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const ground = (node) => {
        for (; node; node = node.parentElement) {
            const colour = getComputedStyle(node).backgroundColor;
            if (!/^transparent$|, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    return [...document.querySelectorAll(".jp-OutputArea :is(td, th, p, label, pre)")].map(node => {
        const both = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
        return [(both[0] + .05) / (both[1] + .05), node.textContent.slice(0, 40)];
    });
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """What `make lab` starts, with copies of its own; its address, and the file of what it says."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = tmp_path_factory.mktemp("jupyter")
    env = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    env |= {f"JUPYTER_{kind}_DIR": str(own / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    whole = (
        own / "settings" / "@jupyterlab" / "notebook-extension"
    )  # all cells on the page, not those in sight
    whole.mkdir(parents=True)
    (whole / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    env["JUPYTERLAB_SETTINGS_DIR"] = str(own / "settings")
    command = [sys.executable, "notebooks/start.py", FOLDER.relative_to(REPOSITORY).as_posix()]
    command += [f"--port={port}", "--IdentityProvider.token=t", "--expose-app-in-browser", "--no-browser"]
    said = own / "said.txt"
    with (
        said.open("w") as file,
        subprocess.Popen(command, cwd=REPOSITORY, env=env, stdout=file, stderr=file) as run,
    ):
        for _ in range(120):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api")
                break
            time.sleep(1)
        else:
            pytest.fail(f"JupyterLab did not start in two minutes: {said.read_text()}")
        yield f"http://127.0.0.1:{port}", said
        run.terminate()


@pytest.fixture(scope="module")
def browser():
    with browsing.browser() as chromium:
        yield chromium


@pytest.fixture(scope="module", params=NAMES)
def page(request, browser, server):
    """A notebook, opened and run once from top to bottom, with all its cells on the page; what went wrong in `said`."""
    page = browser.new_page(viewport=SCREEN)
    page.said = []
    page.on("console", lambda m: page.said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    open_notebook(page, server[0], request.param)
    page.name, page.dirty = request.param, page.evaluate(f"{NOTEBOOK}.context.model.dirty")
    page.ran = page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    yield page
    page.evaluate(f"{NOTEBOOK}.sessionContext.shutdown()")
    page.close()


def open_notebook(page, address, name):
    # in a workspace of its own, emptied: JupyterLab would open what the last page had open beside it
    folder = FOLDER.relative_to(REPOSITORY).as_posix()
    page.goto(f"{address}/lab/workspaces/{name}/tree/{folder}/{name}.ipynb?token=t&reset")
    there = f"{NOTEBOOK}?.context?.path.endsWith('/{name}.ipynb')"
    page.wait_for_function(f"window.jupyterapp && {there}", timeout=120_000)
    page.evaluate(
        f"Promise.all([{NOTEBOOK}.context.ready, {NOTEBOOK}.sessionContext.ready, {NOTEBOOK}.revealed])"
    )


def explorers(page):
    """The widgets on a page, each as (its box, its controls)."""
    boxes = page.locator(".moving")
    return [(boxes.nth(k), boxes.nth(k).locator("select")) for k in range(boxes.count())]


def figure_of(box):
    return box.locator("img").last.get_attribute("src", timeout=30_000)


def settled(page, box, before, seconds=20):
    """The figure when it no longer changes: another than `before`, or the same if nothing has come in time."""
    last, until = before, time.monotonic() + seconds
    while time.monotonic() < until:
        page.wait_for_timeout(700)
        now = figure_of(box)
        if now == last != before:
            return now
        last = now
    return last


def pixels(source):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB"), int)


def test_all_cells_run_and_nothing_complains(page):
    assert page.ran
    assert page.evaluate(COUNTS)
    assert None not in page.evaluate(COUNTS), "a cell that did not run"
    assert not page.dirty, "opening it has changed it"
    outputs = page.evaluate(OUTPUTS)
    assert [(cell, o["evalue"]) for cell, o in outputs if o["output_type"] == "error"] == []
    assert [(cell, o["text"]) for cell, o in outputs if o.get("name") == "stderr"] == []
    widgets = [cell for cell, o in outputs if any("jupyter.widget" in kind for kind in o.get("data", ()))]
    assert len(widgets) == page.locator(".moving").count(), "a widget that is no explorer, such as a bar"
    assert [text for text in page.said if not NOT_OURS.search(text)] == []


def test_every_picture_has_its_text(page):
    alts = page.eval_on_selector_all(".jp-OutputArea img", "all => all.map(image => image.alt)")
    assert alts
    assert all(alts)


def test_every_control_changes_its_figure_by_keyboard_alone(page):
    for box, controls in explorers(page):
        assert controls.count()
        for k in range(controls.count()):
            control = controls.nth(k)
            name = control.evaluate("node => node.labels[0]?.textContent")
            assert name, "a control without a name"
            control.focus()
            before, start = figure_of(box), control.input_value()
            for key in ("ArrowDown", "ArrowUp", "ArrowUp"):
                page.keyboard.press(key)
                if control.input_value() != start:
                    break
            assert control.input_value() != start, f"{name}: arrow keys do not reach it"
            after = settled(page, box, before)
            assert (
                pixels(after).shape != pixels(before).shape
                or np.abs(pixels(after) - pixels(before)).max() > 30
            ), name
            control.select_option(
                start
            )  # where another one may have no say: nothing but the head learns, say
            settled(page, box, after)
            control.focus()
            if k + 1 < controls.count():
                page.keyboard.press("Tab")
                assert controls.nth(k + 1).evaluate("node => node == document.activeElement")


def test_controls_stand_above_the_fold_with_their_figure(page):
    for box, controls in explorers(page):
        box.evaluate("node => node.closest('.jp-Cell-outputWrapper').scrollIntoView({block: 'start'})")
        page.wait_for_timeout(300)
        figure = box.locator("img").last.bounding_box()
        for k in range(controls.count()):
            place = controls.nth(k).bounding_box()
            assert 0 <= place["y"] < place["y"] + place["height"] < SCREEN["height"]
        assert figure["y"] + 0.5 * figure["height"] < SCREEN["height"]
        still = page.locator(".still").locator("visible=true")
        assert still.count() == 0, "the picture stands beside the widget that replaces it"


def test_everything_is_legible_in_the_dark(page):
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_timeout(1500)
    for source in page.eval_on_selector_all(".jp-OutputArea img", "all => all.map(image => image.src)"):
        assert (pixels(source)[[0, 0, -1, -1], [0, -1, 0, -1]] > 240).any(), "a figure without a light ground"
    faint = [(round(ratio, 1), text) for ratio, text in page.evaluate(CONTRASTS) if ratio < CONTRAST]
    page.screenshot(path=FOLDER / f"{page.name} dark.png")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    assert faint == []


def test_saved_and_opened_again_it_shows_pictures_and_no_broken_widgets(page, browser, server):
    shown = len(explorers(page))
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.evaluate(f"{NOTEBOOK}.sessionContext.shutdown()")
    again = browser.new_page(viewport=SCREEN)
    open_notebook(again, server[0], page.name)
    again.wait_for_timeout(3000)
    assert again.locator(".still img").locator("visible=true").count() == shown
    assert again.get_by_text("Error displaying widget").locator("visible=true").count() == 0
    assert again.get_by_text("Loading widget").locator("visible=true").count() == 0
    again.screenshot(path=FOLDER / f"{page.name} again.png")
    again.evaluate(f"{NOTEBOOK}.sessionContext.shutdown()")
    again.close()


def test_the_terminal_has_no_warnings(server):
    said = Path(server[1]).read_text()
    assert [line for line in said.splitlines() if re.match(r"\[[WEC] ", line) or "Warning" in line] == []
