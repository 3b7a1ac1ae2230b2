"""Training of networks: the loop and its checkpoints, new heads, fine-tuning, crops of pictures."""

from lecture_lib.training.crops import Pictures, phi, prepare, random_crops, score, to_scores
from lecture_lib.training.fine_tuning import Tuned, fine_tune, with_head
from lecture_lib.training.sgd import Diverged, Recipe
