"""Cells in rows and columns by keys of their configuration, next to the published numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from wavspa.errors import UserError
from wavspa.metric_facts import digits
from wavspa.reports import published
from wavspa.reports.number_format import ABSENT, counted, mean_and_deviation
from wavspa.reports.order import ordered, ordered_rows
from wavspa.reports.runs.config_keys import check_keys, distinguishing_options, value_label
from wavspa.reports.runs.labels import differing_options, is_masked
from wavspa.reports.tables.cell import Cell, short, unit_remark
from wavspa.reports.tables.significance import best_of

ROWS = ("model.attention", "model.wavelet")
COLUMNS = ("dataset.name",)
DATASET = "dataset.name"
MISPRINT = "†"
BUDGET = "trainer.max_steps"
PROTOCOL = "dataset.protocol"


@dataclass(frozen=True)
class Layout:
    """The requested content of a comparison.

    ``metric`` is a test metric without its split; None: the monitored one of each task. ``mixed`` allows
    a column to hold several protocols of the data or numbers of steps.
    """

    rows: Sequence[str] = ROWS
    columns: Sequence[str] = COLUMNS
    metric: str | None = None
    mixed: bool = False


@dataclass
class Entry:
    """One entry of a table: the metric of each finished seed, the published number, the states of the rest.

    ``digits`` are the decimal places of the metric, which is in per cent if it is a share. An average over
    data sets has one value; ``misprint`` is what the published table prints if that is not the mean of its
    numbers.
    """

    values: list[float] = field(default_factory=list)
    published: float | None = None
    others: Mapping[str, int] = field(default_factory=dict)
    best: bool = False
    is_average: bool = False
    misprint: float | None = None
    digits: int = 2

    @property
    def ours(self) -> str:
        """``mean ± sd (n)`` with the states of the rest; for an average only the mean."""
        if self.is_average:
            return mean_and_deviation(self.values, self.digits)
        return counted(self.values, self.others, self.digits)

    @property
    def theirs(self) -> str:
        """The published number."""
        if self.published is None:
            return ABSENT
        return f"{self.published:.2f}{'' if self.misprint is None else MISPRINT}"


@dataclass(frozen=True)
class Table:
    """Rows by labels, columns by label; ``unit`` describes how the metrics are shown."""

    title: str
    unit: str
    row_names: list[str]
    columns: list[str]
    rows: dict[tuple[str, ...], dict[str, Entry]]

    def has_published(self, column: str) -> bool:
        """Whether something is published in a column."""
        return any(row[column].published is not None for row in self.rows.values())


@dataclass(frozen=True)
class Comparison:
    """The tables: one for each data set, unless data sets are rows or columns.

    ``entries`` has the entry of each cell, by hash; ``metrics`` the test metric of each data set.
    """

    tables: list[Table]
    entries: dict[str, Entry]
    metrics: dict[str, str]


def compare(cells: Sequence[Cell], layout: Layout) -> Comparison:
    """Arrange cells.

    Args:
        cells: All cells of the report.
        layout: What to show.

    Returns:
        The tables; the best entries are marked if tests over the seeds separate them from all others.

    Raises:
        UserError: A key or the metric is unknown, a key has several values in a cell, or a column mixes
            protocols or numbers of steps without permission.
    """
    check_keys([cell.config for cell in cells], [*layout.rows, *layout.columns])
    _check_one_value(cells, layout)
    _check_metric(cells, layout.metric)
    metrics: dict[str, str] = {}
    for cell in cells:
        metrics.setdefault(cell.data, _metric(cell, layout.metric))
    if not layout.mixed:
        _check_columns(cells, layout)
    sections: dict[str, list[Cell]] = {}
    for cell in cells:
        given = DATASET in (*layout.rows, *layout.columns)
        sections.setdefault("" if given else cell.data, []).append(cell)
    entries = {cell.hash: _entry(cell, metrics[cell.data]) for cell in cells}
    _mark_best(cells, entries, metrics)
    tables = [_table(title, group, layout, entries, metrics) for title, group in sections.items()]
    return Comparison(tables, entries, metrics)


def _check_one_value(cells: Sequence[Cell], layout: Layout) -> None:
    """Refuse keys by which a cell, whose entry is the mean of its runs, would have several places."""
    for word, keys in (("rows", layout.rows), ("columns", layout.columns)):
        for key in keys:
            if key != DATASET and any(
                len({value_label(run.config, key) for run in cell.runs}) > 1 for cell in cells
            ):
                raise UserError(
                    f"{word}={key}: the runs of a cell differ in it, and an entry is the mean of them all; "
                    f"leave {key} out, or report on each run's folder"
                )


def _metric(cell: Cell, chosen: str | None) -> str:
    return f"test/{chosen}" if chosen else cell.metric


def _check_metric(cells: Sequence[Cell], chosen: str | None) -> None:
    known = {short(name) for cell in cells for run in cell.finished for name in run.status["test"]}
    if chosen and known and chosen not in known:
        raise UserError(f"metric={chosen!r} is unknown; choose one of {', '.join(sorted(known))}")


def _check_columns(cells: Sequence[Cell], layout: Layout) -> None:
    named = (*layout.rows, *layout.columns)
    columns: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if cell.finished:
            columns.setdefault((cell.data, _label(cell, layout.columns)), []).append(cell)
    for (data, label), column in columns.items():
        protocols = sorted({cell.protocol for cell in column if cell.protocol})
        budgets = sorted({cell.budget for cell in column})
        where = data if label == data else f"{label} ({data})"
        if len(protocols) > 1 and PROTOCOL not in named:
            raise _refusal(where, f"the protocols {' and '.join(protocols)}", PROTOCOL)
        if len(budgets) > 1 and BUDGET not in named:
            raise _refusal(where, f"runs of {' and of '.join(map(str, budgets))} steps", BUDGET)


def _refusal(where: str, mixture: str, key: str) -> UserError:
    return UserError(
        f"the column {where} mixes {mixture}, which do not compare: add {key} to rows= or columns=, "
        "name fewer folders, or allow it with --mixed"
    )


def _entry(cell: Cell, metric: str) -> Entry:
    said = None
    if metric == f"test/{published.METRIC}" and not is_masked(cell.runs[0]):
        said = published.published(cell.attention, cell.wavelet, cell.dataset)
    return Entry(cell.tested(metric), said, cell.others, digits=digits(metric))


def _mark_best(
    cells: Sequence[Cell], entries: Mapping[str, Entry], metrics: Mapping[str, str]
) -> None:
    comparable: dict[tuple[str, str, int], list[Cell]] = {}
    for cell in cells:
        if cell.finished:
            comparable.setdefault((cell.data, cell.protocol, cell.budget), []).append(cell)
    for (data, _, _), group in comparable.items():
        told = {cell.direction(metrics[data]) for cell in group} - {None}
        direction = next(iter(told), None)
        if len(told) > 1 or direction is None:
            continue  # it is not known whether high or low is best
        best = best_of([entries[cell.hash].values for cell in group], direction)
        if best is not None:
            entries[group[best].hash].best = True


def _table(
    title: str,
    cells: Sequence[Cell],
    layout: Layout,
    entries: Mapping[str, Entry],
    metrics: Mapping[str, str],
) -> Table:
    options = _options(cells, layout)
    grid: dict[tuple[str, ...], dict[str, Cell]] = {}
    for cell, option in zip(cells, options, strict=True):
        row = (*_labels(cell, layout.rows), *([option] if any(options) else []))
        grid.setdefault(row, {})[_label(cell, layout.columns)] = cell
    columns = ordered([column for row in grid.values() for column in row])
    rows = {
        row: {
            column: entries[grid[row][column].hash] if column in grid[row] else Entry()
            for column in columns
        }
        for row in ordered_rows(list(grid))
    }
    if tuple(layout.columns) == COLUMNS and set(metrics.values()) == {f"test/{published.METRIC}"}:
        columns += _add_averages(rows, grid)
    names = [key.rpartition(".")[2] if key != DATASET else "data" for key in layout.rows]
    unit = unit_remark(metrics[cell.data] for cell in cells)
    return Table(title, unit, names + ["options"] * any(options), columns, rows)


def _options(cells: Sequence[Cell], layout: Layout) -> list[str]:
    """The options that must be added to the row of each cell so that no two cells share a place."""
    known = (*layout.rows, *layout.columns)
    options = differing_options([cell.runs for cell in cells], [cell.data for cell in cells], known)
    places = [
        (*_labels(cell, layout.rows), _label(cell, layout.columns), option)
        for cell, option in zip(cells, options, strict=True)
    ]
    further = distinguishing_options([cell.config for cell in cells], places)
    return [" ".join(filter(None, pair)) for pair in zip(options, further, strict=True)]


def _add_averages(
    rows: Mapping[tuple[str, ...], dict[str, Entry]],
    grid: Mapping[tuple[str, ...], Mapping[str, Cell]],
) -> list[str]:
    """Fill the columns of the published averages whose data sets all have columns; return their names."""
    there = {cell.dataset for cells in grid.values() for cell in cells.values()}
    added = [name for name, datasets in published.averages().items() if there >= set(datasets)]
    for row, cells in grid.items():
        for name in added:
            rows[row][name] = _average(name, [(cells[label], rows[row][label]) for label in cells])
    return added


def _average(name: str, row: Sequence[tuple[Cell, Entry]]) -> Entry:
    datasets = published.averages()[name]
    means = {cell.dataset: fmean(entry.values) for cell, entry in row if entry.values}
    entry = Entry(is_average=True)
    if means.keys() >= set(datasets):
        entry.values = [fmean(means[dataset] for dataset in datasets)]
    kinds = {(cell.attention, cell.wavelet) for cell, _ in row}
    if len(kinds) == 1:
        kind = kinds.pop()
        entry.published = published.published_average(*kind, name)
        entry.misprint = published.misprint(*kind, name)
    return entry


def _labels(cell: Cell, keys: Sequence[str]) -> list[str]:
    return [cell.data if key == DATASET else value_label(cell.config, key) for key in keys]


def _label(cell: Cell, keys: Sequence[str]) -> str:
    return ", ".join(_labels(cell, keys))
