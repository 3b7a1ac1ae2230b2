"""Names from outside (folders of pictures, datasets, layers) are drawn as they are: nothing in them means anything."""

import html
import os
import random
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from looking import controls
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from lecture_lib import datasets, display, results
from lecture_lib.chapters.decaf_tsne import figures as maps
from lecture_lib.chapters.decaf_tsne.widget import hover_map
from lecture_lib.chapters.fine_tuning.weight_change_figures import rank_changes
from lecture_lib.chapters.linear_probes import figures as probes
from lecture_lib.chapters.linear_probes.widget import class_view, probe_explorer
from lecture_lib.chapters.patch_transfer import figures as patches
from lecture_lib.chapters.patch_transfer.grid import grid
from lecture_lib.chapters.patch_transfer.widget import patch_explorer
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.display import style
from lecture_lib.display.showing import compress

LETTERS = (
    "$", "$$", "$x^2$", "_", "__", "\\", "\\frac{", "\\$", "^", "<b>", "</script>", "&", "&amp;", "*", "**", "#", "`",
    "%s", "{x}", "|", "'", '"', "~", "x" * 300, "\udce9", "\udcff", "\ud800", "é", "e\u0301", "ß", "ﷺ", "שלום", "مرحبا",
    "\u202e", "\u200d", "😀", "👩\u200d🔬", "汉字", "한국", "\n", "\r\n", "\t", "\x1b[31m", "\u2028", " ", ",", ", ",
    "cat", "5",
)  # fmt: skip
chance = random.Random(0)
NAMES = ["", *LETTERS]
while len(set(NAMES)) < 100:
    NAMES.append("".join(chance.choices(LETTERS, k=chance.randint(2, 4))))
NAMES = list(dict.fromkeys(NAMES))
FEW = [*NAMES[1:17], *NAMES[20:29]]  # as many as are named beside a confusion matrix


def collection(names, *, several=False, groups=()):
    """Two pictures of each class; or one each, that shows two, with boxes."""
    n, c = len(names) * 2, len(names)
    pictures = np.random.default_rng(0).integers(0, 255, (n, 3, 60, 80), dtype=np.uint8)
    labels = np.arange(n) % c
    boxes = None
    if several:
        boxes = [Boxes([[5, 5, 50, 40]], [label], [False], [False]) for label in labels]
        labels = np.eye(c, dtype=np.int8)[labels]
    return ImageCollection("$_<b>\udce9", "real", ArrayImages(pictures), names, labels, groups, boxes=boxes)


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def texts(figure: Figure) -> list[str]:
    """All that a figure says, once it is drawn, which must not fail."""
    compress(figure)
    written = figure.findobj(Text)
    assert not any(text.get_parse_math() for text in written)
    return [text.get_text() for text in written]


def assert_named(figure, names):
    written = texts(figure)
    for name in map(style.short, names):
        cut = any(len(t) > 1 and t.endswith("…") and name.startswith(t[:-1]) for t in written)
        assert cut or any(name in t for t in written), name


@pytest.mark.parametrize("draw", [
    lambda xy, who: maps.scatter_grid({"a": xy}, who),
    lambda xy, who: maps.scatter_grid({"$a$": xy[:45], "_b": xy[:45]}, who[:45]),
    lambda xy, who: maps.scatter_new(xy[:45], who[:45], xy[45:90], who[45:90]),
])  # fmt: skip
def test_maps_name_all_groups_within_the_figure(draw):
    figure = draw(np.random.default_rng(0).normal(size=(len(NAMES), 2)), NAMES)
    assert_named(figure, NAMES[:45])
    edge = figure.bbox.padded(1)
    for text in figure.legends[0].get_texts():
        box = text.get_window_extent()
        assert edge.x0 <= box.x0 and box.x1 <= edge.x1 and edge.y0 <= box.y0 and box.y1 <= edge.y1  # noqa: PT018


def test_groups_whose_names_begin_alike_have_marks_of_their_own():
    assert len(set(style.looks(["cat", "cat, big", "cat, small", "bird", "bird, of prey"]).values())) == 5


def test_a_legend_that_cannot_name_all_says_how_many_it_leaves_out():
    figure = style.new_figure(9, 6, layout="constrained")
    style.add_legend(figure, [f"class {i}" for i in range(style.MOST_NAMES + 247)])
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(shown) == style.MOST_NAMES + 1
    assert "247" in shown[-1]


def test_names_of_classes_are_drawn_as_they_are_in_pages_of_pictures(monkeypatch):
    images = collection(NAMES)
    assert_named(display.contact_sheet(images, size=60), [name for name in images.classes if name])
    right = np.zeros(len(images), bool)
    order = np.arange(len(images))
    assert_named(probes.ranked(images, {"$_": probes.Ranking(order, order, right)}), images.classes)
    few = collection(FEW)
    train, test = np.arange(len(FEW)), np.arange(len(FEW), 2 * len(FEW))
    called = (few.labels[test] + 1) % len(FEW)
    monkeypatch.setattr(probes, "PAIRS", len(FEW))
    assert_named(probes.confusions(few, train, test, called, title="x" * 3000), few.classes)
    display.neighbours_grid(few, [0, 1], {"$$": np.ones((2, 3), int)}).draw_without_rendering()


def test_names_of_classes_are_drawn_as_they_are_beside_their_numbers():
    n, values = len(FEW), np.arange(2.0 * len(FEW)).reshape(-1, 2)
    assert_named(probes.confusion(np.eye(n), FEW), FEW)
    table = pd.DataFrame(values, FEW, ["_a", "$b$"])
    assert_named(display.class_dumbbells(table, xlabel="%"), [*FEW, "_a", "$b$"])
    assert_named(patches.pointing_bars(table, dict.fromkeys(FEW, 3)), [*FEW, "_a", "$b$"])
    through = {"$fc8": torch.arange(float(n))[None]}
    unit = maps.activations(torch.zeros(3, 30, 50, dtype=torch.uint8), through, classes=FEW)
    assert_named(unit, ["$fc8", *FEW[-3:]])


def test_names_of_datasets_and_layers_are_drawn_as_they_are_beside_their_lines():
    for some in (NAMES[1:11], NAMES[11:21], NAMES[29:41]):
        table = pd.DataFrame({"method": some, "n": 10, "value": range(len(some)), "spread": 1.0})
        assert_named(display.learning_curves(table, ylabel="$%"), some)
    lines = pd.DataFrame({"layer": FEW[:5], "dataset": NAMES[1:6], "value": 0.5, "low": 0.4, "high": 0.6})
    assert_named(maps.purity_plot(lines, ylabel="purity"), [*FEW[:5], *NAMES[1:6]])
    trades = pd.DataFrame(
        {"name": FEW[:9], "family": FEW[:9], "x": 2.0 ** np.arange(9), "value": np.arange(9.0)}
    )
    assert_named(display.tradeoff(trades, xlabel="ms", ylabel="%"), FEW[:9])


def test_a_confusion_matrix_says_how_many_classes_it_does_not_name():
    assert any("100 classes" in text for text in texts(probes.confusion(np.eye(100), NAMES[:100])))


def test_patches_name_their_classes_as_they_are():
    images = collection(FEW, several=True)
    lattice = grid(60, 80)
    for i in range(4):
        labels = np.full(len(lattice), i)
        assert_named(
            patches.labelled_patches(images.tensor(i), images.boxes[i], images.classes, lattice, labels),
            [FEW[i]],
        )
        assert_named(rank_changes(images, i, np.eye(50), np.eye(50)[::-1]), [FEW[i]])


def test_a_contact_sheet_says_how_many_classes_have_no_picture():
    images = collection([f"class {i}" for i in range(9)])
    written = texts(display.contact_sheet(images[images.labels < 6], title="six of nine"))
    assert any("3 classes" in text and "class 6" in text for text in written)
    assert not any("no picture" in text for text in texts(display.contact_sheet(images)))


# ------------------------------------------------------------------------------------------------- widgets and HTML


def controls_of(box):
    return {control.description: control for control in controls(box)}


def test_controls_of_widgets_list_names_as_they_are(displayed):
    images = collection(FEW)
    scores = np.random.default_rng(0).random((len(images), len(FEW)))
    box = controls_of(probe_explorer(images, {"$fc6_": {1.0: scores}}))
    assert [name for name, _ in box["class"].options] == list(images.classes)
    assert box["layer"].options == ("$fc6_",)
    for c in range(5):
        assert_named(class_view(images, scores, c), [images.classes[c]])
    shown = collection(FEW, several=True)
    lattice = grid(60, 80)
    y = [np.random.default_rng(i).random((len(lattice), len(FEW))) for i in range(len(shown))]
    box = controls_of(patch_explorer(shown, [lattice] * len(shown), y))
    assert [name for name, _ in box["class"].options] == [style.short(name) for name in shown.classes]


def test_the_map_under_the_mouse_escapes_names():
    images = collection(NAMES)
    page = hover_map(np.random.default_rng(0).normal(size=(len(images), 2)), images, n=1000).data
    page.encode()  # Jupyter sends UTF-8
    found = [html.unescape(name) for name in re.findall('data-name="([^"]*)"', page)]
    assert found == [images.classes[c] for c in images.labels]
    assert "<b>" not in page
    assert "script>" not in page


def test_tables_hold_no_formulas_and_no_tags():
    table = pd.DataFrame({"value": 1}, index=["$5 and $10", "<b>"])._repr_html_()
    assert "tex2jax_ignore" in table or "mathjax_ignore" in table
    assert "<b>" not in table


def test_alternative_texts_can_be_sent(displayed):
    display.show(style.new_figure(2, 1), "A picture of caf\udce9 & <b>$x$</b>")
    (data,) = displayed
    data["text/html"].encode()
    alt = re.search(r'<img alt="([^"]*)"', data["text/html"])[1]
    assert html.unescape(alt) == data["text/plain"]
    assert alt.endswith("&amp; &lt;b&gt;$x$&lt;/b&gt;")


def test_records_of_any_name_are_files_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setattr(results.records.store, "results_folder", lambda: tmp_path)
    rows = [{"class": name, "metric": "AP", "value": 1.0} for name in NAMES]
    for name in ("../up", "a/b\\c", "caf\udce9 $5", "x" * 500, "<|>:*?\n"):
        results.save(name, rows)
    assert len(list(tmp_path.glob("*.csv"))) == len(list(tmp_path.glob("*.json"))) == 5
    for file in tmp_path.iterdir():
        assert not set(file.name) & set('<>:"/\\|?*\n')
        file.read_bytes().decode()


# ------------------------------------------------------------------------------------------------------ collections


def test_names_of_a_collection_are_one_printable_line_each_and_stay_different():
    images = collection([*NAMES, "caf\udce9", "caf\udce8"], groups=["\ud800\n"] * (len(NAMES) + 2))
    for name in (images.name, *images.classes, *images.groups, repr(images)):
        assert len(f"{name}x".encode().decode().splitlines()) == 1
    assert len(set(images.classes)) == len(NAMES) + 2
    plain = [name for name in NAMES if name.isprintable()]
    assert set(plain) <= set(images.classes)
    assert images[:3].classes == images.classes


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_folders_of_any_name_are_loaded_and_drawn(tmp_path, capsys):
    names = [
        name
        for name in NAMES
        if name.strip(". ") and 0 < len(os.fsencode(repr(name))) < 200 and "/" not in name
    ]
    root = tmp_path / os.fsdecode(b"$_\xe9")
    made = []
    for name in names:
        try:
            (root / name).mkdir(parents=True)
        except (OSError, UnicodeError):  # a file system that is stricter than Linux's
            continue
        Image.new("RGB", (70, 70)).save(root / name / "1.png")
        made.append(name)
    (root / "loose.txt").write_text("no picture")
    images = datasets.folder(root)
    capsys.readouterr().out.encode()
    assert len(images) == len(images.classes) == len(made) > 50
    assert_named(display.contact_sheet(images, size=30, title=images.name), images.classes)
