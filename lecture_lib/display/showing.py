"""A figure in a notebook: a small file, with an alternative text; or drawn anew for the values of controls."""

import base64
import html
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import ipywidgets
import numpy as np
from IPython import display as ipython
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lecture_lib.display.style import drawable

JPEG_QUALITY = 75  # a notebook stays under 1.5 MB
MANY_COLOURS = 5000  # in a seventh of the pixels; more than that are pictures


def compress(figure: Figure) -> tuple[bytes, str]:
    """Render to a small file: PNG of 256 colours or, for pictures, JPEG; returns the bytes and "png" or "jpeg"."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    sample = pixels.reshape(-1, 3)[::7].astype(np.uint32)
    colours = np.unique(sample @ np.array([1 << 16, 1 << 8, 1], np.uint32)).size
    buffer, picture = io.BytesIO(), Image.fromarray(pixels)
    if colours > MANY_COLOURS:
        picture.save(buffer, "jpeg", quality=JPEG_QUALITY, optimize=True)
        return buffer.getvalue(), "jpeg"
    picture.quantize(256, dither=Image.Dither.NONE).save(buffer, "png")
    return buffer.getvalue(), "png"


def show(figure: Figure, alt: str) -> None:
    """Show a figure in a notebook, once, with the text `alt` for those who cannot see it."""
    data = bundle(figure, alt)
    if "matplotlib.pyplot" in sys.modules:  # a figure of pyplot's would be shown again at the end of the cell
        sys.modules["matplotlib.pyplot"].close(figure)
    ipython.display(data, raw=True)


def bundle(figure: Figure, alt: str) -> dict[str, str]:
    """What Jupyter shows of a figure, by MIME type; ValueError if `alt` is empty.

    An HTML element, since JupyterLab and nbconvert give no alternative text to a picture that is sent as one.
    """
    if not alt.strip():
        raise ValueError("A figure needs an alternative text: say in a sentence what it shows.")
    alt, (drawn, kind) = drawable(alt), compress(figure)
    source = f"data:image/{kind};base64,{base64.b64encode(drawn).decode()}"
    return {"text/html": f'<img alt="{html.escape(alt)}" src="{source}">', "text/plain": alt}


# A widget needs a running kernel, and what is saved of it is a name. So a picture goes with it, as an output of its own
# that is hidden while the widget beside it is alive; without one, the picture is there and the dead widget is hidden.
# The script leaves arrow keys to the controls: JupyterLab would move to another cell.
STILL = """<style>
.jp-OutputArea-child:has(.still):has(+ .jp-OutputArea-child .moving),
.jp-OutputArea-child:has(.still) + .jp-OutputArea-child:not(:has(.moving)) { display: none; }
</style><script>{
const here = document.currentScript;
setTimeout(() => here?.closest(".jp-OutputArea")?.addEventListener("focusin", (event) => {
    event.target.dataset.lmSuppressShortcuts = "true";
}));
}</script><div class="still"><p>Run this cell to move it.</p>%s</div>"""


class Explorer(ipywidgets.VBox):
    """A figure that is drawn anew for the values of controls, and its picture for when no kernel runs."""

    def __init__(self, draw: Callable[..., tuple[Figure, str]], *rows: Mapping[str, ipywidgets.Widget]):
        """Put rows of controls above the figure they ask for.

        draw  takes the values of all controls by name; returns a figure and its alternative text
        rows  name of an argument of `draw` -> its control; those of a row stand side by side

        A figure is kept: to go back to it takes no time.
        """

        @cache
        def drawn(**values: Any) -> dict[str, str]:
            return bundle(*draw(**values))

        controls = {name: control for row in rows for name, control in row.items()}
        self.first = drawn(**{name: control.value for name, control in controls.items()})
        view = ipywidgets.interactive_output(
            lambda **values: ipython.display(drawn(**values), raw=True), controls
        )
        super().__init__([*(ipywidgets.HBox(list(row.values())) for row in rows), view])
        self.add_class("moving")

    def _ipython_display_(self) -> None:
        still = {"text/html": STILL % self.first["text/html"], "text/plain": self.first["text/plain"]}
        ipython.display(still, raw=True)
        ipython.display(self._repr_mimebundle_(), raw=True)


def choice(name: str, options: Sequence, value: Any = None) -> ipywidgets.Dropdown:
    """Make a control that takes one of some values; at first `value`, or else the first of them.

    options  values, or pairs of a text and a value

    A list and no slider: those of ipywidgets have neither a name nor a value that can be read aloud.
    """
    first = {} if value is None else {"value": value}
    look = {"layout": {"width": "auto"}, "style": {"description_width": "initial"}}
    return ipywidgets.Dropdown(options=options, description=name, **look, **first)
