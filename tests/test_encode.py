"""Features computed by several processes: the bytes of one process, whatever of the cluster dies on the way."""

import os
import re
import runpy
import sys
import threading
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from lecture_lib import backbones, datasets, encode, encoders, settings
from lecture_lib.encoders import cnn

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install -r requirements.txt")

N, BATCH, BLOCK = 44, 4, 8  # pictures: six blocks, the last a half
LAYERS = ["conv5", "fc6"]
PATIENCE = 60  # seconds, for what should take one


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(N):
        pixels = np.random.default_rng(i).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def alone(pictures, tmp_path_factory):
    """What one process makes of the pictures."""
    with pytest.MonkeyPatch.context() as patch:
        return fetch(pictures, tmp_path_factory.mktemp("alone"), patch)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The command's own cluster, of two worker processes that note which pictures they prepare."""
    noted = tmp_path_factory.mktemp("noted")
    settings.use("demo", threads=2, quiet=True)
    try:
        with encode.connect(None) as client:
            client.register_plugin(notes(str(noted / "prepared"), str(noted / "deadly")))
            client.noted = noted
            yield client
    finally:
        settings.reset()


def notes(prepared, deadly):
    """A plugin for workers, of small blocks: whoever first prepares the picture named in the file `deadly` dies."""

    class Notes(distributed.WorkerPlugin):
        def setup(self, worker):
            import contextlib
            import os
            import signal

            import torch

            from lecture_lib.encoders import cnn

            cnn.BATCH, cnn.BLOCK, prepare = 4, 8, cnn._prepare

            def note(net, images, i):
                with contextlib.suppress(FileNotFoundError), open(deadly) as file:
                    if int(file.read()) == i:
                        os.unlink(deadly)
                        os.kill(os.getpid(), signal.SIGKILL)
                with open(prepared, "a") as file:
                    file.write(f"{i} {torch.get_num_threads()}\n")
                return prepare(net, images, i)

            cnn._prepare = note

    return Notes()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    use(tmp_path / "cache", monkeypatch)
    yield tmp_path / "cache"
    settings.reset()


def use(cache, monkeypatch):
    monkeypatch.setattr(cnn, "BATCH", BATCH)
    monkeypatch.setattr(cnn, "BLOCK", BLOCK)
    settings.use("demo", cache=cache, threads=1, quiet=True)


def fetch(pictures, cache, monkeypatch):
    use(cache, monkeypatch)
    return encoders.encode(backbones.load(), datasets.folder(pictures), LAYERS, progress=False)


def command(pictures, *options):
    return [str(pictures), "--layers", ",".join(LAYERS), *options]


def assert_same(pictures, cache, alone, monkeypatch):
    """A notebook that asks for the array computes nothing, and gets the bytes of one process; nothing else is left."""
    with monkeypatch.context() as patch:
        patch.setattr(cnn, "_prepare", None)
        found = fetch(pictures, cache, patch)
    for layer in LAYERS:
        assert found[layer].tobytes() == alone[layer].tobytes()
    assert {path.suffix for path in (cache / "arrays").iterdir()} == {".json", ".npy"}


def take_notes(cluster):
    """How often each picture was prepared by workers since the last call, in threads of one core."""
    file = cluster.noted / "prepared"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    assert {threads for _, threads in lines} <= {"1"}
    return Counter(int(i) for i, _ in lines)


def run(arguments):
    """The command as `python -m lecture_lib.encode` runs it: its exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["encode", *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(encode.__file__, run_name="__main__")
    return end.value.code


def test_two_worker_processes_make_the_bytes_of_one(cluster, pictures, cache, alone, monkeypatch, capfd):
    take_notes(cluster)
    assert run(command(pictures, "--cluster", cluster.scheduler.address)) == 0
    said = capfd.readouterr()
    assert re.match(rf"{N} pictures to encode; workers at tcp://.*: 2\.\n", said.out)
    assert "\n" not in said.err  # a progress bar at most
    assert take_notes(cluster) == dict.fromkeys(range(N), 1)
    assert_same(pictures, cache, alone, monkeypatch)


def test_workers_are_processes_of_one_thread_that_does_not_spin(cluster):
    assert len({*cluster.run(os.getpid).values(), os.getpid()}) == 3
    assert set(cluster.nthreads().values()) == {1}
    assert set(cluster.run(os.getenv, "OMP_WAIT_POLICY").values()) == {"passive"}


def test_a_killed_worker_costs_the_block_in_its_hands(cluster, pictures, cache, alone, monkeypatch, capfd):
    take_notes(cluster)
    (cluster.noted / "deadly").write_text("22")  # in the block from 16 to 24
    assert encode.main(command(pictures, "--cluster", cluster.scheduler.address)) == 0
    assert "\n" not in capfd.readouterr().err
    assert not (cluster.noted / "deadly").exists()
    twice = dict.fromkeys(range(16, 22), 2)
    assert take_notes(cluster) == dict.fromkeys(range(N), 1) | twice
    assert_same(pictures, cache, alone, monkeypatch)


def test_a_scheduler_that_is_gone_is_said_in_a_sentence_and_costs_the_blocks_in_hand(
    cluster, pictures, cache, alone, monkeypatch, capfd
):
    main_is_back = threading.Event()
    prepare = cnn._prepare

    def lose_scheduler(net, images, i):
        if i == 18:  # in the third block of the only worker
            short.loop.add_callback(short.scheduler.close)
            assert main_is_back.wait(PATIENCE)
            raise InterruptedError
        return prepare(net, images, i)

    # its end asks the scheduler to send the workers away, and asks again for so long
    monkeypatch.setitem(distributed.config["distributed"]["comm"]["timeouts"], "connect", "1s")
    short = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=":0"
    )
    with short, monkeypatch.context() as patch:
        patch.setattr(cnn, "_prepare", lose_scheduler)
        assert encode.main(command(pictures, "--cluster", short.scheduler_address)) == 1
        main_is_back.set()
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert said.rpartition("\r")[2].startswith("The cluster's scheduler is gone. What was finished is kept")
    take_notes(cluster)
    assert encode.main(command(pictures, "--cluster", cluster.scheduler.address)) == 0
    assert take_notes(cluster) == dict.fromkeys(range(16, N), 1)
    assert_same(pictures, cache, alone, monkeypatch)


def test_an_address_where_nobody_answers_is_said_in_a_sentence(pictures, cache, monkeypatch, capfd):
    monkeypatch.setattr(encode, "TIMEOUT", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://127.0.0.1"):
        assert encode.main(command(pictures, "--cluster", address)) == 1
        said = capfd.readouterr().err
        assert said.startswith(f"No scheduler answers at {address}.")
        assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such", "--layers", "fc6"], "There is no dataset 'no-such'; there are ilsvrc2012"),
        (["sun397", "--layers", "fc6,fc9"], "twin-alexnet has no layer 'fc9'; it has conv1"),
        (["sun397", "--layers", "fc6", "--split", "val"], "--split is for ilsvrc2012"),
    ],
)
def test_wrong_names_are_said_before_pictures_are_drawn_or_a_cluster_starts(
    arguments, sentence, monkeypatch, capfd
):
    monkeypatch.setattr(encode, "connect", None)
    monkeypatch.setattr(datasets, "folder", None)
    monkeypatch.setattr("lecture_lib.datasets.twin.sun397", None)
    with pytest.raises(SystemExit) as end:
        encode.main(arguments)
    assert end.value.code == 2
    assert f"error: {sentence}" in capfd.readouterr().err


def test_without_dask_a_sentence_says_how_to_get_it(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit):
        encode.main(["caltech101", "--layers", "fc6"])
    assert "pip install" in capfd.readouterr().err
