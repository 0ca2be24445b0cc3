"""The cells of a comparison, in the terminal."""

import statistics
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wavspa.metric_facts import NUMBERED
from wavspa.reports.runs.collect import Run
from wavspa.reports.tables.beside import Beside
from wavspa.reports.tables.cell import Cell, short, shown_metrics, summarise, unit_remark
from wavspa.reports.tables.columns import TextTable, cell_table
from wavspa.reports.tables.footnotes import chance_levels, unfinished_runs

WIDTH_OF_FILES = 160


def console() -> Console:
    """Standard output, wide enough for the table if it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)


def print_report(runs: Sequence[Run], out: Console) -> None:
    """Print the table, the runs that did not finish, and the levels of guessing.

    Args:
        runs: The runs.
        out: Where to print.
    """
    cells = summarise(runs)
    out.print(table(cells))
    for line in [*series(cells), *unfinished_runs(runs), *chance_levels(cells)]:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def print_beside(parts: Sequence[Beside], out: Console) -> None:
    """Print tables of published numbers.

    Args:
        parts: The tables.
        out: Where to print.
    """
    for part in parts:
        out.print(_rich(part.table, part.title))
        for line in part.notes:
            out.print(line, highlight=False, markup=False, soft_wrap=True)


def table(cells: Sequence[Cell]) -> Table:
    """One row per cell; metrics (shares in per cent) as mean ± standard deviation over finished seeds."""
    return _rich(cell_table(cells), f"test metrics {unit_remark(shown_metrics(cells))}")


def _rich(content: TextTable, title: str) -> Table:
    result = Table(box=box.SIMPLE, title=title, title_justify="left", pad_edge=False)
    for name, side in zip(content.names, content.sides, strict=True):
        result.add_column(name, justify=side, no_wrap=name != "options")
    for row in content.rows:
        result.add_row(*map(escape, row))
    return result


def series(cells: Sequence[Cell]) -> list[str]:
    """A line for each cell with numbered metrics, such as the accuracies along a chain of LEGO."""
    lines = []
    for cell in cells:
        tested = cell.finished[0].status["test"] if cell.finished else {}
        names = [name for name in tested if NUMBERED.search(name)]
        if names:
            means = " ".join(f"{statistics.fmean(cell.tested(name)):.1f}" for name in names)
            lines.append(
                f"{cell.data}, {cell.label}: {short(names[0])} to {short(names[-1])} {means} %"
            )
    return lines
