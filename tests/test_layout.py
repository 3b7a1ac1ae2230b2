"""The house rules that a machine can check: who imports whom, what is declared, whose paths are named."""

import ast
import functools
import graphlib
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lecture_lib.settings import REPOSITORY

# From the ground up: a module imports only what stands on a floor below its own, or beside it in its own room.
FLOORS = [
    ["settings", "checks", "progress"],
    ["store", "metrics", "twins"],
    ["download"],
    ["datasets"],
    ["backbones"],
    ["encoders"],
    ["linear", "training", "results"],
    ["display", "exercises", "environment", "features", "fetch", "encode"],
    ["chapters"],
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

LIBRARY = REPOSITORY / "lecture_lib"
MODULES = sorted(LIBRARY.rglob("*.py"))
CODE = [
    *MODULES,
    *(path for of in ("tests", "notebooks", "docs") for path in (REPOSITORY / of).rglob("*.py")),
]
TEXTS = {".py", ".ipynb", ".md", ".toml", ".txt", ".csv", ".json", ""}


packages_distributions = functools.cache(metadata.packages_distributions)


@functools.cache
def imported(source):
    """Full names that a module imports, wherever in it the import stands."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def misplaced_imports(module, source):
    """What a module may not import, each as a sentence that says where the shared piece belongs."""
    room, *rest = module.split(".")
    for name in imported(source):
        if not name.startswith("lecture_lib."):
            continue
        other, *inner = name.split(".")[1:]
        if room == other == "chapters":
            if inner and inner[0] != rest[0]:
                yield (
                    f"chapters/{rest[0]} imports {name}: chapters never import each other; what both need belongs "
                    "on the highest floor below them that has all it imports"
                )
        elif other == "chapters" or (other != room and FLOOR[other] >= FLOOR[room]):
            yield (
                f"{room} imports {name}, which does not stand below it: move what {room} needs of it down, to "
                f"one of {', '.join(FLOORS[FLOOR[room] - 1])} or lower"
            )
        elif other == "twins" and room not in ("datasets", "twins"):
            yield f"{room} imports {name}: outside of datasets, ask the collection and not the renderer"


def undeclared(source, declared):
    """Packages that are imported without a line in requirements.txt."""
    ours = {"lecture_lib", *(path.stem for path in CODE)}
    packages = {name.partition(".")[0] for name in imported(source)} - set(sys.stdlib_module_names) - ours
    providers = packages_distributions()
    return sorted(p for p in packages if not declared & {d.lower() for d in providers.get(p, [p])})


def module_name(path):
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def nearest(name, modules):
    """The module that an imported name is, or lies in."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def place(path):
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("path", [m for m in MODULES if m != LIBRARY / "__init__.py"], ids=place)
def test_imports_go_down_and_chapters_stand_alone(path):
    module = ".".join(path.relative_to(LIBRARY).with_suffix("").parts)
    assert module.partition(".")[0] in FLOOR, f"give {module} its floor in FLOORS"
    assert list(misplaced_imports(module, path.read_text(encoding="utf-8"))) == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {module_name(path): path for path in MODULES}
    below = {
        name: {
            found
            for target in imported(path.read_text(encoding="utf-8"))
            if (found := nearest(target, graph))
        }
        - {name}
        for name, path in graph.items()
    }
    sorter = graphlib.TopologicalSorter(below)
    sorter.prepare()  # CycleError names the modules of a circle


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("encoders.cnn", "def f():\n    from lecture_lib.display import tables\n"),
        ("chapters.decaf_tsne.figures", "from lecture_lib.chapters.fine_tuning import figures"),
        ("chapters.patch_transfer.record", "from lecture_lib.twins.voc import MEMBERS"),
    ],
)
def test_a_misplaced_import_is_found_wherever_it_hides(module, source):
    assert len(list(misplaced_imports(module, source))) == 1


def pins():
    files = [REPOSITORY / f"requirements{of}.txt" for of in ("", "-pages")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_what_is_imported_is_pinned():
    pytest.importorskip(
        "mdit_py_plugins", reason="whose packages they are is known once they are there: make pages"
    )
    declared = {Requirement(line.partition("#")[0]).name.lower() for line in pins()}
    faults = {place(path): undeclared(path.read_text(encoding="utf-8"), declared) for path in CODE}
    assert {path: names for path, names in faults.items() if names} == {}


def test_what_the_library_imports_comes_with_it_and_the_pins_satisfy_it():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = sum(project["optional-dependencies"].values(), project["dependencies"])
    needed = {Requirement(line).name.lower(): Requirement(line) for line in lines}
    faults = {place(path): undeclared(path.read_text(encoding="utf-8"), set(needed)) for path in MODULES}
    assert {path: names for path, names in faults.items() if names} == {}
    pinned = {pin.name.lower(): pin for line in pins() if (pin := Requirement(line.partition("#")[0]))}
    for name, requirement in needed.items():
        (pin,) = pinned[name].specifier
        assert requirement.specifier.contains(pin.version), name


def test_what_the_library_reads_beside_its_modules_is_installed_with_it():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]["package-data"]["lecture_lib"]
    there = set(LIBRARY.rglob("*.toml"))
    assert there == {path for pattern in listed for path in LIBRARY.glob(pattern)} != set()


def test_every_pin_is_exact_and_has_its_reason():
    for line in pins():
        assert re.fullmatch(r"[\w-]+==[\d.]+ +# .{5,}", line), line


def test_no_file_names_a_path_of_this_machine():
    names = [str(path) for path in (REPOSITORY, Path.home()) if len(path.parts) > 1]
    pattern = re.compile("|".join(rf"(?<![\w.~-]){re.escape(name)}(?![\w-])" for name in names))
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git clone: which files belong to the project is not known")
    for path in map(REPOSITORY.joinpath, listed.stdout.splitlines()):
        if path.suffix in TEXTS and path.is_file():
            found = pattern.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{place(path)} names {found.group()}"


@pytest.mark.parametrize(
    "text", ["CONTRIBUTING.md", "docs/running.md", "docs/teaching.md", "data/results/README.md"]
)
def test_places_that_are_named_are_there(text):
    named = re.findall(
        r"`((?:lecture_lib|data|tests|notebooks)/[\w./-]+)`", (REPOSITORY / text).read_text("utf-8")
    )
    assert named
    assert [name for name in named if "NAME" not in name and not (REPOSITORY / name).exists()] == []
