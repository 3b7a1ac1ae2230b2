"""The few birds that 02 shows are those of the whole twin, with their boxes."""

import numpy as np

from lecture_lib import settings
from lecture_lib.chapters.linear_probes.birds import some_birds
from lecture_lib.datasets import twin
from lecture_lib.twins import species, world


def test_they_are_the_first_of_each_species_in_the_whole_twin():
    birds = some_birds(per_class=2)
    keys = world.keys(f"cub200/{species.CLASSES[5]}", twin.CUB_PER_CLASS)[:2]
    pictures, boxes, _ = species.draw([species.CLASSES[5]] * 2, keys, twin.CUB_SIZE)
    of_species = np.flatnonzero(birds.labels == 5)
    assert len(birds) == 2 * len(species.CLASSES)
    shown = np.stack([birds.images[i] for i in of_species]).astype(int)
    assert np.abs(shown - pictures).max() <= 1  # rounded, as other rows are drawn beside them
    assert np.allclose([birds.boxes[i].xyxy[0] for i in of_species], boxes)


def test_photographs_that_are_not_there_are_said_to_be_left_out(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path))
    settings.use("real")
    assert some_birds() is None
    assert "left out: cub200" in capsys.readouterr().out
