"""A figure in a notebook: a small file, with an alternative text; or drawn anew for the values of controls."""

import base64
import io
import sys
from collections.abc import Callable, Mapping
from functools import cache

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
    data, metadata = bundle(figure, alt)
    if "matplotlib.pyplot" in sys.modules:  # a figure of pyplot's would be shown again at the end of the cell
        sys.modules["matplotlib.pyplot"].close(figure)
    ipython.display(data, metadata=metadata, raw=True)


def bundle(figure: Figure, alt: str) -> tuple[dict, dict]:
    """What Jupyter shows of a figure, data and metadata by MIME type; ValueError if `alt` is empty."""
    if not alt.strip():
        raise ValueError("A figure needs an alternative text: say in a sentence what it shows.")
    alt, (drawn, kind) = drawable(alt), compress(figure)
    data = {f"image/{kind}": base64.b64encode(drawn).decode(), "text/plain": alt}
    return data, {f"image/{kind}": {"alt": alt}}


def explorer(
    draw: Callable[..., tuple[Figure, str]], *rows: Mapping[str, ipywidgets.Widget]
) -> ipywidgets.VBox:
    """Make a widget of a figure function: rows of controls, and below them the figure they ask for.

    draw  takes the values of all controls by name; returns a figure and its alternative text
    rows  name of an argument of `draw` -> its control; those of a row stand side by side

    A figure is kept: to go back to it takes no time.
    """

    @cache
    def drawn(**values) -> tuple[dict, dict]:
        return bundle(*draw(**values))

    def turn(**values) -> None:
        data, metadata = drawn(**values)
        ipython.display(data, metadata=metadata, raw=True)

    controls = {name: control for row in rows for name, control in row.items()}
    view = ipywidgets.interactive_output(turn, controls)
    return ipywidgets.VBox([*(ipywidgets.HBox(list(row.values())) for row in rows), view])
