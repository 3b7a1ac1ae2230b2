"""The table of `make bench`. What it measures is no test: other processes would decide it."""

import importlib.util
import json

import pytest

from lecture_lib.settings import REPOSITORY

FOLDER = REPOSITORY / "tests" / "benchmarks"


@pytest.fixture
def table(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("table", FOLDER / "table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "JSON", tmp_path / "bench.json")
    monkeypatch.setattr(module, "busy", lambda: 0.5)
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    return module


def test_the_table_has_each_ratio_and_the_machine_and_says_what_failed(table, tmp_path, capfd):
    (tmp_path / "bench_good.py").write_text('from table import row\nrow("a claim (s)", "a loop", 0.5, 2)\n')
    (tmp_path / "bench_bad.py").write_text("raise SystemExit(3)\n")
    assert table.main([]) == 1
    printed = capfd.readouterr().out
    assert "a claim (s)" in printed
    assert "4.0x" in printed
    assert "failed: bench_bad" in printed
    found = json.loads((tmp_path / "bench.json").read_bytes())
    assert found["rows"] == [
        {"claim": "a claim (s)", "instead": "a loop", "ours": 0.5, "theirs": 2, "ratio": 4}
    ]
    assert min(found["machine"]["GFLOP/s"]) > 0.1
    assert table.main(["good"]) == 0


def test_every_benchmark_hands_its_claims_over():
    silent = [
        path.name for path in FOLDER.glob("bench_*.py") if "row(" not in path.read_text(encoding="utf-8")
    ]
    assert silent == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("bench_*.py")), ids=lambda path: path.stem)
def test_a_benchmark_finds_what_it_imports(path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(module.main)
