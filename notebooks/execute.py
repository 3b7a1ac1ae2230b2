"""Run notebooks and save them with their outputs, free of what differs between two machines.

    python notebooks/execute.py                 all of them, as `make notebooks` does, each from an empty cache
    python notebooks/execute.py 01_decaf_tsne   one of them

They run as everyone gets them: on the twins, without network and without photographs, which are never
saved in a notebook. A notebook that stops with an error is left as it was. A run of all of them is measured, and
00_start_here tells what each took. What a run has saved of its claims goes to claims.json, for 99_scoreboard.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from datetime import date
from pathlib import Path

import navigation
import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

FOLDER = Path(__file__).resolve().parent
BUILD = FOLDER.parent / "build"
KEPT = ("slideshow", "tags", "jupyter")  # what authors write about a cell; the rest is the editor's
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def source_hash(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 of all code; saved with the outputs, it tells whether they belong to it."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Take out what is noise in a saved notebook: widgets without a kernel, bars that are done, editors' notes."""
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_noise(output)]
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "lecture": {"source_sha256": source_hash(notebook)},
    }


def _is_noise(output: nbformat.NotebookNode) -> bool:
    data = output.get("data")
    return data is not None and (not data or any("jupyter.widget" in kind for kind in data))


def execute(path: Path, cache: Path = BUILD / "cache") -> dict[str, float]:
    """Run one notebook in its folder and save it, whole or not at all; return the seconds and GB of memory it took."""
    began, peak = time.perf_counter(), 0.0

    def look(**_: object) -> None:
        nonlocal peak
        peak = max(peak, _memory(client.km.provisioner.pid))

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        on_cell_executed=look,
    )
    (cache / "progress.json").unlink(missing_ok=True)  # left by tests: nobody has done an exercise yet
    client.execute(env=_environment(cache))
    tidy(notebook)
    nbformat.validate(notebook)
    unfinished = path.with_suffix(".unfinished")
    nbformat.write(notebook, unfinished)
    os.replace(unfinished, path)
    _keep_claims(path.stem)
    return {"seconds": round(time.perf_counter() - began, 1), "GB": round(peak, 2)}


def _keep_claims(notebook: str) -> None:
    """Take what the run has saved of its claims (results.save) into claims.json, where 99_scoreboard finds it."""
    kept, found = FOLDER / "claims.json", BUILD / "results" / f"{notebook}.demo.json"
    claims = json.loads(kept.read_text(encoding="utf-8"))
    claims[notebook] = json.loads(found.read_text(encoding="utf-8"))["claims"] if found.exists() else []
    kept.write_text(
        json.dumps({key: claims[key] for key in sorted(claims) if claims[key]}, indent=1) + "\n", "utf-8"
    )


def _memory(process: int) -> float:
    """The most memory that a process has held so far, in GB; where there is no /proc, what it holds now."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024 / 1e9
    return psutil.Process(process).memory_info().rss / 1e9


def _environment(cache: Path) -> dict[str, str]:
    # as everyone has it: nothing that a user has set, a backend that draws into the notebook
    mine = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    mine = {name: value for name, value in mine.items() if not name.startswith("LECTURE_")}
    settings = {"PROFILE": "demo", "OFFLINE": "1", "DATA": BUILD / "data", "CACHE": cache}
    return mine | {f"LECTURE_{name}": str(value) for name, value in settings.items()}


def main(names: list[str]) -> int:
    """Run the named notebooks, or all; return 1 if one stopped."""
    measured, stopped, cache = {}, 0, BUILD / ("cache" if names else "fresh")
    for path in [FOLDER / f"{name}.ipynb" for name in names] or navigation.notebooks(FOLDER):
        if not names:
            shutil.rmtree(cache, ignore_errors=True)
        try:
            took = measured[path.stem] = execute(path, cache)
            size = path.stat().st_size / 1e6
            print(f"{path.stem:24} {took['seconds']:6.1f} s  {took['GB']:5.2f} GB  {size:.2f} MB", flush=True)
        except FileNotFoundError:
            print(f"{path.stem:24} there is no such notebook")
            stopped = 1
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print(f"{path.stem:24} stopped and was left as it was:\n{error}")
            stopped = 1
    if not names and not stopped:
        about = {"machine": f"{os.cpu_count()} cores, {date.today():%B %Y}", "notebooks": measured}
        (FOLDER / "measured.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        navigation.main()
    return stopped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
