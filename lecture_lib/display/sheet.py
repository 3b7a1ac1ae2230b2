"""Render a dataset's contact sheet to a PNG: python -m lecture_lib.display.sheet NAME out.png."""

from __future__ import annotations

import argparse
from pathlib import Path

from lecture_lib import datasets
from lecture_lib.datasets.layout import LAYOUT
from lecture_lib.display.pictures import contact_sheet


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, draw, save."""
    parser = argparse.ArgumentParser(prog="python -m lecture_lib.display.sheet", description=__doc__)
    parser.add_argument("name", help=", ".join(LAYOUT))
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("--size", type=int, default=128, metavar="S", help="pixels of a picture (128)")
    asked = parser.parse_args(arguments)
    images = datasets.load(asked.name)
    kind = "drawn twins" if images.source == "twin" else "photographs"
    title = f"{asked.name}: {len(images.classes)} classes, {kind}"
    contact_sheet(images, size=asked.size, columns=10, title=title).savefig(asked.out)
    print(f"{asked.out}: {title}")


if __name__ == "__main__":
    main()
