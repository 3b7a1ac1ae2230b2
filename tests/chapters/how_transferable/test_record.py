"""The recorded run: which nets, with what in common; what is kept, and what a killed run does not do again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from lecture_lib import datasets, results, settings
from lecture_lib.backbones import Backbone, twin_nets
from lecture_lib.chapters.how_transferable import (
    experiment,
    halves,
    kinship,
    measure,
    nets,
    photographs,
    record,
)
from lecture_lib.chapters.how_transferable.nets import build, layers
from lecture_lib.chapters.how_transferable.record import KINDS, Plan
from lecture_lib.datasets import DatasetNotFound
from lecture_lib.datasets.protocols import few_shot_split
from lecture_lib.training import sgd


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path, made_up, made_up_test):
    """Small pictures, short trainings, folders of its own."""
    recipe = replace(experiment.RECIPE, epochs=2, batch=16, lr=0.05)
    monkeypatch.setattr(record, "RECIPE", recipe)
    monkeypatch.setattr(photographs, "PHOTOGRAPHS", recipe)
    monkeypatch.setattr(record, "SPLITS", 2)
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "data")
    monkeypatch.setattr(twin_nets, "FOLDER", tmp_path / "data" / "weights")
    monkeypatch.setattr(halves, "source", lambda: (made_up, made_up_test))


FEW = [
    Plan("random", 0, {"B": {kind: range(5, 7) for kind in KINDS}, "A": {}}),
    Plan("dissimilar", 0, {"B": {"AnB": range(7, 8)}, "A": {}}),
]


def trainings(monkeypatch):
    """Gather the nets that are trained, by label, one entry an epoch."""
    seen, train, epoch = [], sgd.train, sgd._train_epoch
    labels = []
    monkeypatch.setattr(
        sgd, "train", lambda *given, **how: labels.append(how["label"]) or train(*given, **how)
    )
    monkeypatch.setattr(sgd, "_train_epoch", lambda *given: seen.append(labels[-1]) or epoch(*given))
    return seen


def everything(plans):
    train, test = halves.source()
    return [
        line for plan in plans for line, _ in record.run(plan, record.pair_of_tasks(plan, train, test, 0), 0)
    ]


def test_the_whole_plan_is_what_the_record_says_it_is():
    found = pd.DataFrame(
        [(p.halves, p.split, target, kind, n) for p in record.plans()
         for target, kinds in p.kinds.items() for kind, cuts in kinds.items() for n in cuts],
        columns=["halves", "split", "target", "kind", "n"],
    )  # fmt: skip
    counts = found.groupby(["halves", "split", "target"]).size()
    assert counts.to_dict() == {
        ("random", 0, "B"): 35, ("random", 0, "A"): 6, ("random", 1, "A"): 6, ("random", 1, "B"): 6,
        ("dissimilar", 0, "A"): 14, ("dissimilar", 0, "B"): 14,
    }  # fmt: skip


def test_nets_of_a_pair_differ_in_their_donor_only(monkeypatch):
    starts = {}

    def learn(net, frozen, task, recipe, label):
        starts[label] = (
            [[t.clone() for t in layer.state_dict().values()] for layer in layers(net)],
            recipe,
            frozen,
        )

    monkeypatch.setattr(record, "learn", learn)
    monkeypatch.setattr(record, "accuracy", lambda net, task: np.zeros(len(task.classes)))
    everything(FEW[:1])

    def shared(one, other):
        pairs = zip(starts[one][0], starts[other][0], strict=True)
        return [all(torch.equal(a, b) for a, b in zip(*pair, strict=True)) for pair in pairs]

    a, b, random, plus = (f"{kind} 5, target B" for kind in ("AnB", "BnB", "random layers", "AnB+"))
    assert shared(a, b) == [False] * 5 + [True] * 3
    assert shared(a, random) == [False] * 5 + [True] * 3
    assert shared(a, plus) == [True] * 8
    assert shared(b, "base B")[5:] == [False] * 3  # above a cut they do not start where base B started
    assert len({starts[label][1] for label in (a, b, random, plus)}) == 1
    assert [starts[label][2] for label in (a, b, random, plus, "base B")] == [5, 5, 5, 0, 0]


def test_a_killed_recording_resumes_at_the_net_it_was_at(monkeypatch):
    whole = measure.table(everything(FEW))
    settings.use(cache=settings.current().cache.with_name("other"), quiet=True)
    seen = trainings(monkeypatch)
    epoch = sgd._train_epoch

    def killed(*given):
        if len(seen) == 9:  # the second epoch of the fifth net
            raise KeyboardInterrupt
        return epoch(*given)

    monkeypatch.setattr(sgd, "_train_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        everything(FEW)
    before = list(seen)
    monkeypatch.setattr(sgd, "_train_epoch", epoch)
    again = measure.table(everything(FEW))
    assert len(seen) == 2 * 15  # two base nets and ten others, two base nets and one other: every epoch once
    assert seen[9] == before[-1]
    pd.testing.assert_frame_equal(again, whole)


def test_the_twins_run_from_end_to_end(monkeypatch, capsys):
    monkeypatch.setattr(record, "RECIPE", replace(record.RECIPE, epochs=1))
    settings.use("demo", quiet=True)
    record.main()
    rows = results.read("how_transferable", "demo")
    nets_ = rows[rows.metric == "mean class accuracy"]
    assert len(nets_) == 6 + 35 + 3 * 6 + 2 * 14
    assert set(rows[rows.metric == "points"].experiment) == {
        "random halves, one target", "random halves, all targets", "dissimilar halves",
    }  # fmt: skip
    points = rows[rows.metric == "points"].pivot_table("value", ["experiment", "cut"], "method")
    np.testing.assert_allclose(points["T"], points.C + points.S, atol=1e-9)
    assert rows.query("experiment == 'random halves, all targets'").cut.min() == 5
    assert {claim.id for claim in results.claims_of("how_transferable", "demo")} >= {"transfer/dissimilar"}
    assert "87 of 87: dissimilar 0 A AnB 7" in capsys.readouterr().out
    # what the notebook glues is what the record chopped
    a, classes = nets.load_base("A")
    train, test = halves.source()
    task = record.pair_of_tasks(record.plans()[0], train, test, 0)["A"]
    assert [train.classes[c] for c in task.classes] == list(classes)
    line = nets_.query("experiment == 'nets, random' and split == 0 and target == 'A' and method == 'base'")
    assert experiment.accuracy(a, task).mean() == pytest.approx(line.value.item())


def test_without_a_source_of_photographs_a_published_network_is_chopped(monkeypatch, made_up):
    def missing():
        raise DatasetNotFound("ilsvrc2012: not here.")

    def protocol(images, seed):
        rows = np.arange(len(images))
        return rows[rows % 3 > 0], rows[rows % 3 == 0]

    pictures = replace(made_up, name="caltech101", source="real", protocol=protocol)
    monkeypatch.setattr(halves, "source", missing)
    monkeypatch.setattr(datasets, "load_available", lambda name: {name: pictures})
    monkeypatch.setattr(photographs.backbones, "load", lambda *_: tiny)
    tiny = Backbone("tiny", build(8, 0), 70, 64, (0.5,) * 3, (0.25,) * 3, ("a",) * 8, "none", {})
    monkeypatch.setattr(photographs, "SIDE", 64)
    settings.use("real", quiet=True)
    record.main()
    rows = results.read("how_transferable", "real")
    counts = rows.groupby(["target", "method"]).size()
    assert counts.to_dict() == {(target, kind): 7 for target in "AB" for kind in photographs.KINDS}
    assert [claim.source for claim in results.claims_of("how_transferable", "real")] == ["real"]


@pytest.mark.real
def test_a_few_photographs_of_caltech_run_from_end_to_end(monkeypatch):
    monkeypatch.setattr(photographs, "PHOTOGRAPHS", replace(photographs.PHOTOGRAPHS, epochs=1))
    monkeypatch.setattr(settings, "PACKAGE_DATA", settings.REPOSITORY / "data")  # to read; nothing is written
    settings.use("real", quiet=True)
    images = datasets.load("caltech101")
    chosen = [0, 30, 60, 90]
    part = images[np.isin(images.labels, chosen)]
    labels = np.searchsorted(chosen, part.labels)
    few = replace(part, labels=labels, classes=part.classes[:4], groups=())
    few = replace(few, protocol=lambda of, seed: few_shot_split(of.labels, 6, 4, seed))
    accuracies = measure.table(photographs.run(few, 0))
    assert accuracies.shape == (4, 2 * 9)
    assert accuracies.notna().to_numpy().all()


# what two nets have in common


def test_kernels_in_another_order_are_found_again_and_paired_one_to_one():
    torch.manual_seed(0)
    a = torch.randn(6, 3, 5, 5)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    b = 7 * a[order] + 2  # brighter and stronger: the same pattern
    other, correlation = kinship.match_kernels(a, b)
    assert order[other].tolist() == list(range(6))
    np.testing.assert_allclose(correlation, 1, atol=1e-6)
    other, correlation = kinship.match_kernels(a, -a)
    assert sorted(other) == list(range(6))
    assert (correlation < 0.9).all()
    assert np.isfinite(kinship.match_kernels(a, torch.ones_like(a))[1]).all()


def test_layers_that_are_copied_say_the_same():
    a, b = build(4, 1).eval(), build(4, 2).eval()
    seen = torch.randn(20, 3, 64, 64)
    cka = kinship.alignment(a, nets.glue(a, 3, b), seen)
    np.testing.assert_allclose(cka[:3], 1, atol=1e-6)
    assert len(cka) == 7
    assert max(cka[3:]) < 0.999
