"""The published twin networks: files are those that were trained, and their features carry to unseen classes."""

import hashlib
import json

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from lecture_lib import backbones, encoders, metrics
from lecture_lib.backbones import twin_nets
from lecture_lib.datasets import twin
from lecture_lib.encoders import l2_normalise
from lecture_lib.twins import world

LAYERS = ["pool1", "pool5", "fc6", "fc7"]
each_net = pytest.mark.parametrize("name", twin_nets.NETS)


def log_of(name):
    return json.loads(twin_nets.weights_file(name).with_suffix(".json").read_text())


@each_net
def test_weights_are_the_ones_of_the_log(name):
    log, file = log_of(name), twin_nets.weights_file(name)
    assert log["net"] == name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == log["sha256"]
    assert file.stat().st_size < 16e6
    assert {"command", "seed", "versions", "date", "curve"} <= set(log) | set(log["recipe"])
    assert len(log["curve"]) <= log["recipe"]["epochs"]
    assert max(log["curve"], key=lambda line: line["validation"])["side"] == twin_nets.INPUT_SIZE


@each_net
def test_network_names_the_source_classes_of_the_world(name):
    assert backbones.load(name).classes == tuple(c.name for c in world.SOURCE)


@each_net
def test_network_still_recognises_the_world_as_it_is_drawn_now(name):
    # a change of the drawing code that moves the pictures away from what the weights know shows here
    images = twin.ilsvrc2012("val", per_class=4)
    scores = encoders.encode(backbones.load(name), images, ["fc8"])["fc8"].astype(np.float32)
    for k in (1, 5):
        expected = log_of(name)["published"][f"top{k}"]
        assert 1 - metrics.top_k_error(scores, images.labels, k) == pytest.approx(expected, abs=0.05)


def probe(images, weights: str, layers: list[str], **options) -> dict[str, float]:
    """Mean class accuracy of a linear classifier of the features of each layer."""
    net = backbones.load("twin-alexnet", weights=weights)
    features = encoders.encode(net, images, layers, pool=8)
    train, test = images.split_indices(seed=0, **options)
    found = {}
    for layer, x in features.items():
        x = l2_normalise(x)
        model = RidgeClassifier(alpha=1).fit(x[train], images.labels[train])
        found[layer] = metrics.mean_class_accuracy(model.predict(x[test]), images.labels[test])
    return found


def test_features_serve_classes_that_the_network_never_saw(small_twin):
    trained, random = (
        probe(small_twin("caltech101"), weights, LAYERS, train_per_class=10)
        for weights in ("pretrained", "random")
    )
    best = max(trained[layer] for layer in LAYERS[1:])
    assert best >= 0.80
    assert best - trained["pool1"] >= 0.45
    assert max(random.values()) < 0.25


def test_trained_features_tell_scenes_apart_and_random_ones_far_less(small_twin):
    trained, random = (
        probe(small_twin("mit67"), weights, ["fc6"])["fc6"] for weights in ("pretrained", "random")
    )
    assert trained > 0.5
    assert trained > 2 * random
