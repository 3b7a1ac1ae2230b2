"""Fine-tuning: networks for another task, the losses and the training that make them."""

from lecture_lib.finetuning.head import with_head
from lecture_lib.finetuning.losses import softmax, tune_cls, tune_rnk
from lecture_lib.finetuning.movement import linear_cka, relative_change
from lecture_lib.finetuning.pictures import CENTRE, Pictures, phi, prepare, score, to_scores
from lecture_lib.finetuning.slim import slim
from lecture_lib.finetuning.training import Diverged, Recipe, Tuned, fine_tune

__all__ = [
    "CENTRE",
    "Diverged",
    "Pictures",
    "Recipe",
    "Tuned",
    "fine_tune",
    "linear_cka",
    "phi",
    "prepare",
    "relative_change",
    "score",
    "slim",
    "softmax",
    "to_scores",
    "tune_cls",
    "tune_rnk",
    "with_head",
]
