"""What accuracy costs: marks lie where the table says, and names cover nothing."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from lecture_lib.display import showing, tradeoff


def costs(n=14, spread=1.0):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "name": [f"method {i}, K = {2**i}" for i in range(n)],
            "family": [("IFV", "CNN", "visual words")[i % 3] for i in range(n)],
            "x": 10 ** (4 + spread * rng.random(n)),
            "value": 50 + 20 * spread * rng.random(n),
        }
    )


def plot(table, paper=None):
    figure = tradeoff(table, paper, xlabel="numbers a picture", ylabel="mAP, %")
    showing.compress(figure)
    return figure, [line for line in figure.axes[0].lines if line.get_marker() != "None"]


def test_marks_lie_where_the_table_says_and_a_row_without_a_number_is_left_out():
    table = costs()
    table.loc[1, "value"] = np.nan
    _, marks = plot(table)
    table = table.drop(index=1)
    assert [(*m.get_xdata(), *m.get_ydata()) for m in marks] == [*zip(table.x, table.value, strict=True)]
    looks = {family: (m.get_color(), m.get_marker()) for family, m in zip(table.family, marks, strict=True)}
    assert len(set(looks.values())) == 3


@pytest.mark.parametrize("spread", [1.0, 0.4])
def test_names_cover_no_mark_and_no_other_name_and_stay_near_their_own(spread):
    table = costs(spread=spread)
    figure, _ = plot(table)
    axes = figure.axes[0]
    names = {t.get_text(): Text.get_window_extent(t) for t in axes.texts}
    assert set(names) == set(table.name)
    assert not any(one.overlaps(other) for one, other in combinations(names.values(), 2))
    for row in table.itertuples():
        x, y = axes.transData.transform((row.x, row.value))
        assert not any(box.x0 < x < box.x1 and box.y0 < y < box.y1 for box in names.values())
        own = names[row.name]
        assert np.hypot(max(own.x0 - x, x - own.x1, 0), max(own.y0 - y, y - own.y1, 0)) < 90
        assert axes.bbox.x0 <= own.x0 <= own.x1 <= axes.bbox.x1


def test_values_of_the_paper_are_hollow_in_the_colours_of_their_families():
    paper = pd.DataFrame(
        {"name": ["FK", "CNN M"], "family": ["IFV", "CNN"], "x": [83968, 4096], "value": [66, 79.9]}
    )
    _, marks = plot(costs(3), paper)
    ifv, cnn, _, *theirs = marks
    assert [m.get_mfc() for m in theirs] == ["white"] * 2
    assert [m.get_mec() for m in theirs] == [ifv.get_mec(), cnn.get_mec()]
