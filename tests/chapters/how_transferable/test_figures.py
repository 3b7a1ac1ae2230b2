"""Figures of how_transferable and the widget: bars, lines and kernels are those that were given, the paper's beside."""

import numpy as np
import pandas as pd
import pytest
import torch
from looking import check_figures, controls, pixels_of, texts

from lecture_lib.chapters.how_transferable import figures, widget
from lecture_lib.display import style
from lecture_lib.results import papers

CUTS = range(1, 8)


def ours():
    """A row a kind of net; the base net at 0."""
    table = pd.DataFrame(
        index=["BnB", "AnB", "random layers", "AnB+", "base"], columns=[0, *CUTS], dtype=float
    )
    for k, method in enumerate(table.index[:-1]):
        table.loc[method, CUTS] = 50 - 5 * k - np.arange(7)
    table.loc["base", 0] = 52
    return table


def parts():
    C, S = np.array([0.5, -1, -2, -3, 1, 0, 0]), np.array([1.0, 0, -1, -2, -3, -4, -8])
    return pd.DataFrame({"C": C, "S": S, "T": C + S, "T low": C + S - 1, "T high": C + S + 2}, index=CUTS)


def groups():
    unlike = parts()[["T", "T low", "T high"]] - 5
    return {"random halves": parts()[["T", "T low", "T high"]], "dissimilar halves": unlike}


def bank(n=14):
    torch.manual_seed(0)
    return torch.randn(n, 3, 7, 7)


def named(axes):
    return {
        line.get_label(): line.get_xydata() for line in axes.lines if not line.get_label().startswith("_")
    }


def test_every_figure_has_its_title_and_a_white_ground_and_leaves_the_users_style_alone():
    cka = pd.DataFrame({"A and B": np.linspace(1, 0.3, 7)}, index=CUTS)
    check_figures(
        [
            figures.curves(ours(), (1, 0.5), (2, 0.2), title="title"),
            figures.decomposition(parts(), title="title"),
            figures.similarity(groups(), title="title"),
            figures.prediction([50] * 7, base=60, title="title"),
            figures.prediction([50] * 7, ours().loc["AnB", 1:], base=60, title="title"),
            figures.alignments(cka, title="title"),
            figures.kernels(bank(), 2 * bank().flip(0), title="title"),
            figures.kernels(bank(3), torch.zeros(3, 3, 7, 7), title="title"),
        ]
    )


def test_each_kind_has_its_line_beside_the_papers():
    left, right = figures.curves(ours(), (1, 0.5), (2, 0.2)).axes
    lines, paper = named(left), named(right)
    assert lines["AnB"].tolist() == [[n, 46.0 - n] for n in CUTS]
    assert set(lines["base B"][:, 1]) == {52}
    assert set(lines["by chance"][:, 1]) == {2}
    np.testing.assert_allclose(paper["BnB"][:, 1], papers.table("yosinski/accuracy").loc["BnB"].iloc[1:])
    assert paper["random layers"].tolist() == [[1, 49.1], [2, 40.2]]  # the others are not numbers there
    for method in ("BnB", "AnB", "AnB+"):
        assert {
            line.get_color() for axes in (left, right) for line in axes.lines if line.get_label() == method
        } == {style.of(method)[method].colour}


def test_plus_nets_of_the_paper_are_set_on_the_base_of_all():
    gain = papers.table("yosinski/decomposition").loc["AnB+", "5"]
    assert figures.theirs().loc["AnB+", 5] == pytest.approx(62.51 + gain)


def tops(axes):
    """What bars reach from 0 at each n: gains together, losses together."""
    found = {n: [0.0, 0.0] for n in CUTS}
    for bar in axes.patches:
        n = round(bar.get_x() + bar.get_width() / 2)
        found[n][int(bar.get_height() < 0)] += bar.get_height()
    return found


def test_bars_of_both_losses_stand_upon_each_other_and_gains_stand_above_0():
    left, right = figures.decomposition(parts()).axes
    for n, (C, S) in parts()[["C", "S"]].iterrows():
        assert tops(left)[n] == pytest.approx([max(C, 0) + max(S, 0), min(C, 0) + min(S, 0)])
    edges = sorted((bar.get_y() + bar.get_height(), bar.get_y()) for bar in left.patches if bar.get_height() < -1e-9
                   and round(bar.get_x() + bar.get_width() / 2) == 4)  # fmt: skip
    assert edges == [(-5, -3), (-3, 0)]
    (dots,) = [line for line in left.lines if line.get_marker() == "D"]
    assert dots.get_xydata().tolist() == [[n, T] for n, T in parts()["T"].items()]
    theirs = papers.table("yosinski/decomposition")
    assert tops(right)[7][1] == pytest.approx(theirs.loc["S", "7"] + theirs.loc["C", "7"])


def test_dissimilar_halves_stand_beside_random_ones_in_both_panels():
    left, right = figures.similarity(groups()).axes
    assert named(left)["dissimilar halves"][:, 1].tolist() == (parts()["T"] - 5).tolist()
    assert named(right)["dissimilar halves"][6].tolist() == [7, pytest.approx(-(24.5 + 25.7) / 2)]
    assert named(right)["random halves"][6].tolist() == [7, pytest.approx(-8.26)]


def test_kernels_are_shown_with_their_partners_the_likest_first():
    a = bank()
    order = torch.randperm(14)
    figure = figures.kernels(a, a[order])
    assert texts(figure).count("1.00") == figures.SHOWN
    pixels = pixels_of(figure)
    rows = np.flatnonzero((pixels != 255).any(2).sum(1) > 400)
    (gap,) = np.flatnonzero(np.diff(rows) > 1)
    upper, lower = pixels[rows[: gap + 1]], pixels[rows[gap + 1 : gap + 1 + gap + 1]]
    assert (upper[:, figures.LEFT :] == lower[:, figures.LEFT :]).mean() > 0.99


def test_a_guess_is_drawn_before_what_came_out_is_seen():
    real = ours().loc["AnB", 1:]
    hidden, shown = (figures.prediction(range(40, 47), of, base=52).axes[0] for of in (None, real))
    assert named(hidden)["your guess"][:, 1].tolist() == list(range(40, 47))
    assert set(named(shown)) - set(named(hidden)) == {"AnB"}
    assert named(shown)["AnB"][:, 1].tolist() == real.tolist()


def test_what_is_lost_moves_a_point_and_the_last_control_uncovers_the_curve(displayed):
    *points, shown = controls(widget.guess(ours().loc["AnB", 1:], 52))
    assert len(points) == 7
    points[2].value = 20
    assert "52, 52, 32, 52" in displayed[-1]["text/plain"]
    assert "came out" not in displayed[-1]["text/plain"]
    shown.value = True
    assert "came out" in displayed[-1]["text/plain"]
