"""Every claim that was tested: verdicts on drawings and on photographs beside what the lecture's tables say."""

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from lecture_lib import settings
from lecture_lib.chapters.scoreboard.cells import Cell, Shown, badge, cells_with
from lecture_lib.chapters.scoreboard.tables import KINDS, plain, records
from lecture_lib.results import claims_of, papers
from lecture_lib.results.claims import Claim, after_holm

SAVED = settings.REPOSITORY / "notebooks" / "claims.json"  # of each notebook, as execute.py saved it


@dataclass(frozen=True)
class Tested:
    """A claim, the notebook that tells of it, its record's name and profile, and its verdict after Holm's correction.

    record     "" where it is not recorded: the notebook has tested it when it was saved
    corrected  among all claims of the record, or of the notebook; None where that is not known
    """

    claim: Claim
    notebook: str
    record: str = ""
    profile: str = ""
    corrected: str | None = None

    @property
    def parts(self) -> tuple[str, str]:
        """The dataset that the statement begins with, "" if it names none, and the rest of it."""
        on, colon, what = re.fullmatch(r"(?:On (.+?), |(.+?): )?(.+)", self.claim.statement).groups()
        where = re.sub(r"('s|,)? ?\b(drawings|photographs)\b( of )?| \(own split\)", "", on or colon or "")
        return where, what

    @property
    def cell(self) -> Cell | None:
        """The cell that prints the verdict; else the first of those that take it from the record."""
        twin = re.escape(" (twin)") * (self.claim.source == "twin")
        said = rf"(?m)^{self.claim.verdict}{twin}: {re.escape(self.claim.statement)}$"
        taken = rf'claims_of\("{self.record}", "{self.profile}"\)'
        found = cells_with(said, self.notebook, printed=True) or cells_with(taken, self.notebook)
        return found[0] if found else None


def tested() -> list[Tested]:
    """Return the claims of all records, and those that the saved notebooks have tested themselves."""
    told = {cell.notebook[3:]: cell.notebook for cell in cells_with("")}
    found = []
    for record, profile in records():
        every = claims_of(record, profile)
        about = told.get(record, record), record, profile
        found += [Tested(claim, *about, after) for claim, after in zip(every, after_holm(every), strict=True)]
    known = {of.claim for of in found}
    for notebook, saved in json.loads(SAVED.read_text(encoding="utf-8")).items():
        every = [Claim(**claim) for claim in saved]
        both = zip(every, after_holm(every), strict=True)
        found += [Tested(claim, notebook, corrected=after) for claim, after in both if claim not in known]
    return sorted(found, key=lambda of: of.notebook)


def pairs(every: list[Tested]) -> Iterator[dict[str, Tested]]:
    """Put together what says the same of drawings and of photographs: "twin" and "real" -> a claim, or one of them.

    The same dataset first; then what is left, if it is one of each: each says what it is about.
    """
    alike: dict[tuple, dict[str, list[Tested]]] = defaultdict(lambda: {"twin": [], "real": []})
    for of in every:
        alike[of.notebook, of.record, of.parts[1]][of.claim.source].append(of)
    for twins, reals in (group.values() for group in alike.values()):
        for twin in twins:
            same = [real for real in reals if plain(real.parts[0]) == plain(twin.parts[0])]
            same = same or (reals if len(twins) == len(reals) == 1 else [])
            yield {"twin": twin} | ({"real": same[0]} if same else {})
            reals = [real for real in reals if real not in same[:1]]
        yield from ({"real": real} for real in reals)


def paper(*claims: Claim) -> tuple[float | None, str]:
    """Return what the lecture has on a claim: a difference of two of its figures, and these; or None, and its words."""
    every = pd.read_csv(papers.FOLDER / "claims.csv", comment="#", keep_default_na=False, encoding="utf-8")
    ids = {part for claim in claims for part in (claim.id, claim.id.partition(": ")[2])}
    for line in every[every.id.isin(ids)].itertuples():
        if line.says:
            return None, f"“{line.says}”"
        (table, column, row), other = line.more.split(" | "), line.less.split(" | ")
        more, less = papers.table(table).loc[row, column], papers.table(other[0]).loc[other[2], other[1]]
        return round(more - less, 2), f"{more:g} − {less:g}, {papers.dataset_of(table, column)}"
    return None, ""


def table() -> pd.DataFrame:
    """Return all claims, a line for each pair: notebook, claim, the paper's difference, and ours with their verdicts.

    Columns: notebook, claim, printed (the paper's difference, NaN if it has no figures), says, margin, and of "twin"
    and "real" the `Tested`, or None.
    """
    lines = []
    for pair in pairs(tested()):
        one = next(iter(pair.values()))
        printed, says = paper(*(of.claim for of in pair.values()))
        of_both = {"twin": pair.get("twin"), "real": pair.get("real")}
        about = {"notebook": one.notebook, "claim": one.parts[1], "printed": printed, "says": says}
        lines.append(about | {"margin": one.claim.margin} | of_both)
    return pd.DataFrame(lines).astype({"printed": "float64"})


def board(lines: pd.DataFrame, title: str) -> Shown:
    """Show lines of `table`: verdicts in colour, effects with their intervals, and links to the cells."""
    shown, own = {}, "<br><i>tested in the notebook</i>"
    for i, line in enumerate(lines.itertuples()):
        both = [of for of in (line.twin, line.real) if of is not None]
        links = dict.fromkeys(of.cell.link(of.cell.id) for of in both if of.cell)
        shown[i] = {
            "claim": f'<div style="min-width: 10em">{html.escape(line.claim)}{own * (not both[0].record)}</div>',
            "paper": _printed(line),
            **{KINDS[source]: _verdict(of) for source, of in (("twin", line.twin), ("real", line.real))},
            "shown in": "<br>".join(links),
        }
    return Shown(pd.DataFrame.from_dict(shown, orient="index"), title)


def side(line: object) -> str:
    """Say where the paper's figures are: "above" the claim's margin, "not above" it, or "" without figures."""
    return "" if pd.isna(line.printed) else "above" if line.printed > line.margin else "not above"


def _printed(line: object) -> str:
    sign = {"above": "✓ ", "not above": "✗ ", "": ""}[side(line)]
    number = "" if pd.isna(line.printed) else f"{sign}{line.printed:+.3g}<br>"
    return f"{number}{html.escape(line.says)}" or "–"


def _verdict(of: Tested | None) -> str:
    if of is None:
        return "–"
    claim, where = of.claim, of.parts[0]
    unit = "" if "points" in claim.unit else f" {claim.unit}"
    numbers = f"{claim.effect:+.3g} [{claim.low:+.3g}, {claim.high:+.3g}]{unit}"
    after = f"<br>after Holm: {of.corrected}" * (of.corrected not in (None, claim.verdict))
    about = ", ".join(filter(None, (where, f"{claim.n:,} {claim.over}")))
    lines = f'<span style="white-space: nowrap">{html.escape(numbers)}</span><br>{html.escape(about)}'
    return f"{badge(claim.verdict)}<br>{lines}{after}"
