"""`make lab`: copies to write in, and how JupyterLab is started."""

import shutil
import subprocess
import sys

import nbformat
import pytest
import start
from ipykernel.ipkernel import IPythonKernel
from nbformat.sign import NotebookNotary


@pytest.fixture
def originals(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))  # where signatures are kept
    folder = tmp_path / "notebooks"
    folder.mkdir()
    cells = [
        nbformat.v4.new_markdown_cell("# Title", id="title", metadata={"slideshow": {"slide_type": "slide"}}),
        nbformat.v4.new_code_cell(
            "1 + 1",
            id="sum",
            metadata={"tags": ["kept"]},
            execution_count=7,
            outputs=[nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=7)],
        ),
    ]
    metadata = {"language_info": {"name": "python"}}
    for name in ("00_start_here.ipynb", "01_next.ipynb"):
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / name)
    return folder


def test_copies_are_without_outputs_and_trusted_and_complete(originals, tmp_path):
    mine = tmp_path / "my-work"
    assert start.copy_missing(mine, originals) == []
    for path in originals.iterdir():
        copied, original = (nbformat.read(folder / path.name, as_version=4) for folder in (mine, originals))
        assert NotebookNotary().check_signature(copied)
        assert copied.metadata.language_info == IPythonKernel.language_info  # or opening it changes it
        assert [cell.pop("outputs") for cell in copied.cells if "outputs" in cell] == [[]]
        assert [(c.id, c.source, c.metadata) for c in copied.cells] == [
            (c.id, c.source, c.metadata) for c in original.cells
        ]


def test_what_a_student_wrote_is_kept_and_what_is_missing_comes(originals, tmp_path):
    mine = tmp_path / "my-work"
    mine.mkdir()
    (mine / "00_start_here.ipynb").write_text("written by a student")
    assert start.copy_missing(mine, originals) == ["00_start_here.ipynb"]
    assert (mine / "00_start_here.ipynb").read_text() == "written by a student"
    assert (mine / "01_next.ipynb").exists()
    assert nbformat.read(originals / "01_next.ipynb", as_version=4).cells[1].outputs


def test_root_and_a_computer_without_display_get_what_they_need(monkeypatch):
    monkeypatch.setattr(start.os, "getuid", lambda: 0)
    monkeypatch.setattr(start.sys, "platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    assert {"--allow-root", "--no-browser"} <= set(start.options(start.ORIGINALS))
    monkeypatch.setattr(start.os, "getuid", lambda: 1000)
    monkeypatch.setenv("DISPLAY", ":0")
    assert not {"--allow-root", "--no-browser"} & set(start.options(start.ORIGINALS))
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in start.options(start.ORIGINALS)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(("given", "started"), [([], ""), (["NOTEBOOKS=notebooks"], " notebooks")])
def test_make_lab_hands_on_the_folder(given, started):
    command = ["make", "--dry-run", "--no-print-directory", "--assume-old=.venv/.ready", "lab", *given]
    done = subprocess.run(command, cwd=start.REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split("notebooks/start.py")[1].rstrip() == started


def test_a_bar_in_a_notebook_is_a_line_that_goes_away():
    """In a process of its own: whether a kernel runs is asked of IPython."""
    code = """
import IPython
class Shell:
    kernel = True
IPython.get_ipython = Shell
shown = []
class Handle:
    def update(self, data, raw): shown.append(data)
def display(data, raw, display_id):
    shown.append(data)
    return Handle()
import IPython.display
IPython.display.display = display
from lecture_lib.progress import bar
for _ in bar(range(3), desc="three", mininterval=0): pass
print(shown[0]["text/plain"], "|", shown[-1])
count = len(shown)
for _ in bar(range(3), delay=9): pass
print(len(shown) - count)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, late = done.stdout.splitlines()
    assert first.startswith("three:")
    assert first.endswith("| {}")
    assert late == "0"  # a bar that was done before it was due
    assert done.stderr == ""
