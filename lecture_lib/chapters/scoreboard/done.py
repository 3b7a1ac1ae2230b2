"""What this computer keeps of the exercises done: a mark for every exercise of every notebook."""

import html
import tomllib

import pandas as pd

from lecture_lib import settings
from lecture_lib.chapters.scoreboard.cells import Shown, cells_with
from lecture_lib.exercises import progress
from lecture_lib.exercises.judging import MARKS


def exercises() -> pd.DataFrame:
    """Return all exercises: number, question, verdict ("right", "wrong" or "not tried") and tries, as far as kept."""
    kept, rows = progress.read(), []
    for path in (settings.REPOSITORY / "lecture_lib" / "chapters").glob("*/exercises.toml"):
        for number, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            entry = kept.get(number, {})
            verdict = {True: "right", False: "wrong", None: "not tried"}[entry.get("right")]
            question = table.get("question", f"{len(table.get('reasons', ()))} questions, a letter each.")
            rows.append((number, question, verdict, entry.get("tries", 0)))
    return pd.DataFrame(sorted(rows), columns=["number", "question", "verdict", "tries"])


def board(every: pd.DataFrame) -> Shown:
    """Show exercises, a line a notebook, each with its mark, its question when pointed at, and a link to its cell."""
    lines = {}
    for notebook, of in every.groupby(every.number.str[:2]):
        marks = []
        for line in of.itertuples():
            mark, colour = MARKS[line.verdict]
            label = f'<span style="color: {colour}" title="{html.escape(line.question)}">{mark}</span> {line.number}'
            cells = cells_with(rf'check\("{line.number}"')
            marks.append(cells[0].link(label) if cells else label)
        right = (of.verdict == "right").sum()
        lines[notebook] = {
            "notebook": notebook,
            "right": f"{right} of {len(of)}",
            "exercises": " &nbsp; ".join(marks),
        }
    legend = ", ".join(f"{mark} {verdict}" for verdict, (mark, _) in MARKS.items())
    return Shown(pd.DataFrame([*lines.values()]), "Exercises on this computer", legend)
