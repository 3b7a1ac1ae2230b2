import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

import lecture_lib
from lecture_lib import settings

VARIABLES = ["PROFILE", "BACKBONE", "DATA", "CACHE", "DEVICE", "THREADS", "SEED", "OFFLINE"]


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(f"LECTURE_{name}", raising=False)
    monkeypatch.setattr(settings, "_chosen", {})
    monkeypatch.setattr(settings, "_settings", None)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def run_python(code, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LECTURE_")}
    clean |= {"PYTHONPATH": str(settings.REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True
    )


def test_importing_the_package_does_not_wait_for_torch():
    done = run_python("import lecture_lib, sys; print('torch' in sys.modules, 'numpy' in sys.modules)")
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_defaults_are_the_demo_on_the_twins():
    now = settings.current()
    assert (now.profile, now.backbone, now.seed, now.offline) == ("demo", "twin-alexnet", 0, False)
    assert now.data != now.cache
    assert now.threads == torch.get_num_threads()


def test_default_backbone_follows_the_profile_until_one_is_chosen():
    assert lecture_lib.use("real", quiet=True).backbone == "squeezenet1_1"
    assert lecture_lib.use("demo", quiet=True).backbone == "twin-alexnet"
    lecture_lib.use(backbone="alexnet", quiet=True)
    assert lecture_lib.use("real", quiet=True).backbone == "alexnet"


def test_arguments_win_over_the_environment_and_stay(monkeypatch, tmp_path):
    monkeypatch.setenv("LECTURE_SEED", "7")
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path / "from environment"))
    monkeypatch.setenv("LECTURE_OFFLINE", "1")
    assert settings.current().seed == 7
    assert settings.current().cache == tmp_path / "from environment"
    assert settings.current().offline
    settings.use(seed=3, offline=False, cache=tmp_path, quiet=True)
    now = settings.use("real", quiet=True)
    assert (now.seed, now.offline, now.cache) == (3, False, tmp_path)
    settings.reset()
    monkeypatch.setenv("LECTURE_OFFLINE", " ")  # set to nothing is not set
    assert (settings.current().seed, settings.current().offline) == (7, False)


def test_the_three_lines_say_images_weights_and_device(capsys, tmp_path):
    settings.use(threads=1, device="cpu", seed=5)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "images   twins drawn by lecture_lib",
        "weights  twin-alexnet from data/weights",
        "device   cpu, 1 thread, seed 5",
    ]
    settings.use("real", data=tmp_path, threads=2)
    images, weights, device = capsys.readouterr().out.splitlines()
    assert images == f"images   photographs under {tmp_path}"
    assert weights.startswith("weights  squeezenet1_1, kept in ")
    assert device == "device   cpu, 2 threads, seed 5"


def test_use_seeds_all_three_generators():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    settings.use(seed=4, quiet=True)
    first = draw()
    settings.use(quiet=True)
    assert draw() == first
    settings.use(seed=5, quiet=True)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_threads_reach_torch_and_the_default_comes_back():
    before = settings.current().threads
    settings.use(threads=before + 1, quiet=True)
    assert torch.get_num_threads() == before + 1
    settings.reset()
    assert settings.current().threads == before
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("profile", "reel", '"demo" (twins) or "real"'),
        ("device", "cuda:77", "no such device here"),
        ("device", "toaster", "no such device here"),
        ("threads", "abc", "whole number from 1"),
        ("threads", "0", "whole number from 1"),
        ("seed", "1.5", "from 0 to 4294967295"),
        ("seed", "4294967296", "from 0 to 4294967295"),
        ("offline", "perhaps", "take 1 or 0"),
        ("data", __file__, "not a folder"),
    ],
)
def test_a_bad_value_gives_one_sentence_and_changes_nothing(monkeypatch, name, value, part):
    before = settings.use(seed=11, quiet=True)
    with pytest.raises(settings.SettingsError, match=f"^use\\({name}=") as caught:
        settings.use(**{name: value})
    assert part in str(caught.value)
    assert settings.current() == before
    assert settings.use(quiet=True) == before

    settings.reset()
    monkeypatch.setenv(f"LECTURE_{name.upper()}", value)
    with pytest.raises(settings.SettingsError, match=f"^LECTURE_{name.upper()}=") as caught:
        settings.current()
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_relative_folder_means_the_same_from_a_notebook_as_from_the_repository(monkeypatch):
    # a kernel starts in notebooks/, the command that set the variable was typed one folder up
    expected = (settings.REPOSITORY / "data").resolve()
    for folder in (settings.REPOSITORY, settings.REPOSITORY / "lecture_lib"):
        monkeypatch.chdir(folder)
        monkeypatch.setenv("LECTURE_DATA", "data")
        monkeypatch.setenv("LECTURE_CACHE", "build/../data")
        monkeypatch.setenv("TORCH_HOME", "data")
        settings.reset()
        now = settings.current()
        assert now.data.resolve() == now.cache.resolve() == expected
        assert Path(os.environ["TORCH_HOME"]) == expected


def test_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LECTURE_DATA", "~/photos")
    assert settings.current().data == tmp_path / "photos"
    assert settings.describe(settings.use("real", quiet=True)).splitlines()[0].endswith("~/photos")
    assert settings.shown(settings.REPOSITORY / "build" / "cache") == "build/cache"


NOBODY = """
import os, pwd, sys
def unknown(_): raise KeyError("uid not found")
pwd.getpwuid = unknown
os.environ.pop("HOME", None)
import lecture_lib
from lecture_lib.environment import check_environment
print(lecture_lib.use("real").cache)
check_environment()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no passwd entry")
def test_without_a_home_and_a_passwd_entry_the_cache_is_among_the_temporary_files(tmp_path):
    done = run_python(NOBODY, TMPDIR=str(tmp_path))
    assert f"{tmp_path}/lecture_lib-{os.getuid()}/cache" in done.stdout, done.stderr
    assert f"cache folder {tmp_path}" in done.stdout
    assert done.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="elsewhere the variable has another name")
def test_in_a_home_that_is_somebody_elses_nothing_is_kept(monkeypatch, tmp_path):
    def stat(path, *arguments, **options):  # simulated: the superuser may look anywhere
        if str(path).startswith("/proc/theirs/"):
            raise PermissionError(13, "Permission denied", path)
        return os_stat(path, *arguments, **options)

    os_stat = os.stat
    monkeypatch.setenv("HOME", "/proc/theirs")
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MPLCONFIGDIR", "TORCH_HOME"):
        monkeypatch.setenv(name, "")  # what is set below is undone
        monkeypatch.delenv(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, _: not str(path).startswith("/proc"))
    monkeypatch.setattr(os, "stat", stat)
    settings.keep_elsewhere()
    folders = (settings.current().cache, *map(os.environ.get, ("MPLCONFIGDIR", "TORCH_HOME")))
    assert all(Path(folder).is_relative_to(tmp_path) for folder in folders)
