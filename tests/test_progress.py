"""What is kept of the exercises done: it survives restarts and damage, and goes nowhere else."""

import json
import subprocess
import sys

import pytest

from lecture_lib import settings, store
from lecture_lib.chapters.start_here.exercises import check
from lecture_lib.exercises import progress


@pytest.fixture(autouse=True)
def cache(tmp_path):
    settings.use(cache=tmp_path / "cache", quiet=True)
    yield tmp_path / "cache"
    settings.reset()


def right(picture):
    return picture.float() / 255


def wrong(picture):
    return picture.float() / 256


def test_tries_are_counted_up_to_the_first_right_answer_which_stays(capsys):
    for answer in (wrong, wrong, right, right, wrong):
        check("00.1", answer)
    check("00.2", lambda one, other: one)
    assert progress.read() == {"00.1": {"tries": 3, "right": True}, "00.2": {"tries": 1, "right": False}}


def test_a_notebook_run_from_top_to_bottom_untouched_forgets_nothing_and_writes_nothing(cache, capsys):
    check("00.3", "")
    assert not cache.exists()
    check("00.1", right)
    before = progress.file().read_bytes()
    check("00.1", lambda picture: ...)
    check("00.9", right)  # no such exercise
    assert progress.file().read_bytes() == before


def test_another_kernel_reads_what_the_first_one_kept(cache, capsys):
    check("00.1", right)
    code = f"from lecture_lib import settings; settings.use(cache={str(cache)!r}, quiet=True)\n"
    code += (
        "from lecture_lib.exercises import progress; progress.note('02.1', 'wrong'); print(progress.read())"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=settings.REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert eval(said) == progress.read()
    assert progress.read()["00.1"] == {"tries": 1, "right": True}
    assert progress.read()["02.1"] == {"tries": 1, "right": False}


@pytest.mark.parametrize("damaged", ["", "{", '{"00.1": ', "[1, 2]", "null", '"00.1"', "\udcff", "NaN"])
def test_a_damaged_file_counts_as_none_and_is_kept_beside_the_new_one(cache, capsys, damaged):
    cache.mkdir()
    content = damaged.encode("utf-8", "surrogateescape")
    progress.file().write_bytes(content)
    assert progress.read() == {}
    check("00.1", right)
    assert progress.read() == {"00.1": {"tries": 1, "right": True}}
    assert (cache / "progress.damaged").read_bytes() == content


@pytest.mark.parametrize(
    "entry", [None, 3, [], {}, {"tries": 1}, {"tries": "1", "right": True}, {"tries": 0, "right": 1}]
)
def test_a_damaged_entry_costs_no_other_one(cache, capsys, entry):
    cache.mkdir()
    progress.file().write_text(json.dumps({"00.1": entry, "00.2": {"tries": 2, "right": True}}))
    check("00.1", wrong)
    assert progress.read() == {"00.1": {"tries": 1, "right": False}, "00.2": {"tries": 2, "right": True}}


def test_nothing_is_written_but_one_file_of_the_cache_and_no_answer_is_in_it(tmp_path, capsys):
    check("00.1", right)
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()] == [
        "cache/progress.json"
    ]
    assert json.loads(progress.file().read_text()) == {"00.1": {"tries": 1, "right": True}}


def test_clearing_the_cache_to_make_room_does_not_forget_what_was_done(capsys):
    check("00.1", right)
    store.clear()
    assert progress.read()["00.1"]["right"]


def test_a_cache_that_cannot_be_written_spoils_no_check(tmp_path, capsys):
    (tmp_path / "cache").write_text("a file in the place of the folder")
    check("00.1", right)
    said = capsys.readouterr().out
    assert "right." in said
    assert "99_scoreboard will not know of this answer." in said
