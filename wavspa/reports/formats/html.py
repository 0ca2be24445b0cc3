"""A report as a single page that needs only a browser."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from wavspa.metric_facts import digits, factor
from wavspa.reports.formats.examples import written_examples
from wavspa.reports.formats.html_data import packed, packed_json, page_data
from wavspa.reports.number_format import ABSENT, count, mean_and_deviation, mebibytes, milliseconds
from wavspa.reports.report import Report
from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.progress import state_of
from wavspa.reports.tables.cell import Cell, shown_metrics, unit_remark
from wavspa.reports.tables.columns import Column, TextTable, cell_table, text_table

# The package whose folder holds the template, the styles and the scripts.
PACKAGE = "wavspa.reports"
FOLDER = "page"
STYLES = "report.css"
SCRIPTS = (
    "unpack.js",
    "tables.js",
    "filter.js",
    "curves.js",
    "charts.js",
    "gallery.js",
    "runs.js",
    "main.js",
)


def page(report: Report) -> str:
    """The page: tables to sort and filter, curves, costs, and each run's command and configuration."""
    template = _environment().get_template("report.html.j2")
    return template.render(
        title=_title(report.runs),
        states=Counter(state_of(run) for run in report.runs),
        comparison=report.comparison,
        unit=unit_remark(shown_metrics(report.cells)),
        compared_unit=unit_remark(report.comparison.metrics.values()),
        notes=report.notes,
        troubles=report.troubles,
        details=cell_table(report.cells),
        run_table=_run_table(report),
        style=_own(STYLES),
        script=Markup("\n").join(map(_own, SCRIPTS)),
        beside=report.beside,
        has_filters=bool(report.filters),
        written=written_examples(report.runs),
        plotly=_packed_plotly(),
        data=Markup(packed_json(page_data(report))),
    )


def _title(runs: Sequence[Run]) -> str:
    names = {run.config.get("experiment_name") or run.folder.parent.name for run in runs}
    return ", ".join(sorted(names))


class _Row(NamedTuple):
    """A run, its cell and the compared metric; a damaged run has neither of these."""

    run: Run
    cell: Cell | None
    metric: str


def _run_table(report: Report) -> TextTable:
    cells, metrics = {cell.hash: cell for cell in report.cells}, report.comparison.metrics
    whole = {run.folder: cells[run.cell] for run in report.runs if not run.damage}
    rows = [
        _Row(run, cell, metrics[cell.data] if cell else "")
        for run in report.runs
        for cell in [whole.get(run.folder)]
    ]
    return text_table(_RUN_COLUMNS, rows)


def _of_whole(
    name: str,
    value: Callable[[Run, Cell, str], Any],
    format: Callable[[Any], str] = str,
    side: Literal["left", "right"] = "right",
) -> Column[_Row]:
    """A column that is empty for damaged runs."""
    return Column(
        name,
        lambda row: format(value(row.run, row.cell, row.metric)) if row.cell else "",
        side=side,
    )


def _status(key: str) -> Callable[[Run, Cell, str], Any]:
    return lambda run, _cell, _metric: run.status.get(key)


def _tested(run: Run, _cell: Cell, metric: str) -> str:
    return _shown(metric, run.status.get("test", {}).get(metric))


def _best(run: Run, *_: object) -> str:
    best = run.status.get("best")
    return _shown(best["metric"], best["value"]) if best else ABSENT


def _shown(metric: str, value: float | None) -> str:
    return ABSENT if value is None else mean_and_deviation([factor(metric) * value], digits(metric))


_RUN_COLUMNS: list[Column[_Row]] = [
    Column("run", lambda row: row.run.folder.name, side="left"),
    Column("state", lambda row: state_of(row.run), side="left"),
    _of_whole("dataset", lambda _, cell, __: cell.data, side="left"),
    _of_whole("attention", lambda _, cell, __: cell.attention, side="left"),
    _of_whole("wavelet", lambda _, cell, __: cell.wavelet, side="left"),
    _of_whole("options", lambda _, cell, __: cell.options, side="left"),
    _of_whole("seed", lambda run, *_: run.config["seed"]),
    _of_whole("test", _tested),
    _of_whole("best val", _best),
    _of_whole("params", _status("parameters"), count),
    _of_whole("ms/step", _status("seconds_per_step"), milliseconds),
    _of_whole("peak MiB", _status("peak_memory"), mebibytes),
    _of_whole("steps", lambda run, *_: run.status.get("step", 0)),
]


def _own(name: str) -> Markup:
    """A file of the page, unchanged."""
    return Markup(files(PACKAGE).joinpath(FOLDER, name).read_text(encoding="utf-8"))


@cache
def _packed_plotly() -> Markup:
    return Markup(packed(get_plotlyjs()))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(PACKAGE, FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
