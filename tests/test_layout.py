"""The house rules that a machine can check: who imports whom, what is declared, whose paths are named."""

import ast
import functools
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lecture_lib.settings import REPOSITORY

# From the ground up: a module imports only what stands before its own place here.
ORDER = [
    ["settings"],
    ["store", "download", "metrics", "papers"],
    ["twins"],
    ["datasets"],
    ["backbones"],
    ["encoders"],
    ["embedding", "claims"],
    ["probes"],  # above claims: its run on photographs records results
    ["devil"],
    ["finetuning"],  # its frozen rivals are rows of the same table
    ["patches"],
    ["display", "exercises", "environment"],
]
HEIGHT = {part: i for i, parts in enumerate(ORDER) for part in parts}

MODULES = sorted((REPOSITORY / "lecture_lib").rglob("*.py"))
CODE = [*MODULES, *(REPOSITORY / "tests").rglob("*.py"), *(REPOSITORY / "notebooks").glob("*.py")]
TEXTS = {".py", ".ipynb", ".md", ".toml", ".txt", ".csv", ".json", ""}


packages_distributions = functools.cache(metadata.packages_distributions)


def imported(source):
    """Full names that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward_imports(part, source):
    """Parts of lecture_lib that `part` imports though they do not stand below it."""
    parts = {name.split(".")[1] for name in imported(source) if name.startswith("lecture_lib.")}
    return sorted(other for other in parts - {part} if HEIGHT[other] >= HEIGHT[part])


def undeclared(source, declared):
    """Packages that are imported without a line in requirements.txt."""
    ours = {"lecture_lib", "conftest"}
    packages = {name.partition(".")[0] for name in imported(source)} - set(sys.stdlib_module_names) - ours
    providers = packages_distributions()
    return sorted(p for p in packages if not declared & {d.lower() for d in providers.get(p, [p])})


def place(path):
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize(
    "path", [m for m in MODULES if m.parent.name != "lecture_lib" or m.stem != "__init__"], ids=place
)
def test_imports_go_down(path):
    part = path.relative_to(REPOSITORY / "lecture_lib").parts[0].removesuffix(".py")
    assert part in HEIGHT, f"give {part} its place in ORDER"
    assert upward_imports(part, path.read_text(encoding="utf-8")) == []


def test_an_upward_import_is_found_wherever_it_hides():
    source = "from lecture_lib import settings\ndef f():\n    from lecture_lib.display import tables\n"
    assert upward_imports("encoders", source) == ["display"]
    assert upward_imports("store", "import lecture_lib.papers") == ["papers"]


def pins():
    lines = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_what_is_imported_is_pinned():
    declared = {Requirement(line.partition("#")[0]).name.lower() for line in pins()}
    faults = {place(path): undeclared(path.read_text(encoding="utf-8"), declared) for path in CODE}
    assert {path: names for path, names in faults.items() if names} == {}


def test_an_undeclared_import_is_found():
    assert undeclared("import os, yaml\nfrom PIL import Image", {"pillow"}) == ["yaml"]


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
