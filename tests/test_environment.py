"""Each line of the environment check under a planted fault; the advice must be in it."""

import hashlib
import json
import sys
from types import SimpleNamespace

import psutil
import pytest
import torch

from lecture_lib import environment, settings


@pytest.fixture(autouse=True)
def healthy(monkeypatch, tmp_path):
    """A computer where all is well, whatever this one is like."""
    monkeypatch.setattr(settings, "_chosen", {})
    monkeypatch.setattr(settings, "_settings", None)
    settings.use(cache=tmp_path / "cache", data=tmp_path / "data", device="cpu", quiet=True)
    monkeypatch.setattr(environment, "WEIGHTS", tmp_path / "net.safetensors")
    environment.WEIGHTS.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    environment.WEIGHTS.with_suffix(".json").write_text(json.dumps({"sha256": digest}))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8e9, total=16e9))
    monkeypatch.setattr(psutil, "disk_usage", lambda _: SimpleNamespace(free=50e9))


@pytest.fixture
def lines(capsys):
    def run():
        environment.check_environment()
        return capsys.readouterr().out.splitlines()

    return run


def the_line(lines, part):
    found = [line for line in lines if part in line]
    assert len(found) == 1, lines
    return found[0]


def test_nothing_fails_where_all_is_well(lines):
    shown = lines()
    assert not [line for line in shown if "FAIL" in line]
    assert shown[-1] == "All that is needed is there."
    assert the_line(shown, "no photographs in").startswith("[--]")


def test_a_missing_package_is_a_failure_with_the_command_that_installs_it(lines, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
    environment.REQUIREMENTS.write_text("numpy==0.1  # arrays\n# Development\nno-such-tool==1\n")
    assert the_line(lines(), "0 of 1 packages as tested; numpy").endswith("(tested with 0.1)")
    environment.REQUIREMENTS.write_text(
        "numpy==0.1  # arrays\nno-such-package==1.0\n# Development\nno-such-tool==1\n"
    )
    shown = lines()
    assert the_line(shown, "no-such-package").startswith("[FAIL]")
    assert "pip install -r requirements.txt" in the_line(shown, "no-such-package")
    assert not [line for line in shown if "no-such-tool" in line]
    assert shown[-1] == "1 thing to mend: see [FAIL] above."


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 2), "[FAIL]"), ((3, 15, 0), "[--]"), ((3, 12, 1), "[OK]")]
)
def test_python_too_old_fails_and_too_new_is_noted(lines, monkeypatch, version, state):
    monkeypatch.setattr(sys, "version_info", version)
    assert the_line(lines(), "Python").startswith(state)


def test_a_torch_that_cannot_compute_is_found(lines, monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "conv2d", lambda *_: torch.zeros(2))
    assert "LECTURE_DEVICE=cpu" in the_line(lines(), "computes wrongly")


def test_an_unforeseen_fault_does_not_hide_the_other_lines(lines, monkeypatch):
    def broken(*_):
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(torch.nn.functional, "conv2d", broken)
    shown = lines()
    assert the_line(shown, "no kernel image").startswith("[FAIL] torch")
    assert the_line(shown, "sliders").startswith("[OK]")


def test_a_cache_that_cannot_be_written_says_what_to_set(lines, tmp_path):
    (tmp_path / "file").touch()
    settings.use(cache=tmp_path / "file" / "cache", quiet=True)
    line = the_line(lines(), "cannot be written")
    assert line.startswith("[FAIL]")
    assert "LECTURE_CACHE" in line


def test_a_full_disk_fails_and_little_memory_is_noted(lines, monkeypatch):
    monkeypatch.setattr(psutil, "disk_usage", lambda _: SimpleNamespace(free=0.1e9))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1e9, total=4e9))
    shown = lines()
    assert the_line(shown, "disk: 0.1 GB").startswith("[FAIL]")
    assert the_line(shown, "memory: 1.0 GB").startswith("[--]")


@pytest.mark.parametrize("missing", [".safetensors", ".json"])
def test_missing_and_damaged_weights_are_told_apart(lines, missing):
    environment.WEIGHTS.write_bytes(b"weight")
    assert the_line(lines(), "are damaged").startswith("[FAIL]")
    environment.WEIGHTS.with_suffix(missing).unlink()
    assert the_line(lines(), f"net{missing} is missing").startswith("[FAIL]")


def test_photographs_are_named(lines, tmp_path):
    (tmp_path / "data/caltech101/101_ObjectCategories").mkdir(parents=True)
    assert the_line(lines(), "photographs in").endswith("caltech101")
