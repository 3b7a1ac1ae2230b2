"""Which exercises are done: one small file in this computer's cache, `progress.json`, sent nowhere.

`store.clear` leaves it. To forget all, delete the file.
"""

import contextlib
import json
from pathlib import Path

from lecture_lib import settings, store
from lecture_lib.store.files import writing


def file() -> Path:
    """Return the path of the file of the cache in use; it is there once an answer has been judged."""
    return settings.current().cache / "progress.json"


def read() -> dict[str, dict]:
    """Return what came of each exercise that was tried: number -> {"tries": 3, "right": True}.

    What cannot be read, a file or an entry that somebody has damaged, counts as not tried.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        kept = json.loads(file().read_bytes()).items()
        return {number: entry for number, entry in kept if _is_entry(entry)}
    return {}


def note(number: str, verdict: str) -> None:
    """Keep what `judge` said of an answer; "not tried" is not kept, and what was right once stays right.

    Tries are counted until the first right answer. Where the cache cannot be written, a line says so.
    """
    path = file()
    if verdict == "not tried" or read().get(number, {}).get("right"):
        return
    try:
        with writing(path.parent), store.alone(path, "the list of exercises done"):
            every = read()
            if path.exists() and not every:  # damaged: somebody may still repair it
                path.replace(path.with_suffix(".damaged"))
            tries = every.get(number, {}).get("tries", 0) + 1
            every[number] = {"tries": tries, "right": verdict == "right"}
            store.write_atomically(path, f"{json.dumps(dict(sorted(every.items())), indent=1)}\n".encode())
    except store.StoreError as error:
        print(f"99_scoreboard will not know of this answer. {error}")


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("tries")) is int
        and entry["tries"] > 0
        and type(entry.get("right")) is bool
    )
