"""Copy the notebooks to my-work/, to write in: without outputs, so that a question is read before its answer.

    python notebooks/copies.py     as `make copy` does; any Python 3 will do

What is there already is kept.
"""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def copy(notebook: Path, to: Path) -> bool:
    """Copy one notebook without outputs and execution counts; False if `to` is there already, which stays as it is."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    try:
        with to.open("x", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    mine = FOLDER.parent / "my-work"
    mine.mkdir(exist_ok=True)
    for path in sorted(FOLDER.glob("*.ipynb")):
        print("copied " if copy(path, mine / path.name) else "kept   ", f"my-work/{path.name}")
