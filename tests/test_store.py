import errno
import json
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from lecture_lib import settings, store
from lecture_lib.store import arrays, files

N, BLOCK, SPANS = 50, 8, [(0, 8), (8, 16), (16, 24), (24, 32), (32, 40), (40, 48), (48, 50)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "_chosen", {})
    monkeypatch.setattr(settings, "_settings", None)
    folder = tmp_path / "cache"
    settings.use(cache=folder, quiet=True)
    return folder


def expected(n=N, factor=1):
    return (np.arange(n, dtype=np.float32)[:, None] * factor + np.arange(3, dtype=np.float32)) / 7


class Rows:
    """A stream of known rows that counts what it was asked to compute."""

    def __init__(self, n=N, dtype=np.float32, stop_before=None):
        self.n, self.dtype, self.stop_before, self.spans, self.names = n, dtype, stop_before, [], []

    def __call__(self, spans, names):
        self.names.append(names)
        for start, stop in spans:
            if (start, stop) == self.stop_before:
                raise KeyboardInterrupt
            self.spans.append((start, stop))
            yield {name: expected(self.n)[start:stop].astype(self.dtype) for name in names}


def fetch(stream, recipe=None, n=N, block=BLOCK):
    return store.fetch({"fc6": recipe or {"tap": "fc6"}}, n, stream, block=block)["fc6"]


def leftovers(cache):
    return [path.name for path in (cache / "arrays").rglob("*") if path.suffix in (".tmp", ".parts")]


# what comes back


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.uint8])
def test_rows_come_back_in_order_and_in_the_dtype_they_were_given(cache, dtype):
    array = fetch(Rows(dtype=dtype))
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, expected().astype(dtype))
    assert leftovers(cache) == []


def test_a_caller_cannot_spoil_the_cache():
    array = fetch(Rows())
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


@pytest.mark.parametrize("shape", [(), (2, 3, 4), (0,)])
def test_rows_may_have_any_shape(shape):
    rows = np.random.default_rng(0).random((N, *shape)).astype(np.float32)
    array = fetch(lambda spans, names: ({"fc6": rows[start:stop]} for start, stop in spans))
    np.testing.assert_array_equal(array, rows)


def test_blocks_that_are_not_contiguous_keep_their_order():
    rows = np.asfortranarray(expected())
    array = fetch(lambda spans, names: ({"fc6": rows[start:stop, ::-1]} for start, stop in spans))
    np.testing.assert_array_equal(array, expected()[:, ::-1])


def test_a_second_fetch_computes_nothing_and_is_a_hundred_times_faster():
    def slow(spans, names):
        for start, stop in spans:
            time.sleep(0.01)  # 64 rows in 10 ms: faster than any network here
            yield {"fc6": np.ones((stop - start, 1024), np.float32)}

    start = time.perf_counter()
    fetch(slow, n=6400, block=64)
    computing = time.perf_counter() - start
    hits = []
    for _ in range(5):
        start = time.perf_counter()
        fetch(None, n=6400)  # calling the stream would fail
        hits.append(time.perf_counter() - start)
    assert min(hits) < computing / 100


def test_only_what_is_missing_is_asked_of_the_stream():
    fetch(Rows(), {"tap": "fc6"})
    stream = Rows()
    both = store.fetch({"fc6": {"tap": "fc6"}, "fc7": {"tap": "fc7"}}, N, stream, block=BLOCK)
    assert stream.names == [["fc7"]]
    np.testing.assert_array_equal(both["fc7"], both["fc6"])


def test_two_names_for_one_recipe_share_one_array(cache):
    both = store.fetch({"a": {"tap": "fc6"}, "b": {"tap": "fc6"}}, N, Rows(), block=BLOCK)
    np.testing.assert_array_equal(both["a"], both["b"])
    assert len(list((cache / "arrays").glob("*.npy"))) == 1


def test_another_recipe_or_another_number_of_rows_is_another_array():
    fetch(Rows(), {"tap": "fc6", "weights": "a"})
    for recipe, n in [({"tap": "fc6", "weights": "b"}, N), ({"tap": "fc6", "weights": "a"}, N - 1)]:
        stream = Rows(n)
        assert len(fetch(stream, recipe, n)) == n
        assert stream.spans


# a stream that breaks its promise


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (lambda spans, names: iter([{"fc6": expected()[:8]}]), "ended after 1 of 7 blocks"),
        (
            lambda spans, names: ({"fc6": expected()[a:b]} for a, b in [*spans, (0, 8)]),
            "more than the 7 blocks",
        ),
        (lambda spans, names: ({"fc6": expected()[a : b - 1]} for a, b in spans), "rows 0 to 8 were due"),
        (lambda spans, names: ({"fc7": expected()[a:b]} for a, b in spans), "no 'fc6' for rows 0 to 8"),
        (lambda spans, names: ({"fc6": expected()[a:b].astype(object)} for a, b in spans), "object"),
        (
            lambda spans, names: ({"fc6": expected()[a:b].astype("f2" if a else "f4")} for a, b in spans),
            r"each \(3,\) of float32",
        ),
    ],
)
def test_a_stream_that_gives_something_else_is_told_so(blocks, message):
    with pytest.raises(ValueError, match=message):
        fetch(blocks)


def test_an_empty_collection_is_told_so():
    with pytest.raises(ValueError, match="no images"):
        fetch(Rows(), n=0)


def test_a_stream_is_closed_when_writing_fails(monkeypatch):
    closed = []

    def stream(spans, names):
        try:
            for start, stop in spans:
                yield {"fc6": expected()[start:stop]}
        finally:
            closed.append(True)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def prepared_then_full(slot, original=arrays._Slot.prepare):
        original(slot)
        monkeypatch.setattr(arrays, "replace", full)

    monkeypatch.setattr(arrays._Slot, "prepare", prepared_then_full)
    running = []  # a reference, so that it is not closed by being forgotten
    with pytest.raises(store.StoreError):
        fetch(lambda spans, names: running.append(stream(spans, names)) or running[0])
    assert closed == [True]


# interrupts


def test_an_interrupted_run_resumes_after_the_last_finished_block(cache):
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(stop_before=(24, 32)))
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == SPANS[3:]
    assert leftovers(cache) == []


def test_a_name_that_is_ahead_of_another_is_not_written_twice(cache):
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(stop_before=(24, 32)), {"tap": "fc6"})
    (ahead,) = (cache / "arrays").glob("*.parts")
    before = {path.name: path.stat().st_mtime_ns for path in ahead.iterdir()}
    stream = Rows(stop_before=(16, 24))
    recipes = {"fc6": {"tap": "fc6"}, "fc7": {"tap": "fc7"}}
    with pytest.raises(KeyboardInterrupt):
        store.fetch(recipes, N, stream, block=BLOCK)
    assert {path.name: path.stat().st_mtime_ns for path in ahead.iterdir()} == before
    both = store.fetch(recipes, N, Rows(), block=BLOCK)
    np.testing.assert_array_equal(both["fc6"], expected())
    np.testing.assert_array_equal(both["fc7"], expected())


def test_another_block_size_after_an_interrupt_still_gives_the_right_rows(cache):
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(stop_before=(24, 32)))
    np.testing.assert_array_equal(fetch(Rows(), block=11), expected())
    assert leftovers(cache) == []


def test_blocks_of_an_encoder_that_has_changed_its_dtype_are_not_joined_with_new_ones():
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(dtype=np.float16, stop_before=(24, 32)))
    with pytest.raises(ValueError, match="recipe must change"):
        fetch(Rows(dtype=np.float32))


CHILD = """
import os, sys, time
from pathlib import Path
import numpy as np
from lecture_lib import settings, store

cache, mode, go = sys.argv[1:]
# the settings without importing torch, so that a child starts in a moment
settings._settings = settings.Settings("demo", "twin-alexnet", Path(cache), Path(cache), None, 1, 0, False)
replace, renamed = os.replace, []

def replace_and_die(source, target):
    renamed.append(target)
    if str(target).endswith(mode.removeprefix("die at ")):
        os._exit(9)
    replace(source, target)

if mode.startswith("die at "):
    os.replace = replace_and_die

def stream(spans, names):
    for start, stop in spans:
        print(start, stop, flush=True)
        if mode == "hang" and start == 24:
            time.sleep(60)
        rows = np.arange(start, stop, dtype=np.float32)[:, None] + np.arange(3, dtype=np.float32)
        yield {name: rows / 7 for name in names}

while go and not os.path.exists(go):
    time.sleep(0.001)
n, block = (50, 8) if not go else (1500, 10)
array = store.fetch({"fc6": {"tap": "fc6"}}, n, stream, block=block)["fc6"]
print("sum", repr(float(array.astype(np.float64).sum())), flush=True)
"""


def start_child(cache, mode="", go=""):
    environment = os.environ | {"PYTHONPATH": str(settings.REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, str(cache), mode, str(go)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_process_killed_while_computing_loses_only_the_block_in_hand(cache):
    child = start_child(cache, "hang")
    for line in child.stdout:
        if line.startswith("24 "):
            break
    child.kill()
    child.communicate()
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == SPANS[3:]
    assert leftovers(cache) == []


@pytest.mark.parametrize(("where", "lost"), [("24-32.npy", SPANS[3:]), ("{key}.npy", [])])
def test_a_process_killed_while_writing_leaves_nothing_that_looks_finished(cache, where, lost):
    key = store.fingerprint({"n": N, "recipe": {"tap": "fc6"}})[:20]
    child = start_child(cache, "die at " + where.format(key=key))
    child.communicate()
    assert child.returncode == 9
    assert any(name.endswith(".tmp") for name in leftovers(cache))
    assert not (cache / "arrays" / f"{key}.npy").exists()
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == lost
    assert leftovers(cache) == []


def test_blocks_left_by_a_process_killed_after_its_last_step_go_at_the_next_use(cache, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(arrays.shutil, "rmtree", lambda *arguments, **options: None)
        fetch(Rows())
    assert leftovers(cache) != []
    fetch(None)
    assert leftovers(cache) == []


def test_processes_on_one_array_at_once_all_end_well(cache, tmp_path):
    children = [start_child(cache, go=tmp_path / "go") for _ in range(3)]
    time.sleep(1.0)
    (tmp_path / "go").touch()
    outputs = [child.communicate(timeout=60) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], outputs
    right = repr(float(expected(1500).astype(np.float64).sum()))
    assert [out.splitlines()[-1] for out, _ in outputs] == [f"sum {right}"] * 3
    assert leftovers(cache) == []
    assert sorted(path.suffix for path in (cache / "arrays").iterdir()) == [".json", ".npy"]
    np.testing.assert_array_equal(fetch(None, n=1500), expected(1500))


def test_what_another_process_finishes_at_this_moment_is_not_computed_again(monkeypatch):
    original, late = arrays._Slot.open, Rows()

    def look_just_before_another_process_finishes(slot):
        monkeypatch.setattr(arrays._Slot, "open", original)
        array = original(slot)
        fetch(Rows())
        return array

    monkeypatch.setattr(arrays._Slot, "open", look_just_before_another_process_finishes)
    np.testing.assert_array_equal(fetch(late), expected())
    assert late.spans == []


def test_threads_that_race_and_a_clear_in_the_middle_do_no_harm(cache):
    failures = []

    def work():
        try:
            for i in range(15):
                array = store.fetch({"fc6": {"round": i}}, 30, Rows(30), block=3)["fc6"]
                np.testing.assert_array_equal(array, expected(30))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.02)
        store.clear()
    for thread in threads:
        thread.join()
    assert failures == []
    assert leftovers(cache) == []


# damage


@pytest.mark.parametrize("keep", [0, 5, 60, 200, -1])
def test_a_truncated_array_is_reported_and_computed_again(cache, keep):
    fetch(Rows())
    (path,) = (cache / "arrays").glob("*.npy")
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    stream = Rows()
    with pytest.warns(UserWarning, match=r"npy is damaged \(.*\) and is computed again") as caught:
        np.testing.assert_array_equal(fetch(stream), expected())
    assert "\n" not in str(caught[0].message)
    assert stream.spans == SPANS
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"", b"<html>not an array</html>", b"PK\x03\x04 a zip", b"\x93NUMPY\x01\x00v\x00x"]
)
def test_a_file_that_is_no_array_is_reported_and_computed_again(cache, content):
    fetch(Rows())
    (path,) = (cache / "arrays").glob("*.npy")
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="damaged"):
        np.testing.assert_array_equal(fetch(Rows()), expected())


def test_an_array_with_something_behind_it_is_reported_and_computed_again(cache):
    fetch(Rows())
    (path,) = (cache / "arrays").glob("*.npy")
    path.write_bytes(path.read_bytes() + b"tail of another file")
    with pytest.warns(UserWarning, match="damaged"):
        np.testing.assert_array_equal(fetch(Rows()), expected())


def test_a_truncated_block_is_computed_again(cache):
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(stop_before=(24, 32)))
    (part,) = (cache / "arrays").glob("*.parts/8-16.npy")
    part.write_bytes(part.read_bytes()[:-4])
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == [(8, 16), *SPANS[3:]]


# folders that cannot be written


def test_a_file_where_the_cache_folder_should_be_gives_one_sentence(cache):
    cache.write_text("in the way")
    stream = Rows()
    with pytest.raises(store.StoreError, match="cannot be written") as caught:
        fetch(stream)
    assert str(cache) in str(caught.value)
    assert "LECTURE_CACHE" in str(caught.value)
    assert stream.spans == []  # found before an hour of computing, not after


@pytest.fixture
def read_only(monkeypatch):
    """Make the store's folders read-only. Simulated: the superuser may write despite chmod."""

    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    def freeze():
        monkeypatch.setattr(files, "open", refuse, raising=False)
        for name in ("replace", "utime", "unlink"):
            monkeypatch.setattr(os, name, refuse)
        monkeypatch.setattr(Path, "unlink", refuse)

    return freeze


def test_a_read_only_cache_is_read_and_refuses_only_what_it_lacks(cache, read_only):
    fetch(Rows())
    read_only()
    np.testing.assert_array_equal(fetch(None), expected())
    stream = Rows()
    with pytest.raises(store.StoreError, match=r"cannot be written \(Read-only file system\).*LECTURE_CACHE"):
        fetch(stream, {"tap": "fc7"})
    assert stream.spans == []


def test_a_really_read_only_folder_gives_the_same_sentence(cache):
    cache.mkdir()
    cache.chmod(0o500)
    try:
        if os.access(cache, os.W_OK):
            pytest.skip("this user may write into a folder without write permission")
        with pytest.raises(store.StoreError, match="LECTURE_CACHE"):
            fetch(Rows())
    finally:
        cache.chmod(0o700)


class SmallDisk:
    """Opens files like `open`, until so many bytes are written in all. Simulates a full disk."""

    def __init__(self, room):
        self.room = room

    def __call__(self, *arguments):
        file, disk = open(*arguments), self  # noqa: SIM115

        class Limited:
            def __enter__(self):
                return self

            def __exit__(self, *details):
                file.close()

            def write(self, chunk):
                disk.room -= memoryview(chunk).nbytes
                if disk.room < 0:
                    raise OSError(errno.ENOSPC, "No space left on device")
                file.write(chunk)

        return Limited()


@pytest.mark.parametrize(("room", "finished"), [(700, 2), (1900, 7)])  # in a block; while joining
def test_a_full_disk_gives_one_sentence_and_keeps_what_was_finished(cache, monkeypatch, room, finished):
    with monkeypatch.context() as patch:
        patch.setattr(files, "open", SmallDisk(room), raising=False)
        with pytest.raises(store.StoreError, match=r"The disk is full.*is kept.*LECTURE_CACHE") as caught:
            fetch(Rows())
    assert str(cache) in str(caught.value)
    assert not any(name.endswith(".tmp") for name in leftovers(cache))
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == SPANS[finished:]


# writing one file


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "new folder" / "result.json"
    contents = [bytes([65 + i]) * 300_000 for i in range(2)]
    store.write_atomically(path, contents[0])
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(50):
        store.write_atomically(path, contents[i % 2])
    done.set()
    reader.join()
    assert seen <= set(contents)
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


def test_a_file_that_cannot_be_written_gives_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(store.StoreError, match=r"cannot be written \(.*\)\. Make it writable\.$"):
        store.write_atomically(tmp_path / "file" / "result.json", b"")


# fingerprints


RECIPE = {
    "tap": "fc6",
    "l2": True,
    "mean": [0.485, 0.456],
    "data": {"name": "caltech101", "n": 3},
    "seed": None,
}


def test_a_fingerprint_is_the_same_in_another_process_and_another_order():
    turned = dict(reversed(RECIPE.items())) | {"data": {"n": 3, "name": "caltech101"}}
    assert store.fingerprint(turned) == store.fingerprint(RECIPE)
    code = f"from lecture_lib import store; print(store.fingerprint({RECIPE!r}))"
    environment = os.environ | {"PYTHONPATH": str(settings.REPOSITORY), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == store.fingerprint(RECIPE), done.stderr


def test_fingerprints_are_what_they_were_so_that_caches_stay_valid():
    # oracle: sha256sum of the text {"a":[1,"x"],"b":null}
    assert store.fingerprint({"b": None, "a": (1, "x")}) == (
        "854ef06dc57f5dfed10206344ab2d02e0b6c84b0e19436703a5afd0f1f9f2687"
    )


def test_fingerprints_tell_apart_what_differs():
    x = np.arange(6, dtype=np.float32)
    values = [
        x, x.reshape(2, 3), x.reshape(3, 2).T, x.astype(np.float64), x.view(np.int32), x + 1,
        x[:0], x[:0].reshape(0, 3), torch.arange(6.0), torch.arange(6.0).bfloat16(),
        b"abc", b"abd", "abc", 1, "1", True, None, 1.5, [1], [[1]],
    ]  # fmt: skip
    assert len({store.fingerprint(value) for value in values}) == len(values)


def test_fingerprints_do_not_depend_on_memory_layout():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert store.fingerprint(np.asfortranarray(x)) == store.fingerprint(x)
    assert store.fingerprint(np.repeat(x, 2, axis=1)[:, ::2]) == store.fingerprint(x)
    t = torch.from_numpy(x)
    assert store.fingerprint(t.T.contiguous().T) == store.fingerprint(t)
    assert store.fingerprint(t.clone().requires_grad_()) == store.fingerprint(t)
    assert store.fingerprint({"n": np.int64(3), "x": np.float64(0.1)}) == store.fingerprint(
        {"n": 3, "x": 0.1}
    )


@pytest.mark.parametrize("value", [{1, 2}, Path("data"), object(), np.array([object()]), {"x": max}])
def test_what_has_no_stable_form_is_refused(value):
    with pytest.raises(TypeError, match="fingerprint takes"):
        store.fingerprint(value)


# the report


def test_the_report_lists_finished_and_unfinished_arrays(cache):
    assert len(store.report()) == 0
    assert store.size() == 0
    fetch(Rows(), {"tap": "fc6", "weights": "abc"})
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(dtype=np.float16, stop_before=(24, 32)), {"tap": "fc7"})
    table = store.report().set_index("recipe")
    whole, part = table.loc["tap=fc6, weights=abc"], table.loc["tap=fc7"]
    assert (whole["name"], whole["shape"], whole["dtype"], whole["finished"]) == (
        "fc6",
        (N, 3),
        "float32",
        True,
    )
    assert not part["finished"]
    on_disk = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    assert store.size() == on_disk
    assert table["MB"].sum() * 1e6 == pytest.approx(on_disk)
    assert (table["days"] < 0.01).all()
    told = json.loads(next((cache / "arrays").glob("*.json")).read_text())
    assert told["n"] == N


def test_clear_keeps_what_was_used_lately(cache):
    fetch(Rows(), {"tap": "fc6"})
    fetch(Rows(), {"tap": "fc7"})
    long_ago = time.time() - 10 * 86400
    for path in (cache / "arrays").iterdir():
        os.utime(path, (long_ago, long_ago))
    fetch(None, {"tap": "fc7"})
    before = store.size()
    freed = store.clear(older_than_days=5)
    assert 0 < freed == before - store.size()
    fetch(None, {"tap": "fc7"})
    assert list(store.report()["recipe"]) == ["tap=fc7"]
    assert store.clear() == before - freed
    assert store.size() == 0


def test_clear_removes_what_killed_processes_left(cache):
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(stop_before=(24, 32)))
    (cache / "arrays" / "0123.abc.tmp").write_bytes(b"half")
    store.clear()
    assert list((cache / "arrays").iterdir()) == []


def test_an_array_stays_readable_after_a_clear():
    if os.name == "nt":
        pytest.skip("Windows does not delete files in use")
    array = fetch(Rows())
    store.clear()
    np.testing.assert_array_equal(array, expected())


def test_no_warning_on_the_plain_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fetch(Rows())
        fetch(None)
