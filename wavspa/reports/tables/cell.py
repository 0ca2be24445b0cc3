"""A cell: the runs that differ only in the seed, and their combined numbers."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wavspa.metric_facts import NUMBERED, Direction, direction, factor, in_percent
from wavspa.reports.runs.collect import Run, cells
from wavspa.reports.runs.config_keys import distinguishing_options
from wavspa.reports.runs.labels import cell_label, differing_options
from wavspa.reports.runs.progress import state_of
from wavspa.reports.runs.same_data import data_labels
from wavspa.run_folder.labels import attention_label


@dataclass(frozen=True)
class Cell:
    """A cell: runs that differ only in their seed.

    ``runs`` has one run per seed, ``repeated`` further ones of the same seeds. ``data`` is the label of their
    data in tables, equal only for the same data; ``options`` are the choices beyond attention and wavelet
    that distinguish the cell from others.
    """

    runs: list[Run]
    repeated: list[Run]
    data: str
    options: str

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of its first run."""
        return self.runs[0].config

    @property
    def hash(self) -> str:
        """Identifies its configuration without the seed."""
        return self.runs[0].cell

    @property
    def dataset(self) -> str:
        """The configured name of its data set."""
        name: str = self.config["dataset"]["name"]
        return name

    @property
    def attention(self) -> str:
        """Its attention base, or those of its bands."""
        return attention_label(self.config["model"]["attention"])

    @property
    def wavelet(self) -> str:
        """Its wavelet mode."""
        mode: str = self.config["model"]["wavelet"]
        return mode

    @property
    def label(self) -> str:
        """Attention, wavelet and options."""
        return cell_label(self.runs, self.options)

    @cached_property
    def finished(self) -> list[Run]:
        """The runs that count: the tested ones."""
        return [run for run in self.runs if run.state == "finished"]

    @cached_property
    def others(self) -> Counter[str]:
        """The number of the other runs in each state."""
        return Counter(state_of(run) for run in self.runs if run.state != "finished")

    @property
    def metric(self) -> str:
        """The test metric that corresponds to the monitored one."""
        monitor: str = self.config["task"]["monitor"]
        return monitor.replace("val/", "test/")

    def direction(self, metric: str) -> Direction | None:
        """Whether the best value of a test metric is the highest or the lowest; None if it is not known."""
        told = self.config["task"].get("mode") if metric == self.metric else None
        return direction(metric) or told

    def tested(self, metric: str) -> list[float]:
        """A test metric of each finished seed, in per cent if it is a share."""
        return [
            factor(metric) * run.status["test"][metric]
            for run in self.finished
            if metric in run.status["test"]
        ]

    @property
    def parameters(self) -> int | None:
        """The number of trained parameters of the model."""
        return next(
            (run.status["parameters"] for run in self.runs if "parameters" in run.status), None
        )

    @property
    def seconds_per_step(self) -> float | None:
        """The mean over its runs."""
        seconds = [
            r.status["seconds_per_step"] for r in self.runs if "seconds_per_step" in r.status
        ]
        return statistics.fmean(seconds) if seconds else None

    @property
    def peak_memory(self) -> int | None:
        """The largest peak of its runs, in bytes."""
        return max(
            (r.status["peak_memory"] for r in self.runs if "peak_memory" in r.status), default=None
        )

    @property
    def steps(self) -> int:
        """The steps of the run that got furthest."""
        return max(run.status.get("step", 0) for run in self.runs)

    @property
    def budget(self) -> int:
        """The number of steps that its runs may train."""
        steps: int = self.config["trainer"]["max_steps"]
        return steps

    @cached_property
    def protocol(self) -> str:
        """How its data were split; empty if its data set has only one way, or no card names it."""
        return next((run.card["protocol"] for run in self.runs if run.card.get("protocol")), "")

    @property
    def devices(self) -> list[str]:
        """The devices its runs were trained on."""
        return sorted({run.status["device"] for run in self.runs if "device" in run.status})

    @property
    def seeds(self) -> str:
        """The number of finished seeds, and of those in other states."""
        return ", ".join(
            [str(len(self.finished)), *(f"{n} {state}" for state, n in self.others.items())]
        )


def summarise(runs: Sequence[Run]) -> list[Cell]:
    """Summarise undamaged runs by cell, in the order of :func:`~wavspa.reports.runs.collect.cells`."""
    groups = cells(runs)
    data = data_labels(groups)
    options = differing_options(groups, data)
    labels = [cell_label(*pair) for pair in zip(groups, options, strict=True)]
    further = distinguishing_options(
        [group[0].config for group in groups], list(zip(data, labels, strict=True))
    )
    return [
        Cell(*_once_a_seed(group), name, " ".join(filter(None, told)))
        for group, name, *told in zip(groups, data, options, further, strict=True)
    ]


def shown_metrics(cells: Sequence[Cell]) -> list[str]:
    """The test metrics with a column: losses only if a cell monitors one, and no numbered metrics."""
    names = dict.fromkeys(
        name for cell in cells for run in cell.runs for name in run.status.get("test", {})
    )
    aims = {cell.metric for cell in cells}
    return [
        name
        for name in names
        if name in aims or not (name.endswith("loss") or NUMBERED.search(name))
    ]


def unit_remark(metrics: Iterable[str]) -> str:
    """The unit of metrics: ``in %``, ``as they are``, or ``in %, loss as it is``."""
    names = list(dict.fromkeys(metrics))
    plain = [short(name) for name in names if not in_percent(name)]
    if not plain:
        return "in %"
    if len(plain) == len(names):
        return "as they are"
    return f"in %, {', '.join(plain)} as {'it is' if len(plain) == 1 else 'they are'}"


def short(metric: str) -> str:
    """A test metric's name in the head of a column."""
    return metric.removeprefix("test/")


def _once_a_seed(group: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """One run per seed and fold, preferably a finished one, and the remaining copies."""
    kept: dict[tuple[int, int], Run] = {}
    for run in sorted(group, key=lambda run: run.state != "finished"):
        kept.setdefault(_which(run), run)
    chosen = [kept[which] for which in sorted(kept)]
    return chosen, [run for run in group if kept[_which(run)] is not run]


def _which(run: Run) -> tuple[int, int]:
    """What distinguishes a run from the others of its cell: its seed, and its fold if there are folds."""
    return run.config["seed"], run.config["dataset"].get("fold") or 0
