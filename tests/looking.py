"""What tests of figures look at: pixels, texts, and pictures that tell their number by their colour."""

import base64
import colorsys
import io
import re

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.display import showing

N = 40  # pictures of a made-up collection


def colour_of(i):
    """A colour of picture i's own, far enough from the others to survive JPEG."""
    return tuple(round(255 * v) for v in colorsys.hsv_to_rgb(i / N, 1, 1 if i % 2 else 0.6))


def coloured(classes, groups=None, images=ArrayImages, **options):
    """N pictures of one colour each, of the classes in turn."""
    array = np.empty((N, 3, 16, 16), np.uint8)
    array[:] = np.array([colour_of(i) for i in range(N)])[:, :, None, None]
    labels = np.arange(N) % len(classes)
    return ImageCollection("made up", "twin", images(array, **options), classes, labels, groups or ())


def render(figure):
    """RGB pixels [H, W, 3] as shown in a notebook."""
    return np.asarray(Image.open(io.BytesIO(showing.compress(figure)[0])).convert("RGB")).astype(int)


def picture_in(output):
    """The picture of an output that a notebook shows, as PIL reads it."""
    return Image.open(
        io.BytesIO(base64.b64decode(re.search(r'src="data:[^,]+,([^"]+)"', output["text/html"])[1]))
    )


def pixels_of(figure):
    """RGB pixels [H, W, 3] as drawn, with all their colours."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def texts(figure):
    """All that is written in a figure, in axes, legends and beside them."""
    found = [t.get_text() for axes in figure.axes for t in axes.texts]
    return found + [t.get_text() for legend in figure.legends for t in legend.get_texts()]


def controls(box):
    """The controls of an explorer, row by row."""
    return [control for row in box.children[:-1] for control in row.children]


def at_places(figure, least=1000):
    """Where each picture is on a page: number -> (x, y) of the middle of its pixels."""
    pixels, found = render(figure), {}
    for i in range(N):
        y, x = np.nonzero(np.abs(pixels - colour_of(i)).max(2) < 9)
        if len(x) > least:
            found[i] = (x.mean(), y.mean())
    return found


def check_figures(figures):
    """Each has the title "title", a white ground also in a dark theme, and leaves the user's own style alone."""
    before = dict(mpl.rcParams)
    for figure in figures:
        pixels = render(figure)
        assert (pixels[-1, -1] > 250).all()
        assert (pixels < 250).any()
        assert max(figure.get_size_inches()) <= 11
        titles = [axes.get_title(loc="left") for axes in figure.axes] + [figure.get_suptitle()]
        assert "title" in texts(figure) + titles
    assert dict(mpl.rcParams) == before
