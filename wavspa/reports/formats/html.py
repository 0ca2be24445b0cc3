"""A report as one page that needs nothing but a browser."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from wavspa.reports.formats.html_data import packed, packed_json, page_data
from wavspa.reports.number_format import ABSENT, count, mebibytes, milliseconds
from wavspa.reports.report import Report
from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.progress import state_of
from wavspa.reports.tables.columns import details, without_empty

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
RUN_COLUMNS = (
    *("run", "state", "dataset", "attention", "wavelet", "options", "seed", "test %", "best val %"),
    *("params", "ms/step", "peak MiB", "steps"),
)
# How many columns of the runs hold words.
RUN_WORDS = 6


def page(report: Report) -> str:
    """The page: tables that sort and filter, curves, costs, and each run's command and configuration."""
    template = _environment().get_template("report.html.j2")
    return template.render(
        title=_title(report.runs),
        states=Counter(state_of(run) for run in report.runs),
        comparison=report.comparison,
        notes=report.notes,
        troubles=report.troubles,
        details=details(report.cells),
        run_table=without_empty(RUN_COLUMNS, _run_rows(report), RUN_WORDS),
        style=_own(STYLES),
        script=Markup("\n").join(map(_own, SCRIPTS)),
        has_filters=bool(report.filters),
        plotly=_packed_plotly(),
        data=Markup(packed_json(page_data(report))),
    )


def _title(runs: Sequence[Run]) -> str:
    names = {run.config.get("experiment_name") or run.folder.parent.name for run in runs}
    return ", ".join(sorted(names))


def _run_rows(report: Report) -> list[list[str]]:
    cells = {cell.hash: cell for cell in report.cells}
    rows = []
    for run in report.runs:
        row: list[Any] = [run.folder.name, state_of(run)]
        if run.damage:
            row += [""] * (len(RUN_COLUMNS) - len(row))
        else:
            cell = cells[run.cell]
            status = run.status
            best = status.get("best")
            test = status.get("test", {}).get(report.comparison.metrics[cell.data])
            row += [cell.data, cell.attention, cell.wavelet, cell.options, str(run.config["seed"])]
            row += [
                _percent(test),
                _percent(best and best["value"]),
                count(status.get("parameters")),
            ]
            row += [
                milliseconds(status.get("seconds_per_step")),
                mebibytes(status.get("peak_memory")),
            ]
            row += [str(status.get("step", 0))]
        rows.append(row)
    return rows


def _percent(share: float | None) -> str:
    return ABSENT if share is None else f"{100 * share:.2f}"


def _own(name: str) -> Markup:
    """A file of the page as it stands."""
    return Markup(files(PACKAGE).joinpath(FOLDER, name).read_text())


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
