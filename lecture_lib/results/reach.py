"""The code that a result comes from: what a module reaches within lecture_lib, definition by definition.

Reached are all statements of the module itself; of a module that reached code imports, those that define a name which
reached code uses, and those that define none. A name is used where it stands as a name, an attribute or a string, as in
datasets.load("voc2007"), wherever it is defined: so too much is reached rather than too little, and what belongs to
another chapter or another dataset alone is not.
"""

import ast
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from lecture_lib import settings, store

# what decides no number: how things are shown, asked, stored and found
SILENT = re.compile(
    r"lecture_lib$|lecture_lib\.(display|exercises|settings|store|download|environment)\b"
    r"|lecture_lib\.results\.(records|reach|papers)$|figures$|\.widget$|\.exercises$"
)


class Statement(NamedTuple):
    """A statement of a module: the fingerprint of its code, the names it defines and uses, the modules it imports."""

    code: str
    defines: frozenset[str]
    uses: frozenset[str]
    imports: tuple[str, ...]


def reached(module: str) -> list[tuple[str, str]]:
    """Return what a module reaches, sorted: pairs of a module and a fingerprint of one of its statements.

    Docstrings, comments and layout do not count, nor does what is SILENT.
    """
    waiting = {module: _read(module)}
    taken: list[tuple[str, Statement]] = []
    used: set[str] = set()
    while found := [
        (name, one)
        for name, statements in waiting.items()
        for one in statements
        if name == module or not one.defines or one.defines & used
    ]:
        taken += found
        for name, one in found:
            waiting[name].remove(one)
            used |= one.uses
            for other in one.imports:
                if other not in waiting and not SILENT.search(other):
                    waiting[other] = _read(other)
    return sorted((name, one.code) for name, one in taken)


def _read(module: str) -> list[Statement]:
    path = settings.REPOSITORY.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return list(_statements(path.read_text(encoding="utf-8"))) if path.is_file() else []


@functools.cache
def _statements(text: str) -> tuple[Statement, ...]:
    return tuple(one for node in _without_docstrings(ast.parse(text).body) for one in _of_node(node))


def _of_node(node: ast.stmt) -> Iterator[Statement]:
    """Yield a statement, or of an import a statement a name: another name beside it changes nothing for the others."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            one = type(node)(**{**dict(ast.iter_fields(node)), "names": [alias]})
            bound = alias.asname or alias.name.partition(".")[0]
            yield Statement(
                store.fingerprint(_plain(one)),
                frozenset([bound]),
                frozenset([alias.name] * bool(alias.asname)),
                _imports(one),
            )
        return
    targets = [*getattr(node, "targets", []), getattr(node, "target", None)]
    names = [n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)]
    defines = frozenset([*names, *filter(None, [getattr(node, "name", None)])])
    imports = tuple(
        name for one in ast.walk(node) if isinstance(one, ast.ImportFrom) for name in _imports(one)
    )
    yield Statement(store.fingerprint(_plain(node)), defines, frozenset(_uses(node)), imports)


def _imports(node: ast.Import | ast.ImportFrom) -> tuple[str, ...]:
    """Name the modules of lecture_lib that an import may bring: a package, and what it calls by name in it."""
    if isinstance(node, ast.Import) or node.module.partition(".")[0] != "lecture_lib":
        return ()
    return (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _uses(node: ast.AST) -> Iterator[str]:
    kinds = {ast.Name: "id", ast.Attribute: "attr", ast.Constant: "value", ast.alias: "name"}
    for one in ast.walk(node):
        name = getattr(one, kinds.get(type(one), ""), None)
        if isinstance(name, str):
            yield name


def _plain(node: object) -> object:
    """Turn syntax into lists: no positions, no docstrings, nothing that is empty (versions of Python differ in it)."""
    if isinstance(node, list):
        return [_plain(n) for n in _without_docstrings(node)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, getattr(node, name)) for name in node._fields if name != "ctx")
    return [
        type(node).__name__,
        *((name, _plain(value)) for name, value in fields if value not in (None, [])),
    ]


def _without_docstrings(nodes: list) -> list:
    return [n for n in nodes if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
