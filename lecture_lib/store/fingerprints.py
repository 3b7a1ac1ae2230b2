"""One name for everything that made an array: values, arrays, networks, functions.

What is kept under a name is given back whenever the name is the same. So a name follows all that can decide a result:
of arrays and weights their content; of a module its class, attributes and hooks; of a function its code, defaults,
what it closes over and the globals that it reads, and so on for whatever those are. What belongs to an installed
library is named by where it stands. What has no content to go by (a generator, a lock, an open file) is refused.
"""

import dis
import functools
import hashlib
import io
import json
import os
import pickle
import sys
import sysconfig
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

LIBRARIES = tuple(
    f"{os.path.realpath(sysconfig.get_path(kind))}{os.sep}"
    for kind in ("stdlib", "platstdlib", "purelib", "platlib")
)
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "IMPORT_NAME")
UNFORESEEABLE = (
    "globals",
    "eval",
    "exec",
    "open",
    "input",
    "__import__",
)  # a name cannot tell what these read
WRAPPERS = {
    property: ("fget", "fset"),
    staticmethod: ("__wrapped__",),
    classmethod: ("__wrapped__",),
    functools._lru_cache_wrapper: ("__wrapped__",),
}
HOOKS = (
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
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    written = io.BytesIO()
    _Namer(written, protocol=4).dump(value)
    return {type(value).__name__: hashlib.sha256(written.getbuffer()).hexdigest()}


class _Refusal(TypeError):
    """What has no content to go by."""


class _Namer(pickle._Pickler):
    """Writes a value, and all that it refers to, so that equal ones give equal bytes: pickle, as joblib uses it, too.

    pickle knows what an object is made of, and numbers what comes again, also inside itself. In Python, since only
    there every object can be described another way: as an `object` with a state. Nobody reads it back.
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.path: list[str] = []

    def save(self, obj: Any, *arguments) -> None:
        name = getattr(obj, "__name__", None)
        self.path += [name] if name else []
        try:
            super().save(obj, *arguments)
        except _Refusal:
            raise
        except Exception:  # whatever an object says of itself that cannot be written down
            raise self._refusal(obj) from None
        self.path = self.path[:-1] if name else self.path

    def memoize(self, obj: Any) -> None:
        if type(obj) not in (str, bytes):  # of which some are the same object by chance
            super().memoize(obj)

    def reducer_override(self, obj: Any) -> Any:
        if obj is object or type(obj) in (str, bytes, int, float, bool, tuple, list, type(None)):
            return NotImplemented
        content = self._content(obj)
        return content if content is NotImplemented else (object, (), content)

    def _content(self, obj: Any) -> Any:
        """What decides what `obj` does, in other values; NotImplemented if pickle can tell."""
        torch = sys.modules.get("torch")
        if isinstance(obj, np.ndarray) and not obj.dtype.hasobject:
            return str(obj.dtype), obj.shape, hashlib.sha256(np.ascontiguousarray(obj)).digest()
        if torch and isinstance(obj, torch.Tensor):
            return self._tensor(obj)
        if torch and isinstance(obj, torch.nn.Module):
            return self._torch_module(obj)
        if type(obj) in (dict, set, frozenset):
            items = obj.items() if type(obj) is dict else obj
            return type(obj), sorted(items, key=lambda item: repr(item[0] if type(obj) is dict else item))
        if isinstance(obj, ModuleType):
            return obj.__name__, None if _is_library(obj.__name__) else self._namespace(obj)
        if isinstance(obj, type):
            where = obj.__module__, obj.__qualname__
            return where if _is_library(obj.__module__) else (where[1], obj.__bases__, self._namespace(obj))
        if isinstance(obj, FunctionType):
            return self._function(obj)
        if type(obj) in WRAPPERS:
            return type(obj), [getattr(obj, part) for part in WRAPPERS[type(obj)]]
        if isinstance(obj, CellType):
            return "cell", [] if obj == CellType() else [obj.cell_contents]
        if isinstance(obj, CodeType):
            takes = obj.co_argcount, obj.co_kwonlyargcount, obj.co_flags
            return obj.co_code, obj.co_names, takes, obj.co_consts
        return NotImplemented

    def _tensor(self, obj: Any) -> Any:
        import torch

        if obj.layout != torch.strided or obj.device.type == "meta" or obj.is_quantized:
            raise self._refusal(obj)
        content = obj.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
        return str(obj.dtype), tuple(obj.shape), hashlib.sha256(content.numpy()).digest()

    def _torch_module(self, obj: Any) -> Any:
        from torch import nn
        from torch.nn.modules import module as everywhere

        usual = vars(nn.Module()).keys() | {"_compiled_call_impl"}
        own = {key: value for key, value in vars(obj).items() if key not in usual}
        hooks = [list(getattr(obj, key).values()) for key in HOOKS]
        hooks += [list(getattr(everywhere, f"_global{key}").values()) for key in HOOKS]
        parts = [list(part.items()) for part in (obj._parameters, obj._buffers, obj._modules)]
        # `forward` may have been exchanged in a library's class
        return type(obj), type(obj).forward, own, hooks, parts

    def _namespace(self, obj: type | ModuleType) -> dict[str, Any]:
        """What a class or a module of the reader's holds, without what Python adds by itself."""
        written = (FunctionType, staticmethod, classmethod)
        return {
            key: value
            for key, value in vars(obj).items()
            if (type(value) in written or not key.startswith("__"))
            and key not in ("__annotate__", "_abc_impl")
        }

    def _function(self, obj: FunctionType) -> Any:
        if _is_library(obj.__module__):
            found = sys.modules[obj.__module__]
            for part in obj.__qualname__.split("."):
                found = getattr(found, part, None)
            if found is obj:
                return obj.__module__, obj.__qualname__
        reads = self._reads(obj.__code__, obj.__globals__)
        defaults = obj.__defaults__, obj.__kwdefaults__
        return obj.__name__, obj.__code__, defaults, obj.__closure__, reads, vars(obj)

    def _reads(self, code: CodeType, values: dict[str, Any]) -> dict[str, Any]:
        """The globals that a function and those written inside it read, and the reader's modules that it imports."""
        found = {}
        for key in sorted({step.argval for step in dis.get_instructions(code) if step.opname in READS}):
            if key in values:
                found[key] = values[key]
            elif key in UNFORESEEABLE:
                raise self._refusal(getattr(sys.modules["builtins"], key))
            elif key in sys.modules and not _is_library(key):
                found[key] = sys.modules[key]
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                found |= self._reads(constant, values)
        return found

    def _refusal(self, obj: Any) -> _Refusal:
        called = getattr(obj, "__name__", "")
        what = f"{type(obj).__name__} {called}".strip()
        where = f"{' > '.join(self.path)}: " if self.path else ""
        return _Refusal(
            f"A fingerprint takes values, arrays, networks and functions; {where}{what} has "
            "nothing to be named by, so a result that was kept could be another one's. Pass what it holds as numbers."
        )


@functools.cache
def _is_library(module: str | None) -> bool:
    """Is this a module of Python or of an installed package, so that its name and place say what it does?"""
    root = (module or "__main__").partition(".")[0]
    if root in ("__main__", __name__.partition(".")[0]):
        return False
    found = sys.modules.get(root)
    place = getattr(found, "__file__", None) or next(iter(getattr(found, "__path__", ())), None)
    return root in sys.stdlib_module_names if place is None else os.path.realpath(place).startswith(LIBRARIES)
