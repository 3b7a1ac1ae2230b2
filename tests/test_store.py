"""Arrays that come back as they were computed, whatever stops the computing; names; what lies in the cache."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from lecture_lib import settings, store
from lecture_lib.store import contents

N, BLOCK, SPANS = 50, 8, [(0, 8), (8, 16), (16, 24), (24, 32), (32, 40), (40, 48), (48, 50)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "_chosen", {})
    monkeypatch.setattr(settings, "_settings", None)
    settings.use(cache=tmp_path / "cache", quiet=True)
    return tmp_path / "cache"


def expected(n=N):
    return (np.arange(n, dtype=np.float32)[:, None] + np.arange(3, dtype=np.float32)) / 7


class Rows:
    """A stream of known rows that notes what it was asked to compute."""

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
    return store.fetch({"fc6": recipe or {"layer": "fc6"}}, n, stream, block=block)["fc6"]


def interrupt(before=(24, 32), recipe=None, **options):
    with pytest.raises(KeyboardInterrupt):
        fetch(Rows(stop_before=before, **options), recipe)


def only_finished(cache):
    return {path.suffix for path in (cache / "arrays").iterdir()} == {".json", ".npy"}


# what comes back


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.uint8])
def test_rows_come_back_in_order_in_the_dtype_they_were_given_and_cannot_be_spoilt(cache, dtype):
    array = fetch(Rows(dtype=dtype))
    assert isinstance(array, np.memmap)
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, expected().astype(dtype))
    assert only_finished(cache)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_rows_may_have_any_shape_and_any_layout_in_memory(shape):
    rows = np.asfortranarray(np.random.default_rng(0).random((N, *shape)))[::-1]
    array = fetch(lambda spans, names: ({"fc6": rows[start:stop]} for start, stop in spans))
    np.testing.assert_array_equal(array, rows)


def test_only_what_is_missing_is_asked_of_the_stream():
    fetch(Rows(), {"layer": "fc6"})
    stream = Rows()
    both = store.fetch({"fc6": {"layer": "fc6"}, "fc7": {"layer": "fc7"}}, N, stream, block=BLOCK)
    assert stream.names == [["fc7"]]
    np.testing.assert_array_equal(both["fc7"], both["fc6"])


def test_two_names_for_one_recipe_share_one_array(cache):
    both = store.fetch({"a": {"layer": "fc6"}, "b": {"layer": "fc6"}}, N, Rows(), block=BLOCK)
    np.testing.assert_array_equal(both["a"], both["b"])
    assert len(list((cache / "arrays").glob("*.npy"))) == 1


def test_another_recipe_or_another_number_of_rows_is_another_array():
    fetch(Rows(), {"layer": "fc6", "weights": "a"})
    for recipe, n in [({"layer": "fc6", "weights": "b"}, N), ({"layer": "fc6", "weights": "a"}, N - 1)]:
        stream = Rows(n)
        assert len(fetch(stream, recipe, n)) == n
        assert stream.spans


def blocks_of(change):
    return lambda spans, names: ({"fc6": change(expected()[a:b], a)} for a, b in spans)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (lambda spans, names: (rows for rows in [{"fc6": expected()[:8]}]), "shorter"),
        (lambda spans, names: ({"fc6": expected()[a:b]} for a, b in [*spans, (0, 8)]), "longer"),
        (blocks_of(lambda rows, a: rows[:-1]), "rows 0 to 8 were due"),
        (blocks_of(lambda rows, a: rows.astype(object)), "object"),
        (blocks_of(lambda rows, a: rows.astype("f2" if a else "f4")), r"each \(3,\) of float32"),
    ],
)
def test_a_stream_that_gives_something_else_leaves_no_array(cache, stream, message):
    with pytest.raises(ValueError, match="no images"):
        fetch(stream, n=0)
    with pytest.raises(ValueError, match=message):
        fetch(stream)
    assert not list((cache / "arrays").glob("*.npy"))


# interrupts


@pytest.mark.parametrize(("block", "asked"), [(8, SPANS[3:]), (11, [(22, 33), (33, 44), (44, 50)])])
def test_an_interrupted_run_resumes_after_the_last_finished_block(cache, block, asked):
    interrupt()
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream, block=block), expected())
    assert stream.spans == asked
    assert only_finished(cache)


def test_a_name_that_is_ahead_of_another_keeps_its_rows(cache):
    interrupt((40, 48))
    (ahead,) = (cache / "arrays").glob("*.part")
    before = ahead.read_bytes()
    recipes = {"fc6": {"layer": "fc6"}, "fc7": {"layer": "fc7"}}
    with pytest.raises(KeyboardInterrupt):
        store.fetch(recipes, N, Rows(stop_before=(16, 24)), block=BLOCK)
    assert ahead.read_bytes() == before
    for array in store.fetch(recipes, N, Rows(), block=BLOCK).values():
        np.testing.assert_array_equal(array, expected())


def test_rows_of_an_encoder_that_has_changed_its_dtype_are_not_joined_with_new_ones():
    interrupt(dtype=np.float16)
    with pytest.raises(ValueError, match="recipe must change"):
        fetch(Rows(dtype=np.float32))


@pytest.mark.parametrize(
    ("damage", "asked"),
    [
        (lambda whole: whole[:-5], SPANS[2:]),  # killed while it wrote a block
        (lambda whole: whole[:50], SPANS),  # or the header
        (lambda whole: b"<html>" * 100, SPANS),
    ],
)
def test_half_a_block_is_computed_again(cache, damage, asked):
    interrupt()
    (part,) = (cache / "arrays").glob("*.part")
    part.write_bytes(damage(part.read_bytes()))
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == asked


def test_a_stream_is_closed_when_a_block_cannot_be_kept():
    stream = ({"fc6": expected()[:3]} for _ in SPANS)
    with pytest.raises(ValueError, match="were due"):
        fetch(lambda spans, names: stream)
    assert list(stream) == []


CHILD = """
import os, sys
import numpy as np
from lecture_lib import settings, store

def stream(spans, names):
    for start, stop in spans:
        if start == 24:
            os._exit(9)
        yield {"fc6": (np.arange(start, stop, dtype=np.float32)[:, None] + np.arange(3, dtype=np.float32)) / 7}

settings.use(cache=sys.argv[1], quiet=True)
store.fetch({"fc6": {"layer": "fc6"}}, 50, stream, block=8)
"""


def test_a_killed_process_loses_only_the_block_in_hand(cache):
    environment = os.environ | {"PYTHONPATH": str(settings.REPOSITORY), "OMP_NUM_THREADS": "1"}
    assert subprocess.run([sys.executable, "-c", CHILD, str(cache)], env=environment).returncode == 9
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == SPANS[3:]
    assert only_finished(cache)


def test_threads_that_race_and_a_clear_in_the_middle_do_no_harm(cache):
    def work(i):
        np.testing.assert_array_equal(fetch(Rows(30), {"round": i % 10}, 30, 3), expected(30))

    with ThreadPoolExecutor(3) as pool:
        running = pool.map(work, range(30))
        for _ in range(3):
            time.sleep(0.02)
            store.clear()
        list(running)
    work(0)  # if the last clear came after all of them, there is nothing
    assert only_finished(cache)


# blocks shared out


FC6 = {"fc6": {"layer": "fc6"}}


def plan(recipes=FC6):
    """The blocks that are missing."""
    with store.apart() as missing:
        store.fetch(recipes, N, None, block=BLOCK)
    return missing


def leave(*spans, stream=None, recipes=FC6):
    for span in spans:
        with store.apart(span):
            store.fetch(recipes, N, stream, block=BLOCK)


def test_blocks_left_by_others_in_any_order_are_taken_in_and_only_gaps_are_computed(cache):
    interrupt((8, 16))  # the first block is there
    assert plan() == SPANS[1:]
    stream = Rows()
    leave((40, 48), (16, 24), (24, 32), (0, 8), (16, 24), stream=stream)
    assert stream.spans == [(40, 48), (16, 24), (24, 32)]
    assert plan() == [(8, 16), (32, 40), (48, 50)]
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == [(8, 16), (32, 40), (48, 50)]
    assert only_finished(cache)
    assert plan() == []


def test_all_blocks_left_by_others_are_the_array_without_a_stream(cache):
    plan()
    leave(*SPANS, stream=Rows())
    assert store.report()["finished"].tolist() == [False]
    np.testing.assert_array_equal(fetch(None), expected())
    assert only_finished(cache)


def test_a_block_that_one_name_has_is_left_for_the_other(cache):
    plan()
    leave((8, 16), stream=Rows())
    both, stream = {"fc6": {"layer": "fc6"}, "fc7": {"layer": "fc7"}}, Rows()
    plan(recipes=both)
    leave((8, 16), stream=stream, recipes=both)
    assert stream.names == [["fc7"]]
    for array in store.fetch(both, N, Rows(), block=BLOCK).values():
        np.testing.assert_array_equal(array, expected())


def test_two_writers_of_one_block_do_no_harm(cache):
    plan()
    together = threading.Barrier(2)

    def slowly(spans, names):
        together.wait(10)  # both have seen that the block is missing
        yield {"fc6": expected()[slice(*spans[0])]}

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: leave((8, 16), stream=slowly), range(2)))
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert (8, 16) not in stream.spans
    assert only_finished(cache)


def test_blocks_of_another_size_are_not_mistaken_for_these(cache):
    plan()
    leave((8, 16), (0, 8), stream=Rows())
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream, block=11), expected())
    assert stream.spans[0] == (0, 11)
    assert only_finished(cache)


def test_a_process_that_would_make_another_array_says_so_before_it_computes():
    plan()
    with pytest.raises(store.StoreError, match=r"another array .* LECTURE_CACHE"):
        leave((0, 8), recipes={"fc6": {"layer": "fc6", "weights": "other"}})


def test_a_damaged_block_is_deleted_with_a_word_and_computed_again(cache):
    plan()
    leave(*SPANS, stream=Rows())
    (block,) = (cache / "arrays").glob("*.8-16.block")
    block.write_bytes(b"")
    with pytest.raises(store.StoreError, match=r"8-16\.block was damaged and is deleted"):
        fetch(None)
    stream = Rows()
    np.testing.assert_array_equal(fetch(stream), expected())
    assert stream.spans == [(8, 16)]


# damage, and folders that cannot be written


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-1], lambda whole: whole[:60], lambda whole: b"",
     lambda whole: b"<html>not an array</html>", lambda whole: b"\x93NUMPY\x01\x00v\x00x"],
)  # fmt: skip
def test_a_damaged_array_is_reported_and_computed_again(cache, damage):
    fetch(Rows())
    (path,) = (cache / "arrays").glob("*.npy")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    with pytest.warns(UserWarning, match=r"npy is damaged \(.*\) and is computed again") as caught:
        np.testing.assert_array_equal(fetch(Rows()), expected())
    assert "\n" not in str(caught[0].message)
    assert path.read_bytes() == whole


def test_a_file_where_the_cache_folder_should_be_is_found_before_an_hour_of_computing(cache):
    cache.write_text("in the way")
    stream = Rows()
    with pytest.raises(store.StoreError, match=r"cannot be written .*LECTURE_CACHE") as caught:
        fetch(stream)
    assert str(cache) in str(caught.value)
    assert stream.spans == []


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "new folder" / "result.json"
    versions = [bytes([65 + i]) * 300_000 for i in range(2)]
    store.write_atomically(path, versions[0])
    with ThreadPoolExecutor(1) as pool:
        seen = pool.map(lambda _: path.read_bytes(), range(200))
        for i in range(50):
            store.write_atomically(path, versions[i % 2])
        assert set(seen) <= set(versions)
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


# fingerprints


RECIPE = {"layer": "fc6", "mean": [0.485, 0.456], "data": {"name": "caltech101", "n": 3}, "seed": None}


def test_a_fingerprint_is_the_same_in_another_process_and_another_order():
    # oracle: sha256sum of the text {"a":[1,"x"],"b":null}; with another way all caches would be lost
    assert store.fingerprint({"b": None, "a": (1, "x")}).startswith(
        "854ef06dc57f5dfed10206344ab2d02e0b6c84b0"
    )
    turned = dict(reversed(RECIPE.items())) | {"data": {"n": 3, "name": "caltech101"}}
    assert store.fingerprint(turned) == store.fingerprint(RECIPE)
    code = f"from lecture_lib import store; print(store.fingerprint({RECIPE!r}))"
    environment = os.environ | {"PYTHONPATH": str(settings.REPOSITORY), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == store.fingerprint(RECIPE), done.stderr


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
    t = torch.from_numpy(x)
    assert store.fingerprint(np.asfortranarray(x)) == store.fingerprint(x)
    assert store.fingerprint(t.T.contiguous().T.requires_grad_()) == store.fingerprint(t)
    assert store.fingerprint([np.int64(3), np.float64(0.1)]) == store.fingerprint([3, 0.1])


@pytest.mark.parametrize(
    "value", [(i for i in "ab"), threading.Lock(), lambda: eval("1"), {"x": [sys.stdout]}]
)
def test_what_has_nothing_to_be_named_by_is_refused(value):
    with pytest.raises(TypeError, match="has nothing to be named by"):
        store.fingerprint(value)


# the cache as a whole


def on_disk(cache):
    return sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())


def test_the_report_lists_finished_and_unfinished_arrays(cache):
    assert len(store.report()) == 0
    fetch(Rows(), {"layer": "fc6", "weights": "abc"})
    interrupt(recipe={"layer": "fc7"}, dtype=np.float16)
    table = store.report().set_index("recipe")
    whole, part = table.loc["layer=fc6, weights=abc"], table.loc["layer=fc7"]
    assert whole[["name", "finished"]].tolist() == ["fc6", True]
    assert not part["finished"]
    assert table["MB"].sum() * 1e6 == pytest.approx(on_disk(cache))
    assert (table["days"] < 0.01).all()


def test_report_and_clear_see_everything_that_the_workbook_keeps(cache):
    for kind in contents.FOLDERS:
        store.write_atomically(store.folder(kind) / "0123.end", kind.encode())
    assert store.report()["MB"].sum() * 1e6 == pytest.approx(on_disk(cache))
    assert set(store.report()["name"]) == set(contents.FOLDERS.values())
    (cache / "theirs").mkdir()
    (cache / "theirs" / "thesis.tex").write_text("a cache set to somebody's home")
    store.clear()
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["thesis.tex"]


def test_in_a_project_that_is_read_only_results_go_to_the_cache_and_a_line_says_where(
    cache, monkeypatch, capsys
):
    project = cache.parent / "project"
    monkeypatch.setattr(settings, "REPOSITORY", project)
    assert store.results_folder() == project / "build" / "results"
    monkeypatch.setattr(os, "access", lambda *_: False)  # simulated: the superuser may write despite chmod
    assert store.results_folder() == cache / "results"
    monkeypatch.setattr(settings, "REPOSITORY", Path(__file__))  # no folder can be made below a file
    assert store.results_folder() == cache / "results"
    assert (
        capsys.readouterr().out.splitlines()
        == [f"This project is read-only: results go to {cache / 'results'}."] * 2
    )


def test_clear_keeps_what_was_used_lately(cache):
    fetch(Rows(), {"layer": "fc6"})
    fetch(Rows(), {"layer": "fc7"})
    long_ago = time.time() - 10 * 86400
    for path in (cache / "arrays").iterdir():
        os.utime(path, (long_ago, long_ago))
    fetch(None, {"layer": "fc7"})
    before = on_disk(cache)
    freed = store.clear(older_than_days=5)
    assert 0 < freed == before - on_disk(cache)
    assert list(store.report()["recipe"]) == ["layer=fc7"]
    assert store.clear() == before - freed


def test_clear_removes_what_killed_processes_and_older_versions_left(cache):
    interrupt()
    (cache / "arrays" / "0123.abc.tmp").write_bytes(b"half")
    (cache / "arrays" / "0123.parts").mkdir()
    (cache / "arrays" / "0123.parts" / "0-8.npy").write_bytes(b"block")
    store.clear()
    assert list((cache / "arrays").iterdir()) == []
