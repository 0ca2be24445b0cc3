"""A report as GitHub's Markdown."""

import re
from collections.abc import Iterable, Sequence

from wavspa.reports.report import Report
from wavspa.reports.tables.cell import shown_metrics, unit_remark
from wavspa.reports.tables.columns import cell_table
from wavspa.reports.tables.comparison import Table


def markdown(report: Report) -> str:
    """The comparison, a table of all cells, the notes, and the runs that did not finish."""
    parts = []
    for table in report.comparison.tables:
        parts += [f"## {table.title}"] if table.title else []
        parts.append(_comparison(table))
    content = cell_table(report.cells)
    sides = ["---" if side == "left" else "---:" for side in content.sides]
    unit = unit_remark(shown_metrics(report.cells))
    parts += [
        f"## Every metric {unit}, and the cost",
        _lines([content.names, sides, *content.rows]),
    ]
    for beside in report.beside:
        sides = ["---" if side == "left" else "---:" for side in beside.table.sides]
        parts += [f"## {beside.title}", _lines([beside.table.names, sides, *beside.table.rows])]
        parts.append("\n".join(f"- {_escaped(note)}" for note in beside.notes))
    parts += ["## Notes", "\n".join(f"- {_escaped(note)}" for note in report.notes)]
    if report.troubles:
        lines = "\n".join(f"- {_escaped(line)}" for line in report.troubles)
        parts += ["## Not finished", lines]
    return "\n\n".join(parts) + "\n"


def _comparison(table: Table) -> str:
    head, sides = [*table.row_names], ["---"] * len(table.row_names)
    for column in table.columns:
        shown = [column, "published"] if table.has_published(column) else [column]
        head += shown
        sides += ["---:"] * len(shown)
    rows = []
    for labels, entries in table.rows.items():
        row = [*labels]
        for column, entry in entries.items():
            row.append(f"**{entry.ours}**" if entry.best else entry.ours)
            row += [entry.theirs] if table.has_published(column) else []
        rows.append(row)
    return _lines([head, sides, *rows])


def _lines(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(map(_escaped, row)) + " |" for row in rows)


def _escaped(text: str) -> str:
    # A mark such as * at the beginning of a note would make it an item of an inner list.
    return re.sub(r"([|<_\\]|^\*(?= ))", r"\\\1", text)
