"""Open the notebooks in JupyterLab: `make lab`, or lab.bat on Windows, once the packages are installed.

    python notebooks/start.py             copies of the notebooks, to write in, in my-work/
    python notebooks/start.py notebooks   those of the project themselves

What is in the folder already is kept. More arguments are options of JupyterLab.
"""

import logging
import os
import sys
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from lecture_lib.settings import REPOSITORY

ORIGINALS = Path(__file__).resolve().parent
OPTIONS = (
    "--log-level=WARN",
    "--LanguageServerManager.autodetect=False",
    f"--ServerApp.root_dir={REPOSITORY}",
)
# What Jupyter reads in the folder of this Python: no news from the network at the first start, and no warning for each
# kernel that its talk on this computer is not encrypted, which it never was.
OVERRIDES = {
    "share/jupyter/lab/settings/overrides.json": '{"@jupyterlab/apputils-extension:notification": '
    '{"fetchNews": "false", "checkForUpdates": false}}\n',
    "etc/ipython/ipython_kernel_config.py": 'c.IPKernelApp.log_level = "ERROR"\n',
}


def copy_missing(folder: Path, originals: Path = ORIGINALS) -> list[str]:
    """Copy the notebooks that `folder` lacks; return the names of those that it has already, which stay as they are.

    Without outputs, so that a question is read before its answer. With what JupyterLab notes in a notebook about its
    Python, so that it counts as changed only when somebody has changed it; and signed, so that it is trusted.
    """
    from ipykernel.ipkernel import IPythonKernel

    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for path in sorted(originals.glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        notebook.metadata.language_info = IPythonKernel.language_info
        try:
            with (folder / path.name).open("x", encoding="utf-8", newline="\n") as file:
                nbformat.write(notebook, file)
        except FileExistsError:
            kept.append(path.name)
        else:
            NotebookNotary().sign(notebook)
    return kept


def options(folder: Path) -> list[str]:
    """What JupyterLab is started with, to open the first notebook of a folder of the project."""
    chosen = [
        *OPTIONS,
        f"--LabApp.default_url=/lab/tree/{folder.relative_to(REPOSITORY).as_posix()}/00_start_here.ipynb",
    ]
    if os.name == "posix" and os.getuid() == 0:
        chosen.append("--allow-root")
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        chosen.append("--no-browser")
    return chosen


def main(arguments: list[str]) -> None:
    """Make the copies, say so, and start JupyterLab."""
    from jupyterlab.labapp import LabApp

    named = bool(arguments) and not arguments[0].startswith("-")
    folder = REPOSITORY / (arguments[0] if named else "my-work")
    if folder == ORIGINALS:
        print("These are the project's own notebooks; git sees what you change in them.")
        for path in folder.glob("[0-9]*.ipynb"):
            NotebookNotary().sign(nbformat.read(path, as_version=4))
    else:
        kept = copy_missing(folder)
        print(f"Your copies of the notebooks are in {folder.name}/{', as you left them' * bool(kept)}.")
    for name, content in OVERRIDES.items():
        place = Path(sys.prefix, name)
        if sys.prefix != sys.base_prefix and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
    # jupyter-server gives tornado milliseconds for seconds, and tornado says so for each kernel; nothing comes of it
    about_pings = logging.getLogger("tornado.general")
    about_pings.addFilter(lambda record: "websocket_ping_timeout" not in record.getMessage())
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    print("JupyterLab is starting; stop it with Ctrl-C, twice.", flush=True)
    LabApp.launch_instance([*options(folder), *arguments[named:]])


if __name__ == "__main__":
    main(sys.argv[1:])
