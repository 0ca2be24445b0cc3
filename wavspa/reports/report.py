"""The content of a report, before it is written in any form."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wavspa.errors import UserError
from wavspa.reports.figures.filters import Filters
from wavspa.reports.runs.collect import Run
from wavspa.reports.tables.beside import Beside, beside_published
from wavspa.reports.tables.cell import Cell, summarise
from wavspa.reports.tables.comparison import Comparison, Layout, compare
from wavspa.reports.tables.footnotes import notes, unfinished_runs


class Report(NamedTuple):
    """The tables, the cells in them, the notes to read with them, and the runs that did not finish.

    ``filters`` has the learned filters of some runs, by folder; ``beside`` the tables of published numbers.
    """

    runs: Sequence[Run]
    cells: Sequence[Cell]
    comparison: Comparison
    notes: Sequence[str]
    troubles: Sequence[str]
    filters: Mapping[Path, Sequence[Filters]]
    beside: Sequence[Beside] = ()


def build_report(
    runs: Sequence[Run],
    layout: Layout,
    filters: Mapping[Path, Sequence[Filters]] | None = None,
    with_published: bool = False,
) -> Report:
    """Compare runs.

    Args:
        runs: The runs, damaged ones included.
        layout: What to show.
        filters: The learned filters of some of them, by folder.
        with_published: Add the published numbers of the Long Range Arena, and the gains from wavelets.

    Raises:
        UserError: The layout does not suit the runs, or all of them are damaged.
    """
    cells = summarise(runs)
    if not cells:
        raise UserError(f"all runs are damaged, for instance {runs[0].folder}: {runs[0].damage}")
    comparison = compare(cells, layout)
    said = notes(comparison, cells, runs)
    beside = beside_published(cells) if with_published else []
    return Report(runs, cells, comparison, said, unfinished_runs(runs), filters or {}, beside)
