"""Training of networks: the loop, its checkpoints, crops of pictures, and new heads."""

from lecture_lib.training.crops import CENTRE, Pictures, phi, prepare, score, to_scores
from lecture_lib.training.head import with_head
from lecture_lib.training.sgd import Diverged, Recipe, Tuned, fine_tune

__all__ = [
    "CENTRE",
    "Diverged",
    "Pictures",
    "Recipe",
    "Tuned",
    "fine_tune",
    "phi",
    "prepare",
    "score",
    "to_scores",
    "with_head",
]
