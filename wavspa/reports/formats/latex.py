"""A report as LaTeX tables with booktabs."""

from collections.abc import Sequence

from wavspa.reports.number_format import UNDEFINED
from wavspa.reports.report import Report
from wavspa.reports.tables.cell import shown_metrics, unit_remark
from wavspa.reports.tables.columns import TextTable, cell_table
from wavspa.reports.tables.comparison import Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    UNDEFINED: "--",
    "†": r"$^\dagger$",
    "‡": r"$^\ddagger$",
    "<": r"$<$",
    ">": r"$>$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    # At the beginning of a row LaTeX would read them as an option of the line break above.
    **{character: f"{{{character}}}" for character in "[*"},
}
_END = r" \\"
# The table's own width, or that of the line if it is narrower.
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def latex(report: Report) -> str:
    r"""The comparison, a table of all cells and the notes, ready to paste or to ``\input``."""
    parts = [r"% \usepackage{booktabs,graphicx}"]
    for table in report.comparison.tables:
        title = f"{table.title}. " if table.title else ""
        caption = title + " ".join(report.notes[:2])
        parts.append(_environment(_comparison(table), caption))
    unit = unit_remark(shown_metrics(report.cells))
    parts.append(
        _environment(_text_table(cell_table(report.cells)), f"Every metric {unit}, and the cost.")
    )
    for beside in report.beside:
        parts.append(_environment(_text_table(beside.table), f"{beside.title}. {beside.notes[0]}"))
        parts.append(_small(beside.notes[1:]))
    parts.append(_small(report.notes[2:]))
    parts.append("".join(f"% not finished: {line}\n" for line in report.troubles))
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def _environment(tabular: Sequence[str], caption: str) -> str:
    lines = [r"\begin{table}", r"\centering\small", rf"\caption{{{escaped(caption)}}}"]
    return "\n".join([*lines, r"\par\smallskip", _FIT, *tabular, "}", r"\end{table}"])


def _small(notes: Sequence[str]) -> str:
    text = "\n\n".join(map(escaped, notes))
    return f"{{\\footnotesize\n{text}\n\n}}"


def _text_table(content: TextTable) -> list[str]:
    columns = "".join(side[0] for side in content.sides)
    head = [" & ".join(map(escaped, content.names)) + _END]
    return _tabular(columns, head, [list(map(escaped, row)) for row in content.rows])


def _comparison(table: Table) -> list[str]:
    columns = "l" * len(table.row_names)
    columns += "".join("rr" if table.has_published(c) else "r" for c in table.columns)
    rows = []
    for labels, entries in table.rows.items():
        row = list(map(escaped, labels))
        for column, entry in entries.items():
            ours = escaped(entry.ours)
            row.append(rf"\textbf{{{ours}}}" if entry.best else ours)
            row += [escaped(entry.theirs)] if table.has_published(column) else []
        rows.append(row)
    return _tabular(columns, _head(table), rows)


def _head(table: Table) -> list[str]:
    names = list(map(escaped, table.row_names))
    if not any(map(table.has_published, table.columns)):
        return [" & ".join([*names, *map(escaped, table.columns)]) + _END]
    spans, rules = [""] * len(names), ""
    for column in table.columns:
        first = len(names) + 1
        names += ["ours", "published"] if table.has_published(column) else ["ours"]
        spans.append(rf"\multicolumn{{{len(names) - first + 1}}}{{c}}{{{escaped(column)}}}")
        rules += rf"\cmidrule(lr){{{first}-{len(names)}}}"
    return [" & ".join(spans) + _END, rules, " & ".join(names) + _END]


def _tabular(columns: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = [" & ".join(row) + _END for row in rows]
    begin = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    return [*begin, *head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
