"""Run what a student wrote, so that nothing it does harms the checker or the notebook.

Every call gets copies of its arguments, every way of failing becomes `Wrong` or `NotTried`, and what never ends is
stopped.
"""

import contextlib
import copy
import ctypes
import dis
import functools
import io
import threading
import traceback
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, TypeVar

import numpy as np
import torch

T = TypeVar("T")
DOTS = ": there is still a ... to replace"


class Wrong(Exception):
    """The answer is not right; the message completes the sentence "not right yet, because ..."."""


class NotTried(Exception):
    """The answer is still the stub, or a part of it."""


class Stopped(BaseException):
    """Raised in an answer that takes too long."""


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """Return work(), done in a thread of its own; None if it has not ended after `seconds`, and is stopped.

    A thread, as a signal reaches the main one only, and would not wake it from every wait. What cannot be stopped, a
    wait or a single endless operation, is left behind: it ends with the notebook.
    """
    results, done = [], threading.Event()  # no join: interrupted, it takes a running thread for a stopped one

    def run() -> None:
        with contextlib.suppress(Stopped):
            results.append(work())
        done.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        done.wait(seconds)
    finally:  # also when the user interrupts
        for _ in range(10):  # an answer may catch the first ones with `except:`
            if not done.is_set():
                stopped = ctypes.py_object(Stopped)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), stopped)
                done.wait(0.1)
    return results[0] if results else None


def watched(function: Callable, printed: io.StringIO) -> Callable:
    """Return the student's function as one that gets copies, and whose failures are NotTried or Wrong.

    `printed` is where its output goes. A generator of random numbers is not copied: its draws go on from call to call.
    """
    name = getattr(function, "__name__", type(function).__name__)

    @functools.wraps(function)
    def call(*inputs: Any) -> Any:
        copies, start = [_copy(value) for value in inputs], printed.tell()
        try:
            result = function(*copies)
        except (Stopped, Wrong):
            raise
        except SystemExit:
            raise Wrong(f"{name} ends the program with exit(); a function ends with `return`.") from None
        except BaseException as error:
            if isinstance(error, NotImplementedError) and _raised_by_hand(error):
                raise NotTried from None
            if "ellipsis" in str(error):
                raise NotTried(DOTS) from None
            raise Wrong(f"{name} stops{_place(error, function)} with {exception(error)}.") from None
        for i, (value, now) in enumerate(zip(inputs, copies, strict=True)):
            if not (value is now or np.array_equal(_plain(value), _plain(now))):
                changed = f"{name} changes its input{_argument(function, i)}, as `x -= 1`, `x[0] = 1` or `x.sort()` do"
                raise Wrong(f"{changed}: it writes into an array it was given; make a new one.")
        if result is None:
            if printed.tell() > start:
                raise Wrong(f"{name} prints its result, and gives None: `return` it instead.")
            if _has_no_body(function):
                raise NotTried
            raise Wrong(f"{name} gives None: is a `return` missing?")
        examine(result, name)
        return result

    return call


def examine(result: Any, name: str) -> None:
    """Raise NotTried for dots, and Wrong for things that look like numbers, or arrays, and are not; also within."""
    if result is ...:
        raise NotTried
    inner = [*result, *result.values()] if isinstance(result, dict) else result
    for part in (result, *inner) if isinstance(inner, (tuple, list, set)) else (result,):
        if part is ...:
            raise NotTried(DOTS)
        if isinstance(part, Iterator):
            raise Wrong(
                f"{name} gives a {type(part).__name__}, not its values: give np.array(list(...)) of it."
            )
        if isinstance(part, np.matrix):
            raise Wrong(f"{name} gives an np.matrix, whose * and ** mean other things; give an np.ndarray.")
        if isinstance(part, torch.Tensor) and part.device.type != "cpu":
            raise Wrong(f"{name} gives a tensor on the device {part.device}; stay on the cpu.")


def steps(function: Any) -> list | None:
    """Return what a function does, step by step without lines' numbers; None for what is not written in Python."""
    code = function if isinstance(function, CodeType) else getattr(function, "__code__", None)
    return code and [
        (step.opname, steps(step.argval) if isinstance(step.argval, CodeType) else step.argval)
        for step in dis.get_instructions(code)
    ]


def exception(error: BaseException) -> str:
    """Return an exception's type and the first line of what it says."""
    return f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0].rstrip(".")


def _copy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()  # through which gradients find back
    return value if isinstance(value, np.random.Generator) else copy.deepcopy(value)


def _plain(value: Any) -> np.ndarray:
    return value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _argument(function: Callable, i: int) -> str:
    code = getattr(function, "__code__", None)
    return f" `{code.co_varnames[i]}`" if code and i < code.co_argcount else ""


def _has_no_body(function: Callable) -> bool:
    # what is left of `...`, `pass` or a docstring once compiled
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    code = getattr(function, "__code__", None)
    return code is not None and all(step.opname in nothing for step in dis.get_instructions(code))


def _raised_by_hand(error: BaseException) -> bool:
    # torch, too, raises NotImplementedError, for example from the mean of bytes; a stub has a `raise`
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    return last.f_code.co_code[last.f_lasti] == dis.opmap["RAISE_VARARGS"]


def _place(error: BaseException, function: Callable) -> str:
    """The line where an exception left the file or cell of the student's function."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename == file]
    if not steps:  # it was called with arguments it does not take, and never began
        return ""
    return f" at line {steps[-1].lineno}{f', `{steps[-1].line}`,' if steps[-1].line else ''}"
