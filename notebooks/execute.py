"""Run notebooks and save them with their outputs, free of what differs between two machines.

    python notebooks/execute.py                 all of them, as `make notebooks` does
    python notebooks/execute.py 01_decaf_tsne   one of them

They run as everyone gets them: on the twins, without network and without photographs, which are never
saved in a notebook. A notebook that stops with an error is left as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

FOLDER = Path(__file__).resolve().parent
BUILD = FOLDER.parent / "build"
KEPT = ("slideshow", "tags", "jupyter")  # what authors write about a cell; the rest is the editor's
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PROGRESS = re.compile(r"\d+%\||\d+it \[")  # a bar of tqdm


def source_hash(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 of all code; saved with the outputs, it tells whether they belong to it."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Take out what is noise in a saved notebook: widgets without a kernel, bars, editors' notes."""
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
    if output.output_type == "stream":
        lines = [line for line in re.split(r"[\r\n]+", output.text) if line.strip()]
        return output.name == "stderr" and all(PROGRESS.search(line) for line in lines)
    return any(kind.startswith("application/vnd.jupyter.widget") for kind in output.get("data", ()))


def execute(path: Path) -> None:
    """Run one notebook in its folder and save it, whole or not at all."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute(env=_environment())
    tidy(notebook)
    nbformat.validate(notebook)
    unfinished = path.with_suffix(".unfinished")
    nbformat.write(notebook, unfinished)
    os.replace(unfinished, path)


def _environment() -> dict[str, str]:
    # as everyone has it: nothing that a user has set, a backend that draws into the notebook
    mine = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    mine = {name: value for name, value in mine.items() if not name.startswith("LECTURE_")}
    settings = {"PROFILE": "demo", "OFFLINE": "1", "DATA": BUILD / "data", "CACHE": BUILD / "cache"}
    return mine | {f"LECTURE_{name}": str(value) for name, value in settings.items()}


def main(names: list[str]) -> int:
    """Run the named notebooks, or all; return 1 if one stopped."""
    stopped = 0
    for path in [FOLDER / f"{name}.ipynb" for name in names] or sorted(FOLDER.glob("[0-9]*.ipynb")):
        began = time.perf_counter()
        try:
            execute(path)
            seconds, size = time.perf_counter() - began, path.stat().st_size / 1e6
            print(f"{path.stem:24} {seconds:6.1f} s  {size:.2f} MB", flush=True)
        except FileNotFoundError:
            print(f"{path.stem:24} there is no such notebook")
            stopped = 1
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print(f"{path.stem:24} stopped and was left as it was:\n{error}")
            stopped = 1
    return stopped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
