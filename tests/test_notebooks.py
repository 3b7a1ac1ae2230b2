"""Form and freshness of the saved notebooks. That their cells run is nbval's part; see pyproject.toml."""

import ast
import copy
import dis
import json
import re
import runpy
import shutil
import statistics
import subprocess
import sys
from types import CodeType

import navigation
import nbformat
import pytest

from lecture_lib.settings import REPOSITORY

FOLDER = REPOSITORY / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9]*.ipynb"))
execute = runpy.run_path(str(FOLDER / "execute.py"))

LONGEST_CELL, MEDIAN_CELL = 16, 7  # lines
LARGEST_FILE = 2_000_000  # bytes
SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
MACHINE_PATHS = re.compile(r"/home/\w|/Users/\w|/tmp/\w|[A-Z]:\\\\|" + re.escape(str(REPOSITORY)))
NO_ALTERNATIVE = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")")
ADDRESSES = re.compile(r"<[\w. ]+ at 0x[0-9a-f]+>")


def form_faults(notebook, name="09_example"):
    """Everything about one notebook that a reader, a slide or a test would stumble over, as sentences."""
    faults = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ids = [cell.get("id") for cell in notebook.cells]
    faults += [f"cell id {i} is used twice" for i in {i for i in ids if ids.count(i) > 1}]
    for cell in notebook.cells:
        where = f"cell {cell.get('id')}"
        if cell.metadata.get("slideshow", {}).get("slide_type") not in SLIDES:
            faults.append(f"{where}: no slideshow metadata")
        if not cell.source.strip():
            faults.append(f"{where}: empty")
        if cell.cell_type == "markdown" and NO_ALTERNATIVE.search(cell.source):
            faults.append(f"{where}: a picture without alternative text")
        tags = set(cell.metadata.get("tags", ()))
        faults += [f"{where}: tag {tag} hides a fault" for tag in tags & {"nbval-skip", "raises-exception"}]
    lengths = [len(cell.source.splitlines()) for cell in code]
    faults += [
        f"cell {cell.id}: {n} lines" for cell, n in zip(code, lengths, strict=True) if n > LONGEST_CELL
    ]
    if not code:
        return [*faults, "no code"]
    if statistics.median(lengths) > MEDIAN_CELL:
        faults.append(f"the median cell has {statistics.median(lengths):g} lines")
    if not _calls(code[0].source, "use"):
        faults.append("the first code cell does not call lecture_lib.use()")
    if ast.unparse(ast.parse(code[0].source).body[0]) != "import lecture_lib":
        faults.append("import lecture_lib is not the first statement: OpenMP would not wait passively")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        faults.append("kernel is not python3")
    return faults + import_faults(code, name[3:]) + exercise_faults(code, name[:2]) + name_faults(code)


def import_faults(code, chapter):
    """What a notebook must not import: another chapter, and what takes names of records apart."""
    faults = []
    for cell in code:
        for node in ast.walk(ast.parse(cell.source)):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            )
            within = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for name in (f"{within}{name}" for name in names):
                other = re.match(rf"lecture_lib\.chapters\.(?!{chapter}\b)", name)
                if other or name.partition(".")[0] == "re":
                    faults.append(f"cell {cell.id}: imports {name}")
    return faults


def name_faults(code):
    """Names that a cell takes from others, and that are set in several: what is meant hangs on which ran last."""
    names = {cell.id: names_of(cell.source) for cell in code}
    faults = []
    for cell, (taken, _) in names.items():
        for name in sorted(taken):
            setters = [other for other, (_, given) in names.items() if name in given]
            if len(setters) > 1:
                faults.append(f"cell {cell}: takes {name}, which is set in {' and in '.join(setters)}")
    return faults


def names_of(source):
    """The names that a cell takes from others, and those that it sets."""
    taken, given = set(), set()
    code = compile(source, "cell", "exec")
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            given.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in given:
            taken.add(step.argval)
    inner = [code]
    for outer in inner:  # which grows: functions, lambdas and comprehensions
        inner += [part for part in outer.co_consts if isinstance(part, CodeType)]
        taken |= {s.argval for s in dis.get_instructions(outer) if s.opname == "LOAD_GLOBAL"} - given
    return taken, given


def exercise_faults(code, number):
    faults = []
    for cell in code:
        for function in ("hint", "solution"):
            if _calls(cell.source, function):
                faults.append(f"cell {cell.id}: {function}() runs before anyone asked; comment it out")
        for asked in re.findall(r"(?m)^\s*check\(\"([\d.]+)\"", cell.source):
            if not asked.startswith(f"{number}."):
                faults.append(f"cell {cell.id}: exercise {asked} belongs to another notebook")
            if f"Exercise {asked}: not tried yet" not in _printed(cell):
                faults.append(f"cell {cell.id}: exercise {asked} is not an untouched stub")
    return faults


def freshness_faults(notebook):
    """Whether the saved outputs are those of a clean run of these very cells."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    faults = []
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        faults.append("not run once from top to bottom")
    if notebook.metadata.get("lecture", {}).get("source_sha256") != execute["source_hash"](notebook):
        faults.append("the code has changed since the outputs were saved")
    for cell in code:
        where = f"cell {cell.id}"
        for output in cell.outputs:
            if output.output_type == "error":
                faults.append(f"{where}: stopped with {output.ename}")
            elif output.get("name") == "stderr":
                faults.append(f"{where}: warns: {output.text.strip().splitlines()[-1][:100]}")
            if any("widget" in kind for kind in output.get("data", ())):
                faults.append(f"{where}: a widget without its kernel")
        printed = _printed(cell)
        faults += [
            f"{where}: prints a path of this machine: {found}" for found in MACHINE_PATHS.findall(printed)
        ]
        faults += [f"{where}: prints an address: {found}" for found in ADDRESSES.findall(printed)]
    tidied = copy.deepcopy(notebook)
    execute["tidy"](tidied)
    if not faults and tidied != notebook:
        faults.append("contains what an editor left in it")
    return [f"{fault} (make notebooks)" for fault in faults]


def link_faults(path, notebook):
    """Links to files that are not there, and a notebook that does not lead on to the next, or back."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    links = re.findall(r"\]\((?!https?:|#|mailto:|attachment:)([^)#\s]+)", "\n".join(texts))
    faults = [f"link to {link}, which is not there" for link in links if not (path.parent / link).exists()]
    linked = copy.deepcopy(notebook)
    navigation.put(linked, path)
    if linked != notebook:
        faults.append("links to the other notebooks are not current (python notebooks/navigation.py)")
    return faults


def _printed(cell):
    parts = [output.get("text", "") for output in cell.outputs]
    parts += [
        text for output in cell.outputs for kind, text in output.get("data", {}).items() if "text" in kind
    ]
    return "\n".join(parts)


def _calls(source, function):
    # magics are no Python, and no notebook here needs them in a cell that is looked at
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return function in {getattr(called, "attr", getattr(called, "id", None)) for called in calls}


each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@each
def test_form(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(json.loads(path.read_text(encoding="utf-8")))
    assert form_faults(notebook, path.stem) == []


@each
def test_outputs_belong_to_the_code(path):
    assert freshness_faults(nbformat.read(path, as_version=4)) == []


@each
def test_links(path):
    assert link_faults(path, nbformat.read(path, as_version=4)) == []


@each
def test_small_enough_to_be_shown_by_a_code_hosting_site(path):
    assert path.stat().st_size < LARGEST_FILE


@each
def test_readme_tells_what_is_in_it(path):
    assert path.stem in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command", ["check --output-format=concise", "format --check --output-format=concise"]
)
def test_modules_and_notebooks_are_in_the_common_style(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command.split(), "."], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + "make format mends most of it"


# The checks themselves: one good notebook, run for real, then one fault at a time.

CELLS = [
    ("markdown", "title", "# Example\n[the next](10_next.ipynb) ![a black dot](dot.png)"),
    ("code", "use", "import lecture_lib\n\nlecture_lib.use(threads=1)"),
    ("code", "sum", "print(1 + 1)"),
    ("code", "bar", "from lecture_lib.progress import bar\n\nfor _ in bar(range(3)):\n    pass"),
    ("code", "slider", "from ipywidgets import IntSlider\n\nIntSlider()"),
    (
        "code",
        "stub",
        'from lecture_lib.chapters.start_here.exercises import check\n\ncheck("00.1", ...)\n# hint("00.1")',
    ),
    ("markdown", "end", "Next: [the next](10_next.ipynb)"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "dot.png").touch()
    notebook = nbformat.v4.new_notebook()
    for kind, name, source in CELLS:
        cell = getattr(nbformat.v4, f"new_{kind}_cell")(source, id=name)
        cell.metadata = {"slideshow": {"slide_type": "slide"}, "editable": True, "tags": ["kept"]}
        notebook.cells.append(cell)
    nbformat.write(notebook, folder / "00_example.ipynb")
    nbformat.write(notebook, folder / "05_middle.ipynb")
    nbformat.write(notebook, folder / "10_next.ipynb")
    measured = {"machine": "2 cores", "notebooks": {"05_middle": {"seconds": 61.2, "GB": 1.23}}}
    (folder / "measured.json").write_text(json.dumps(measured))
    took = execute["execute"](folder / "00_example.ipynb")
    assert took["seconds"] > 0.1
    assert 0.05 < took["GB"] < 20
    notebook = nbformat.read(folder / "00_example.ipynb", as_version=4)
    navigation.put(notebook, folder / "00_example.ipynb")
    nbformat.write(notebook, folder / "00_example.ipynb")
    return folder


@pytest.fixture
def good(folder):
    return nbformat.read(folder / "00_example.ipynb", as_version=4)


def cell_of(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def test_a_good_notebook_passes_every_check_after_one_execution(folder, good):
    assert form_faults(good, "00_start_here") == []
    assert freshness_faults(good) == []
    assert link_faults(folder / "00_example.ipynb", good) == []
    assert cell_of(good, "sum").outputs[0].text == "2\n"


def test_execution_takes_out_bars_and_widgets_and_keeps_ids_and_tags(good):
    assert [cell.id for cell in good.cells][3:-1] == [name for _, name, _ in CELLS][1:]
    assert cell_of(good, "bar").outputs == []
    assert cell_of(good, "slider").outputs == []
    assert good.metadata.language_info == {"name": "python"}
    assert all("editable" not in cell.metadata for cell in good.cells)
    assert [cell.metadata.get("tags") for cell in good.cells].count(["kept"]) == len(CELLS)


def test_executing_again_changes_nothing(folder, good):
    good.cells = [cell for cell in good.cells if cell.id in ("sum", "bar", "slider", "end")]
    path = folder / "short.ipynb"
    nbformat.write(good, path)
    execute["execute"](path)
    before = path.read_bytes()
    execute["execute"](path)
    assert path.read_bytes() == before


def test_a_cell_that_spoils_what_it_works_on_is_found(tmp_path):
    shutil.copy(REPOSITORY / "conftest.py", tmp_path)
    cells = [
        nbformat.v4.new_code_cell(s) for s in ("x = 1", "y = x + 1", "assert 'done' not in dir()\ndone = 1")
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "00_example.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "00_example.ipynb::Cell 2 again" in done.stdout
    assert "1 failed, 5 passed" in done.stdout


def test_a_notebook_that_stops_is_left_as_it_was(folder, good, capsys):
    cell_of(good, "sum").source = "1 / 0"
    good.cells = [cell_of(good, "sum")]
    path = folder / "stops.ipynb"
    nbformat.write(good, path)
    before = path.read_bytes()
    assert execute["main"]([str(path.with_suffix(""))]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert not path.with_suffix(".unfinished").exists()


def test_a_notebook_of_another_name_is_asked_for(capsys):
    assert execute["main"](["98_no_such_notebook"]) == 1
    assert "there is no such notebook" in capsys.readouterr().out


def change(name="sum", **fields):
    return lambda notebook: cell_of(notebook, name).update(fields)


def output(**fields):
    return lambda notebook: cell_of(notebook, "sum").outputs.append(nbformat.from_dict(fields))


def tag(name):
    return lambda notebook: cell_of(notebook, "sum").metadata.tags.append(name)


def sources(**of_cells):
    return lambda notebook: [cell_of(notebook, name).update(source=text) for name, text in of_cells.items()]


FORM = {
    "cell id sum is used twice": change("bar", id="sum"),
    "cell sum: no slideshow metadata": lambda nb: cell_of(nb, "sum").metadata.pop("slideshow"),
    "cell sum: empty": change(source=" "),
    "a picture without alternative text": change("title", source="![](dot.png)"),
    "tag raises-exception hides a fault": tag("raises-exception"),
    "tag nbval-skip hides a fault": tag("nbval-skip"),
    "cell sum: 17 lines": change(source="x = 1\n" * 17),
    "the median cell has 8 lines": sources(
        **dict.fromkeys([name for _, name, _ in CELLS], "import lecture_lib\n" * 7 + "lecture_lib.use()")
    ),
    "import lecture_lib is not the first": change(
        "use", source="import numpy\n\nimport lecture_lib\n\nlecture_lib.use()"
    ),
    "cell sum: imports re": change(source="import re"),
    "cell sum: imports lecture_lib.chapters.decaf_tsne": change(
        source="from lecture_lib.chapters import decaf_tsne"
    ),
    "the first code cell does not call": change("use", source="lecture_lib.use  # ()"),
    "kernel is not python3": lambda nb: nb.metadata.kernelspec.update(name="my-conda"),
    "hint() runs before anyone asked": change(source='hint("00.1")'),
    "solution() runs before anyone asked": change(source='solution("00.1")'),
    "exercise 00.1 is not an untouched stub": lambda nb: cell_of(nb, "stub").outputs.clear(),
    "exercise 07.1 belongs to another": change("stub", source='check("07.1", ...)'),
    "cell bar: takes x, which is set in sum and in slider": sources(
        sum="x = 1", bar="y = [x for _ in range(2)]", slider="x = 2"
    ),
    "cell bar: takes x, which is set in sum and in bar": sources(sum="x = [1]", bar="x = x[1:]"),
    "no code": lambda nb: [cell.update(cell_type="markdown") for cell in nb.cells],
}

FRESH = {
    "not run once from top to bottom": change(execution_count=7),
    "the code has changed": change(source="print(1 + 2)"),
    "stopped with ValueError": output(output_type="error", ename="ValueError", evalue="", traceback=[]),
    "warns: old and slow": output(
        output_type="stream", name="stderr", text="DeprecationWarning\nold and slow"
    ),
    "a widget without its kernel": output(
        output_type="display_data", metadata={}, data={"application/vnd.jupyter.widget-view+json": {}}
    ),
    "prints a path of this machine": output(
        output_type="stream", name="stdout", text=f"read {REPOSITORY}/data"
    ),
    "prints an address": output(output_type="execute_result", data={"text/plain": "<Axes at 0x7f12ab>"}),
    "contains what an editor left": lambda nb: cell_of(nb, "sum").metadata.update(
        execution={"iopub": "14:00"}
    ),
}


@pytest.mark.parametrize("fault", FORM)
def test_a_fault_of_form_is_found(good, fault):
    FORM[fault](good)
    assert any(fault in found for found in form_faults(good, "00_start_here"))


@pytest.mark.parametrize("fault", FRESH)
def test_stale_outputs_are_found(good, fault):
    FRESH[fault](good)
    assert any(fault in found for found in freshness_faults(good))


def test_a_changed_word_of_prose_does_not_ask_for_a_new_run(good):
    cell_of(good, "title").source += " More prose."
    assert freshness_faults(good) == []


def test_dead_links_and_dead_ends_are_found(folder, good):
    path = folder / "00_example.ipynb"
    cell_of(good, "title").source += " [gone](03_gone.ipynb) [fine](https://example.org/x.ipynb) [here](#top)"
    assert link_faults(path, good) == ["link to 03_gone.ipynb, which is not there"]
    cell_of(good, "links-bottom").source = "That was it."
    assert [fault[:31] for fault in link_faults(path, good)[1:]] == ["links to the other notebooks are"[:31]]


def test_links_lead_back_and_on_and_the_list_has_what_was_measured(folder):
    for name in ("05_middle", "10_next"):
        assert "[all notebooks](00_example.ipynb#The-notebooks)" in navigation.links(folder / f"{name}.ipynb")
    assert navigation.links(folder / "00_example.ipynb").endswith("[05_middle →](05_middle.ipynb)")
    assert navigation.links(folder / "05_middle.ipynb").startswith("[← 00_example](00_example.ipynb)")
    assert "| [Example](05_middle.ipynb) | 1.0 minutes | 1.2 GB |" in navigation.contents(folder)
    assert "| [Example](10_next.ipynb) | – | – |" in navigation.contents(folder)
