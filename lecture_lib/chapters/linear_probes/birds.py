"""Birds to look at: the twin of CUB-200-2011 has 2,160 large drawings, of which a contact sheet needs one a species."""

from lecture_lib import datasets, settings
from lecture_lib.datasets import Boxes, ImageCollection, twin
from lecture_lib.twins import species


def some_birds(per_class: int = 1) -> ImageCollection | None:
    """Load CUB-200-2011 where it is; of its twin, draw the first pictures of each species only.

    They are the same pictures as in datasets.load("cub200"), which draws all of them. None where no photograph is.
    """
    if settings.current().profile == "real":
        return datasets.load_available("cub200").get("cub200")
    labels, images, corners, _ = twin.labelled(
        "cub200", species.CLASSES, per_class, species.draw, ("boxes", "points"), twin.CUB_SIZE
    )
    boxes = [Boxes([box], [c], [False], [False]) for box, c in zip(corners, labels, strict=True)]
    return ImageCollection("cub200", "twin", images, species.CLASSES, labels, species.GROUPS, boxes=boxes)
