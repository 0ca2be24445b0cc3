"""The runs next to published numbers of the Long Range Arena, and the gains from wavelets in both."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from wavspa.reports import published
from wavspa.reports.number_format import ABSENT
from wavspa.reports.published import DATASETS, METRIC, STATUS
from wavspa.reports.tables.cell import Cell
from wavspa.reports.tables.columns import Column, TextTable, text_table

FIVE = DATASETS[:5]
_NONE = "none"

Accuracies = Mapping[str, float]
"""Test accuracies in per cent, by the name of the data set."""


class Beside(NamedTuple):
    """A table of a report with published numbers, its title, and the notes to read with it."""

    title: str
    table: TextTable
    notes: Sequence[str]


class _Line(NamedTuple):
    """A row: model, origin (``ours``, or the number of a source), accuracies."""

    model: str
    origin: str
    accuracies: Accuracies


class _Gain(NamedTuple):
    """A mode's gain on its base in per cent: as published, and here over the data sets that have both."""

    attention: str
    wavelet: str
    there: float | None
    here: float | None
    datasets: int


def beside_published(cells: Sequence[Cell]) -> list[Beside]:
    """The two tables.

    Args:
        cells: The cells of the report; unfinished ones and those on other data are left out.
    """
    return [_accuracies(cells), _gains(cells)]


def mean_gain(plain: Accuracies, wavelet: Accuracies) -> tuple[float | None, int]:
    """The mean difference over the data sets that both have, and their number.

    Args:
        plain: The accuracies of the base.
        wavelet: Its accuracies in a wavelet space.
    """
    gains = [wavelet[name] - plain[name] for name in FIVE if name in plain and name in wavelet]
    return (fmean(gains) if gains else None), len(gains)


def _accuracies(cells: Sequence[Cell]) -> Beside:
    sources = list(dict.fromkeys(row.source for row in published.rows()))
    ours = [_Line(label, "ours", found) for label, found in _ours(cells).items()]
    lines = [*ours, *_published(sources)]
    columns: list[Column[_Line]] = [
        Column("model", lambda line: line.model, side="left"),
        Column("source", lambda line: line.origin, side="left"),
        *(_of_dataset(name) for name in DATASETS),
        Column("mean of 5", lambda line: _mean(line.accuracies, FIVE)),
        Column("mean of 6", lambda line: _mean(line.accuracies, DATASETS)),
    ]
    notes = [
        "ours: measured here, the mean over the seeds that have finished. All other rows are published: "
        "their splits, budgets and seeds are their own; means are computed from the numbers in the row.",
        *(f"[{number}] {source}" for number, source in enumerate(sources, start=1)),
        *(f"{mark} {STATUS[status]}" for status, mark in _MARKS.items()),
    ]
    return Beside("Published, test accuracy in %", text_table(columns, lines), notes)


_MARKS = {"quoted": "*", "recalled": "‡"}


def _published(sources: Sequence[str]) -> Iterator[_Line]:
    for row in published.rows():
        origin = f"[{sources.index(row.source) + 1}]{_MARKS.get(row.status, '')}"
        yield _Line(row.model, origin, row.accuracies)


def _of_dataset(name: str) -> Column[_Line]:
    return Column(name, lambda line: _number(line.accuracies.get(name)))


def _ours(cells: Sequence[Cell]) -> Mapping[str, Accuracies]:
    """By label: attention, wavelet, distinguishing options, and the data if several share a name."""
    found: dict[str, dict[str, float]] = {}
    finished = list(_finished(cells))
    kinds: dict[str, set[str]] = {}
    for cell, _ in finished:
        kinds.setdefault(cell.dataset, set()).add(cell.data)
    for cell, accuracy in finished:
        label = cell.label if len(kinds[cell.dataset]) == 1 else f"{cell.label}, {cell.data}"
        found.setdefault(label, {}).setdefault(cell.dataset, accuracy)
    return found


def _gains(cells: Sequence[Cell]) -> Beside:
    there = {(r.attention, r.wavelet): r.accuracies for r in published.rows() if r.attention}
    here: dict[tuple[str, str], dict[str, list[float]]] = {}
    for cell, accuracy in _finished(cells):
        kind = here.setdefault((cell.attention, cell.wavelet), {})
        kind.setdefault(cell.dataset, []).append(accuracy)
    means = {kind: {n: fmean(v) for n, v in found.items()} for kind, found in here.items()}
    gains = [_gain(kind, there, means) for kind in there if kind[1] != _NONE]
    gains += [_over_bases(mode, gains) for mode in dict.fromkeys(g.wavelet for g in gains)]
    columns: list[Column[_Gain]] = [
        Column("attention", lambda gain: gain.attention, side="left"),
        Column("wavelet", lambda gain: gain.wavelet, side="left"),
        Column("published", lambda gain: _number(gain.there, "+")),
        Column("ours", lambda gain: _number(gain.here, "+")),
        Column("data sets of ours", lambda gain: str(gain.datasets)),
    ]
    notes = [
        "The paper's claim: what each mode gains on its base, a mean over the five tasks. Ours is over the "
        "tasks on which base and mode have finished; where options differ too, their cells are averaged."
    ]
    return Beside("Gain on the base, in points of accuracy", text_table(columns, gains), notes)


def _gain(
    kind: tuple[str, str],
    there: Mapping[tuple[str, str], Accuracies],
    here: Mapping[tuple[str, str], Accuracies],
) -> _Gain:
    base = (kind[0], _NONE)
    published_gain, _ = mean_gain(there[base], there[kind])
    ours, datasets = mean_gain(here.get(base, {}), here.get(kind, {}))
    return _Gain(*kind, published_gain, ours, datasets)


def _over_bases(mode: str, gains: Sequence[_Gain]) -> _Gain:
    of_mode = [gain for gain in gains if gain.wavelet == mode]
    there = fmean(gain.there for gain in of_mode if gain.there is not None)
    ours = [gain.here for gain in of_mode if gain.here is not None]
    return _Gain(
        "all bases", mode, there, fmean(ours) if ours else None, sum(g.datasets for g in of_mode)
    )


def _finished(cells: Sequence[Cell]) -> Iterator[tuple[Cell, float]]:
    """The cells on the arena's data that have an accuracy."""
    for cell in cells:
        values = cell.tested(f"test/{METRIC}")
        if values and cell.dataset in DATASETS:
            yield cell, fmean(values)


def _mean(accuracies: Accuracies, names: Sequence[str]) -> str:
    whole = all(name in accuracies for name in names)
    # Halves up, as people round.
    return _number(fmean(accuracies[name] for name in names) + 1e-9 if whole else None)


def _number(value: float | None, sign: str = "") -> str:
    return ABSENT if value is None else f"{value:{sign}.2f}"
