"""The collected results, read back: runs by data set and arm, learning rates, filters, costs."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scripts.evidence.paired import Difference, difference
from scripts.evidence.studies import ROOT
from wavspa.reports.figures.filters import Filters
from wavspa.reports.runs.collect import Run, read_run
from wavspa.run_folder import layout

RESULTS = ROOT / "results"
METRIC = "test/accuracy"


class Results(NamedTuple):
    """The content of ``results/``.

    ``runs`` are indexed by data set, arm and seed; ``rates`` (validation results of the learning rates) and
    ``filters`` (of each layer) by data set and arm; ``lengths`` and ``steps`` are costs.
    """

    runs: Mapping[tuple[str, str], Mapping[int, Run]]
    rates: Mapping[tuple[str, str], Mapping[str, float]]
    filters: Mapping[tuple[str, str], Sequence[Filters]]
    lengths: Sequence[Mapping[str, str]]
    steps: Sequence[Mapping[str, str]]

    def values(self, data: str, arm: str, metric: str = METRIC) -> dict[int, float]:
        """A test metric of a cell in %, by seed; empty if nothing was trained."""
        runs = self.runs.get((data, arm), {})
        return {seed: 100 * run.status["test"][metric] for seed, run in sorted(runs.items())}

    def difference(self, data: str, arm: str, other: str) -> Difference | None:
        """The difference of two arms in points, over the seeds of both; None if there are none."""
        ours, theirs = self.values(data, arm), self.values(data, other)
        seeds = sorted(ours.keys() & theirs.keys())
        if not seeds or arm == other:
            return None
        return difference([ours[s] for s in seeds], [theirs[s] for s in seeds])


def load(results: Path) -> Results:
    """Read the results; missing parts are empty.

    Args:
        results: The folder that ``scripts.evidence.collect`` writes.
    """
    runs: dict[tuple[str, str], dict[int, Run]] = {}
    for path in sorted((results / "runs").glob(f"*/*/*/{layout.CONFIG}")):
        run = read_run(path.parent)
        if run.damage:
            raise ValueError(f"{path.parent} is damaged: {run.damage}")
        data, arm = path.parts[-4:-2]
        runs.setdefault((data, arm), {})[run.config["seed"]] = run
    return Results(
        runs,
        read_rates(results),
        _filters(results / "filters.npz"),
        _rows(results / "cost/lengths.csv"),
        _rows(results / "cost/steps.csv"),
    )


def read_rates(results: Path) -> dict[tuple[str, str], dict[str, float]]:
    """The validation result of each learning rate, by data set and arm."""
    rates: dict[tuple[str, str], dict[str, float]] = {}
    for row in _rows(results / "rates.csv"):
        rates.setdefault((row["data"], row["arm"]), {})[row["rate"]] = float(row["best_val"])
    return rates


def best_rate(values: Mapping[str, float]) -> str:
    """The learning rate with the best validation result, the lowest if there are several.

    Args:
        values: The result of each rate that was tried, the lowest rate first.
    """
    return max(values, key=values.__getitem__)


def facts_of(run: Run) -> dict[str, object]:
    """The commit, hardware and versions that trained a collected run."""
    told: dict[str, object] = json.loads((run.folder / layout.RECORD).read_text(encoding="utf-8"))
    return told


def _filters(path: Path) -> dict[tuple[str, str], list[Filters]]:
    found: dict[tuple[str, str], list[Filters]] = {}
    if not path.exists():
        return found
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            data, arm, title, part = key.split("|")
            if part == "learned":
                before = f"{data}|{arm}|{title}|initial"
                initial = arrays[before] if before in arrays.files else None
                found.setdefault((data, arm), []).append(Filters(title, arrays[key], initial))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
