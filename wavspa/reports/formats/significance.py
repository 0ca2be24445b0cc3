"""The tests of whether two runs differ, in the terminal."""

import math
from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from wavspa.reports.formats.evaluation import TITLES
from wavspa.reports.number_format import UNDEFINED, count
from wavspa.reports.runs.answers import Answered, check_same_rows
from wavspa.reports.scores.intervals import LEVEL
from wavspa.reports.scores.paired import Difference, differences, mcnemar


def print_significance(first: Answered, second: Answered, resamples: int, out: Console) -> None:
    """Print by how much a second run exceeds a first one, and whether that may be chance.

    Args:
        first: A run and its answers.
        second: Another one.
        resamples: Number of resamples of the bootstrap.
        out: Where to print.

    Raises:
        UserError: They were tested on different rows.
    """
    check_same_rows(first, second)
    rows = len(first.answers.labels)
    found = differences(first.answers, second.answers, resamples)
    for letter, answered in (("A", first), ("B", second)):
        out.print(f"{letter}: {answered.run.folder}", highlight=False, markup=False, soft_wrap=True)
    out.print(_table(found, f"{count(rows)} rows of test"))
    right = [one.answers.labels == one.answers.predicted for one in (first, second)]
    test = mcnemar(*right)
    lines = [
        f"McNemar's exact test: A alone is right on {count(test.first_alone)} rows, B alone on "
        f"{count(test.second_alone)}, p = {_p(test.p)}",
        f"in brackets: {100 * LEVEL:.0f} % interval of the paired bootstrap, {count(resamples)} resamples; "
        "p: two-sided, of the same resamples, not corrected for the number of scores",
    ]
    for line in lines:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _table(found: Mapping[str, Difference], title: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in (title, "A", "B", "B - A", "p"):
        table.add_column(heading, justify="left" if heading == title else "right", no_wrap=True)
    for name, heading in TITLES.items():
        one = found[name]
        if math.isnan(one.difference):
            table.add_row(heading, *[UNDEFINED] * 4)
            continue
        low, high = one.interval
        change = f"{one.difference:+.4f} \\[{low:+.4f}, {high:+.4f}]"
        table.add_row(heading, f"{one.first:.4f}", f"{one.second:.4f}", change, _p(one.p))
    return table


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"
