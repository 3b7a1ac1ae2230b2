"""One name for everything that made an array: values, arrays, networks, functions.

What is kept under a name is given back whenever the name is the same. So a name follows all that can decide a result:
of arrays and weights their content; of a module its class, attributes and hooks; of a function its code, defaults,
what it closes over and the globals that it reads, and so on for whatever those are. What belongs to an installed
library is named by where it stands. What has no content to go by (a generator, a lock, an open file) is refused.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

MANY = 2**20  # bytes from which arrays are summed up before they are hashed
WORDS = 2**13  # words of 8 bytes in one sum: with its factors they fit into a core's own cache
# Odd, so that a change of one word changes its sum; drawn, so that changes of several cancel in one of 2^31 cases.
FACTORS = np.frombuffer(hashlib.shake_256(b"odd factors").digest(16 * WORDS), "<i8").reshape(2, WORDS) | 1
LIBRARIES = tuple(
    f"{os.path.realpath(sysconfig.get_path(kind))}{os.sep}"
    for kind in ("stdlib", "platstdlib", "purelib", "platlib")
)
UNFORESEEABLE = {
    "globals",
    "eval",
    "exec",
    "open",
    "input",
    "__import__",
}  # a name cannot tell what these read
STATE = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
)  # of a torch module


def fingerprint(obj: Any) -> str:
    """Return the SHA-256, in hex, of a value: JSON's types, arrays, tensors, bytes, functions, modules, objects.

    The same in every process and for every order of a dict's keys; arrays count with their dtype,
    shape and content. Raises TypeError, with what and where it is, for what cannot be named.
    """
    canonical = json.dumps(obj, sort_keys=True, separators=(",", ":"), default=to_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def to_plain(value: Any) -> Any:
    """Give what JSON does not know a JSON form that tells apart what can make a difference."""
    if isinstance(value, np.generic):
        return value.item()
    return _Names().name(value)


def file_stamp(path: Path) -> tuple[int, int, int, int]:
    """Size, time of change in ns, inode and its time: while all are the same, so is the file; raises OSError.

    Who replaces a file can keep its size and set its time back; the inode's time nobody can set.
    """
    stat = os.stat(path)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns


def hash_bytes(content: np.ndarray) -> str:
    """Return a SHA-256 in hex of uint8 [n]; from MANY on of weighted sums, which takes a sixth of the time.

    One sum has whole words of 8 bytes, the other their upper halves, so that also changes of nothing but the sign of
    a float32 are spread over half of a word at least.
    """
    hashed = hashlib.sha256()
    rows = len(content) // (8 * WORDS) if len(content) >= MANY else 0
    words = content[: 8 * WORDS * rows].view("<i8").reshape(rows, WORDS)
    for start in range(0, rows, 16):
        block = words[start : start + 16]
        for part, factors in zip((block, block >> 32), FACTORS, strict=True):
            hashed.update(np.einsum("ij,j->i", part, factors))
    hashed.update(np.ascontiguousarray(content[8 * WORDS * rows :]))
    return hashed.hexdigest()


class _Names:
    """Turn a value, and all that it refers to, into JSON's types; what comes again, also inside itself, is numbered."""

    def __init__(self):
        self.seen: dict[int, tuple[int, Any]] = {}  # with the objects, so that no id is used twice
        self.path: list[str] = []

    def name(self, value: Any, where: str = "") -> Any:
        """Return the JSON form of a value that was found at `where`."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, bytes | bytearray | memoryview):
            return {"bytes": hashlib.sha256(value).hexdigest()}
        if id(value) in self.seen:
            return {"again": self.seen[id(value)][0]}
        self.seen[id(value)] = len(self.seen), value
        self.path.append(where or getattr(value, "__name__", type(value).__name__))
        found = self._describe(value)
        self.path.pop()
        return found

    def _describe(self, value: Any) -> Any:
        kind, torch = type(value), sys.modules.get("torch")
        if isinstance(value, np.ndarray) or (torch and isinstance(value, torch.Tensor)):
            return self._array(value)
        if kind in (list, tuple):
            return {kind.__name__: [self.name(item) for item in value]}
        if kind in (set, frozenset):
            return {kind.__name__: sorted(json.dumps(_Names().name(item)) for item in value)}
        if kind is dict:
            return {"dict": [[self.name(key), self.name(item, str(key))] for key, item in value.items()]}
        if kind is ModuleType or isinstance(value, ModuleType):
            own = {} if _is_library(value.__name__) else vars(value)
            return {"module": value.__name__, "holds": self._namespace(own)}
        if isinstance(value, type):
            return self._class(value)
        if kind is FunctionType:
            return self._function(value)
        if kind is MethodType:
            return {"method": self.name(value.__func__), "of": self.name(value.__self__)}
        if isinstance(value, property | staticmethod | classmethod | functools._lru_cache_wrapper):
            parts = ("fget", "fset") if kind is property else ("__wrapped__",)
            return {kind.__name__: [self.name(getattr(value, part)) for part in parts]}
        if kind is CellType:
            return {"cell": self.name(value.cell_contents)}
        if kind is CodeType:
            return self._code(value)
        if isinstance(value, BuiltinFunctionType | np.ufunc) or not hasattr(kind, "__reduce_ex__"):
            of = getattr(value, "__self__", None)
            of = None if isinstance(of, ModuleType) else self.name(of)
            return {"built in": [getattr(value, "__module__", None), value.__name__], "of": of}
        if hasattr(value, "__objclass__"):  # a slot or a method written in C
            return {"built in": [value.__objclass__.__qualname__, value.__name__]}
        if torch and isinstance(value, torch.nn.Module):
            return self._torch_module(value)
        return self._object(value)

    def _array(self, value: Any) -> Any:
        dtype, shape = str(value.dtype), list(value.shape)
        if not isinstance(value, np.ndarray):
            import torch

            if value.layout != torch.strided or value.device.type == "meta" or value.is_quantized:
                raise self._refusal(value)
            value = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
            value = value.reshape(-1).view(torch.uint8).numpy()
        if value.dtype.hasobject:
            return {"objects": [shape, [self.name(item) for item in value.ravel().tolist()]]}
        return {"array": [dtype, shape, hash_bytes(np.ascontiguousarray(value).reshape(-1).view(np.uint8))]}

    def _namespace(self, values: dict[str, Any]) -> Any:
        """Name what a class or a module of the reader's holds, without what Python adds by itself."""
        written = (FunctionType, staticmethod, classmethod)
        return {
            key: self.name(value, key)
            for key, value in sorted(values.items())
            if (type(value) in written or not key.startswith("__"))
            and key not in ("__annotate__", "_abc_impl")
        }

    def _class(self, value: type) -> Any:
        if _is_library(value.__module__):
            return {"class": f"{value.__module__}.{value.__qualname__}"}
        bases = [self.name(base) for base in value.__bases__]
        return {"class": value.__qualname__, "bases": bases, "holds": self._namespace(dict(vars(value)))}

    def _function(self, function: FunctionType) -> Any:
        if _is_library(function.__module__):
            found = sys.modules[function.__module__]
            for part in function.__qualname__.split("."):
                found = getattr(found, part, None)
            if found is function:
                return {"function": f"{function.__module__}.{function.__qualname__}"}
        free = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        empty = CellType()
        return {
            "function": function.__name__,
            "code": self._code(function.__code__),
            "defaults": [self.name(function.__defaults__), self.name(function.__kwdefaults__)],
            "closes over": {key: cell != empty and self.name(cell.cell_contents, key) for key, cell in free},
            "reads": list(self._reads(function.__code__, function.__globals__)),
            "has": {key: self.name(value, key) for key, value in vars(function).items()},
        }

    def _code(self, code: CodeType) -> Any:
        constants = [self.name(constant) for constant in code.co_consts]
        takes = [code.co_argcount, code.co_kwonlyargcount, code.co_flags]
        return [code.co_code.hex(), code.co_names, takes, constants]

    def _reads(self, code: CodeType, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Name the globals, and the attributes of modules, that a function and those written inside it read."""
        steps = list(dis.get_instructions(code))
        builtins = vars(sys.modules["builtins"])
        for i, step in enumerate(steps):
            if step.opname == "IMPORT_NAME" and not _is_library(step.argval):
                yield step.argval, self.name(sys.modules.get(step.argval), step.argval)
            if step.opname not in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                continue
            key = step.argval
            if key not in values:
                if key in UNFORESEEABLE and key in builtins:
                    raise self._refusal(builtins[key])
                continue
            value, written = values[key], [key]
            for after in takewhile(lambda s: s.opname in ("LOAD_ATTR", "LOAD_METHOD"), steps[i + 1 :]):
                if not isinstance(value, ModuleType) or not hasattr(value, after.argval):
                    break
                value = getattr(value, after.argval)
                written.append(after.argval)
            yield ".".join(written), self.name(value, ".".join(written))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from self._reads(constant, values)

    def _torch_module(self, module: Any) -> Any:
        from torch import nn
        from torch.nn.modules import module as everywhere

        kept = vars(nn.Module()).keys() | {"_compiled_call_impl"}
        hooks = [list(getattr(module, key).values()) for key in STATE]
        hooks += [list(getattr(everywhere, f"_global{key}").values()) for key in STATE]
        parts = {"weights": module._parameters, "buffers": module._buffers, "modules": module._modules}
        return {
            "network": self.name(type(module)),
            "forward": self.name(type(module).forward),  # may have been exchanged in a library's class
            "attributes": {
                key: self.name(value, key) for key, value in vars(module).items() if key not in kept
            },
            "hooks": self.name(hooks, "hooks"),
            **{kind: {k: self.name(v, k) for k, v in found.items()} for kind, found in parts.items()},
        }

    def _object(self, value: Any) -> Any:
        """Name an object by what pickle would write down of it: its class, and its state."""
        try:
            made = value.__reduce_ex__(4)
            parts = (
                made if isinstance(made, str) else [p if i < 3 else list(p or ()) for i, p in enumerate(made)]
            )
        except Exception:
            raise self._refusal(value) from None
        if isinstance(parts, str):
            return {"global": [type(value).__module__, parts]}
        return {"object": [self.name(part) for part in parts]}

    def _refusal(self, value: Any) -> TypeError:
        called = getattr(value, "__name__", "")
        what = f"{type(value).__name__} {called}".strip()
        return TypeError(
            f"A fingerprint takes values, arrays, networks and functions; {' > '.join(self.path)}: {what} has "
            "nothing to be named by, so a result that was kept could be another one's. Pass what it holds as numbers."
        )


@functools.cache
def _is_library(module: str | None) -> bool:
    """Is this a module of Python or of an installed package, so that its name and place say what it does?"""
    root = (module or "__main__").partition(".")[0]
    if root in ("__main__", __name__.partition(".")[0]):
        return False
    found = sys.modules.get(root)
    places = [getattr(found, "__file__", None) or next(iter(getattr(found, "__path__", ())), None)]
    if places == [None]:
        return root in sys.stdlib_module_names
    return os.path.realpath(places[0]).startswith(LIBRARIES)
