"""Progress bars: in a notebook a line of text that is gone when all is done, elsewhere tqdm's own.

tqdm's bars for notebooks are widgets: a saved notebook keeps the name of each, and opened again shows an error for it.
"""

import io
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


class _Line(io.TextIOBase):
    """A file that shows the last thing written to it as an output of the running cell; blanks take it away."""

    shown = None

    def write(self, text: str) -> int:
        from IPython.display import display

        line = text.strip()
        data = {"text/plain": line} if line else {}
        if self.shown:
            self.shown.update(data, raw=True)
        elif line:
            self.shown = display(data, raw=True, display_id=True)
        return len(text)


def bar(over: Iterable | None = None, **options: Any) -> tqdm:
    """Make a progress bar of tqdm that leaves nothing behind; options are tqdm's."""
    ipython = sys.modules.get("IPython")
    if ipython and hasattr(ipython.get_ipython(), "kernel"):
        options |= {"file": _Line(), "ascii": False}
    return tqdm(over, leave=False, **options)
