"""A target task: pictures to train on and to test with, and what is done with them in every row of a table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from lecture_lib import backbones
from lecture_lib.backbones import Backbone, twin_nets
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders import TEN_CROPS, WHOLE, View, summed
from lecture_lib.linear import classify, kernel
from lecture_lib.metrics import by_class
from lecture_lib.training import Pictures, Recipe, Tuned, fine_tune, phi, with_head
from lecture_lib.training.sgd import Loss


@dataclass(frozen=True, eq=False)
class Task:
    """A split of a collection, its pictures as a network is trained on them.

    train, test  int64 [n] and [m], indices of pictures
    bfloat16     whether trainings compute in it, where the device is faster so
    """

    images: ImageCollection
    pictures: Pictures
    train: np.ndarray
    test: np.ndarray
    bfloat16: bool = False

    def about(self, experiment: str, **more: object) -> dict:
        """Return the columns of a record that tell what it is about."""
        return {"experiment": experiment, "dataset": self.images.name, "source": self.images.source} | more

    @property
    def metric(self) -> str:
        """The collection's measure."""
        return "mAP" if self.images.multi_label else "mean class accuracy"

    @property
    def shared(self) -> np.ndarray:
        """The classes that count, bool [C]: those with a positive in both parts."""
        labels = self.images.labels
        if not self.images.multi_label:
            return np.ones(len(self.images.classes), bool)
        return (labels[self.train] == 1).any(0) & (labels[self.test] == 1).any(0)

    @property
    def classes(self) -> list[str]:
        """The names of the classes that count."""
        return [name for name, counts in zip(self.images.classes, self.shared, strict=True) if counts]

    def phi(self, net: Backbone, rows: np.ndarray, views: Sequence[View] | None = None) -> np.ndarray:
        """Encode pictures in the views of a test: float32 [n, V, d].

        Ten crops (scheme C of Chatfield et al. 2014), or, where a picture shows one object, the picture.
        """
        views = views or (TEN_CROPS if self.images.multi_label else (WHOLE,))
        return phi(net, self.pictures.take(rows), views)

    def both_parts(self, net: Backbone, views: Sequence[View] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Encode the training and the test pictures by the phi of a network, as it is."""
        net = with_head(net, self.images.classes)
        return self.phi(net, self.train, views), self.phi(net, self.test, views)

    def learn(
        self,
        start: Backbone,
        loss: Loss,
        recipe: Recipe,
        rows: np.ndarray | None = None,
        validation: np.ndarray | None = None,
    ) -> Tuned:
        """Train a network with a new head on random crops of the training pictures, or of some of them.

        validation  pictures that are named after every epoch; the weights of the best are kept. None: the last ones
        """
        rows, recipe = self.train if rows is None else rows, replace(recipe, bfloat16=self.bfloat16)
        head = with_head(start, self.images.classes, recipe.seed)
        head.stages.to(memory_format=torch.channels_last)  # a quarter faster with photographs in bfloat16
        held = None if validation is None else self.pictures.take(validation)
        return fine_tune(head, self.pictures.take(rows), held, loss, recipe, progress=False)

    def svm_scores(self, train: np.ndarray, test: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score test pictures by SVMs that learn from training pictures, vectors summed over views: float32 [m, C].

        C is chosen by threefold validation among the training pictures.
        """
        labels = self.images.labels[self.train if rows is None else rows]
        return classify(kernel(summed(train), summed(test)), labels)[0]

    def by_class(self, scores: np.ndarray) -> np.ndarray:
        """Return AP, or the share of right answers, of each class that counts, in %: scores [m, C] to float64 [c]."""
        truth = self.images.labels[self.test]
        if self.images.multi_label:
            scores, truth = scores[:, self.shared], truth[:, self.shared]
        return by_class(scores, truth)

    def auc(self, scores: np.ndarray) -> np.ndarray:
        """Return the area under the ROC curve of each class that counts, in %: scores [m, C] to float64 [c]."""
        pairs = zip(self.images.labels[self.test].T[self.shared], scores.T[self.shared], strict=True)
        return 100 * np.array([roc_auc_score(y[y >= 0], s[y >= 0]) for y, s in pairs])


def from_scratch(net: Backbone, seed: int) -> Backbone:
    """Return the network with random weights; one of the twins with the BatchNorm that its pre-training had, too."""
    if net.name not in twin_nets.NETS:
        return backbones.load(net.name, "random", seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages = twin_nets.build(net.name, 1, batchnorm=True).eval().to(net.device)
    return replace(net, stages=stages, weights=f"random seed {seed}")
