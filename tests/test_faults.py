"""Faults on real processes: killed in a training, a full disk, a read-only project and cache, no home, two at once.

A process killed in an extraction is in test_store. The children run this file as a script, which calls one function.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from lecture_lib import settings, store

PIPES = ("stdin", "stdout", "stderr")
NOBODY = 12345  # no user has this number
N, ROWS, BLOCK = 136, 64, 8
EPOCHS, BATCHES = 4, 4  # of the toy training in test_sgd
READ_ONLY_PROJECT = (
    f"cd '{settings.REPOSITORY}'; mkdir -p build/results; p=$PWD; "
    'mount --bind -o ro "$p" "$p" && cd "$p" && test ! -w build/results'
)


def child(function, *arguments, home, mounts=None, **environment):
    """Start a function of this file in a process of its own and, with mounts, in a mount namespace of its own.

    home  None: a user without a home and without a passwd entry
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LECTURE_")}
    clean |= {"PYTHONPATH": str(settings.REPOSITORY), "OMP_NUM_THREADS": "1", "LECTURE_DEVICE": "cpu"}
    clean |= {"HOME": str(home), "XDG_CACHE_HOME": str(home)} | environment
    if home is None:
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "TORCH_HOME"):
            clean.pop(name, None)
    command = [sys.executable, __file__, function, *map(str, arguments)]
    if mounts:
        command = [*namespace(named=home is not None), "sh", "-c", f'{mounts} && exec "$@"', "sh", *command]
    return subprocess.Popen(command, env=clean, text=True, **dict.fromkeys(PIPES, subprocess.PIPE))


def output(process):
    """Wait for a child that must end well; return what it printed."""
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return out


def namespace(named=True):
    """Return the command that gives a process mounts of its own and, if not `named`, a user that nobody knows.

    Skips the test where there is none.
    """
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare, as on Linux")
    command = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    if not named:
        command = ["unshare", "-m", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--keep-caps"]
    probe = [*command, "sh", "-c", 'mount -t tmpfs none /mnt && "$0" -c ""', sys.executable]
    tried = subprocess.run(probe, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"nothing may be mounted here: {tried.stderr.strip()}")
    return command


def tune(at_call=()):
    """Train the toy of test_sgd in the cache in use; return how many batches it took, and what came of it."""
    import test_sgd

    test_sgd.calls.clear()
    test_sgd.at_call = dict(at_call)
    tuned = test_sgd.train()
    return len(test_sgd.calls), store.fingerprint([list(tuned.net.stages.state_dict().values()), tuned.curve])


def hang():
    print("hangs", flush=True)
    time.sleep(60)


def train(*caches, at_call=()):
    for cache in caches:
        settings.use(cache=cache, quiet=True)
        print(json.dumps(tune(at_call)))


def train_until_the_third_epoch(cache):
    train(cache, at_call={2 * BATCHES + 2: hang})


def test_a_training_that_was_killed_ends_as_one_that_nobody_stopped(tmp_path):
    with child("train_until_the_third_epoch", tmp_path / "a", home=tmp_path) as killed:
        assert killed.stdout.readline() == "hangs\n", killed.stderr.read()
        killed.kill()
    lines = output(child("train", tmp_path / "a", tmp_path / "b", home=tmp_path)).splitlines()
    (batches, resumed), (all_batches, whole) = map(json.loads, lines)
    assert resumed == whole
    assert (batches, all_batches) == ((EPOCHS - 2) * BATCHES, EPOCHS * BATCHES)


def extract_rows():
    """Keep 256 kB of known rows; return the first row of every block that was computed."""
    computed, rows = [], np.arange(ROWS * 1024, dtype=np.float32).reshape(ROWS, 1024)

    def stream(spans, names):
        for start, stop in spans:
            computed.append(start)
            yield {"fc6": rows[start:stop]}

    np.testing.assert_array_equal(store.fetch({"fc6": {}}, ROWS, stream, block=BLOCK)["fc6"], rows)
    return computed


def fill(folder, but=0):
    """Let a disk be full but for so many bytes; return the file to delete."""
    with contextlib.suppress(OSError), open(folder / "thesis", "wb", buffering=0) as file:
        while shutil.disk_usage(folder).free > but:
            file.write(bytes(4096))
    return folder / "thesis"


def work_on_a_small_disk(cache):
    settings.use(cache=cache, quiet=True)
    folder, sentences = settings.current().cache, []
    for room in (0, 130_000):  # nothing at all; about three blocks
        thesis = fill(folder, but=room)
        with pytest.raises(store.StoreError) as caught:
            extract_rows()
        sentences.append(str(caught.value))
        thesis.unlink()
    blocks = extract_rows()
    with pytest.raises(store.StoreError) as caught:
        tune({2 * BATCHES + 1: lambda: fill(folder) and 1})  # in the third epoch
    sentences.append(str(caught.value))
    thesis.unlink()
    resumed = tune()
    settings.use(cache=folder.parent / "large", quiet=True)
    print(json.dumps([sentences, blocks, resumed, tune()]))


def test_a_full_disk_is_said_and_what_was_finished_is_kept(tmp_path):
    cache = tmp_path / "small"
    cache.mkdir()
    mounts = f"mount -t tmpfs -o size=2m none '{cache}'"
    working = child("work_on_a_small_disk", cache, home=tmp_path, mounts=mounts)
    sentences, blocks, (batches, resumed), (_, whole) = json.loads(output(working))
    for sentence, kind in zip(sentences, ("arrays", "arrays", "training"), strict=True):
        keys = ("disk is full", str(cache / kind), "store.clear", "LECTURE_CACHE")
        assert all(key in sentence for key in keys)
    assert 2 * BLOCK <= blocks[0] <= 4 * BLOCK
    assert blocks == list(range(blocks[0], ROWS, BLOCK))
    assert (batches, resumed) == ((EPOCHS - 2) * BATCHES, whole)


def look_around():
    from lecture_lib import environment, results

    cache = settings.use().cache
    environment.check_environment()
    results.save("01_mine", [{"metric": "accuracy", "value": 50.0}])
    extract_rows()
    subprocess.run(["mount", "--bind", "-o", "ro", cache, cache], check=True)
    print("read-only cache, computed:", extract_rows())
    with pytest.raises(store.StoreError) as caught:
        store.fetch({"fc7": {"layer": "fc7"}}, ROWS, None)
    print(caught.value)


def test_a_read_only_project_works_and_a_read_only_cache_refuses_only_what_it_lacks(tmp_path):
    lines = output(child("look_around", home=tmp_path, mounts=READ_ONLY_PROJECT))
    before, _, after = lines.partition("read-only cache, computed: []\n")
    assert "project is read-only: results go to ~/lecture_lib/cache/results" in before
    assert (tmp_path / "lecture_lib" / "cache" / "results" / "01_mine.demo.csv").is_file()
    assert not any(word in before for word in ("cannot be written", "Error", "Errno"))
    assert all(key in after for key in ("cannot be written", "Read-only", "LECTURE_CACHE"))


def run_notebook(name):
    import nbformat
    from nbclient import NotebookClient

    folder = settings.REPOSITORY / "notebooks"
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    streams = [output for cell in notebook.cells for output in cell.get("outputs", ()) if "text" in output]
    print(json.dumps([[output["name"], output["text"]] for output in streams]))


def test_a_notebook_runs_in_a_read_only_project_for_a_user_without_home_and_name(tmp_path):
    # Jupyter's own folders are the hub's affair
    kinds = ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    theirs = {kind: str(tmp_path / kind) for kind in kinds}
    (tmp_path / "IPYTHONDIR").mkdir()
    running = child(
        "run_notebook", "00_start_here", home=None, mounts=READ_ONLY_PROJECT, TMPDIR=str(tmp_path), **theirs
    )
    streams = json.loads(output(running))
    assert {name for name, _ in streams} == {"stdout"}, [text for name, text in streams if name != "stdout"]
    ours = tmp_path / f"lecture_lib-{NOBODY}"
    assert f"project is read-only: results go to {ours}/cache/results" in streams[-1][1]
    assert (ours / "cache" / "results" / "00_start_here.demo.csv").is_file()


def extract(cache):
    from test_encoder import DrawnImages, collect
    from test_sgd import tiny

    from lecture_lib import encoders

    class SlowImages(DrawnImages):
        def __getitem__(self, i):
            time.sleep(0.005)
            return super().__getitem__(i)

    settings.use(cache=cache, quiet=True)
    images = SlowImages(N)
    print("ready", flush=True)
    sys.stdin.readline()  # until the other one is, too
    features = encoders.encode(tiny(), collect(images), ["conv2"])["conv2"]
    print(json.dumps([len(images.read), features.shape, store.fingerprint(features)]))


def test_two_notebooks_that_extract_the_same_features_compute_them_once(tmp_path):
    two = [child("extract", tmp_path / "cache", home=tmp_path) for _ in range(2)]
    assert [process.stdout.readline() for process in two] == ["ready\n"] * 2
    for process in two:
        print(file=process.stdin, flush=True)
    *said, first, second = sorted(line for process in two for line in output(process).splitlines())
    (n, *found), (m, *same) = json.loads(first), json.loads(second)
    assert (sorted([n, m]), found) == ([0, N], same)
    assert "Another process is busy with conv2" in said[0]


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
