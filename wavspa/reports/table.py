"""The cells of a comparison side by side."""

import re
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table

from wavspa.reports.collect import Run, cells
from wavspa.reports.labels import cell_label, data_label, differing_options
from wavspa.training.labels import attention_label

WIDTH_OF_FILES = 160
NUMBERED = re.compile(r"_\d+$")


def console() -> Console:
    """Standard output, wide enough for the table where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)


def print_report(runs: Sequence[Run], out: Console) -> None:
    """Print the table, what did not finish, and what the numbers have to beat.

    Args:
        runs: The runs.
        out: Where to print.
    """
    groups = cells(runs)
    out.print(table(groups))
    for line in [*series(groups), *troubles(runs), *baselines(runs)]:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def table(groups: Sequence[Sequence[Run]]) -> Table:
    """One row a cell; metrics in per cent, mean ± standard deviation over finished seeds."""
    metrics = _test_metrics(groups)
    result = Table(box=box.SIMPLE, title="test metrics in %", title_justify="left", pad_edge=False)
    options = differing_options(groups)
    rows = [_row(cell, metrics, o) for cell, o in zip(groups, options, strict=True)]
    names = ["dataset", "attention", "wavelet", "options", *map(_short, metrics)]
    names += ["best val", "params", "ms/step", "steps", "seeds"]
    used = [number for number in range(len(names)) if any(row[number] for row in rows)]
    for number in used:
        side: Literal["left", "right"] = "left" if number < 4 else "right"
        result.add_column(names[number], justify=side, no_wrap=names[number] != "options")
    for row in rows:
        result.add_row(*(row[number] for number in used))
    return result


def series(groups: Sequence[Sequence[Run]]) -> list[str]:
    """A line for each cell that has metrics with numbers, such as the accuracies along a chain of LEGO."""
    lines = []
    for cell, options in zip(groups, differing_options(groups), strict=True):
        tested = [run.status["test"] for run in cell if run.state == "finished"]
        names = [name for name in (tested[0] if tested else ()) if NUMBERED.search(name)]
        if names:
            means = [statistics.fmean(100 * test[name] for test in tested) for name in names]
            lines.append(
                f"{data_label(cell)}, {cell_label(cell, options)}: {_short(names[0])} to "
                f"{_short(names[-1])} {' '.join(f'{mean:.1f}' for mean in means)} %"
            )
    return lines


def troubles(runs: Sequence[Run]) -> list[str]:
    """A line for each run that has not finished."""
    lines = []
    for run in runs:
        if run.state != "finished":
            reason = run.damage or run.status.get("reason") or f"step {run.status.get('step', 0)}"
            lines.append(f"{run.state}: {run.folder}: {reason}")
    return lines


def baselines(runs: Sequence[Run]) -> list[str]:
    """A line for each data set, from its card: what guessing reaches, and how it was split."""
    lines = (f"{data_label([run])}: {_baseline(run)}" for run in runs if run.card)
    return list(dict.fromkeys(lines))


def _baseline(run: Run) -> str:
    split = run.card["splits"]["test"]
    facts = [f"{split['examples']:,} test examples"]
    if "test/accuracy" in run.status.get("test", {}):
        labels = split["labels"].values()
        likeliest = max(labels) / sum(labels)
        facts.append(f"guessing {100 / len(labels):.1f} %")
        facts.append(f"always the most frequent class {100 * likeliest:.1f} %")
    if control := run.card.get("root_operator_control"):
        facts.append(f"reading the root operator alone {100 * control['test']:.1f} %")
    if protocol := run.card.get("protocol"):
        facts.append(f"protocol {protocol}: {run.card['validation']}")
    return ", ".join(facts)


def mean_and_deviation(values: Sequence[float], digits: int) -> str:
    """``mean ± sd``; the mean alone of a single value, a dash of none."""
    if not values:
        return "-"
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def _row(cell: Sequence[Run], metrics: Sequence[str], options: str) -> list[str]:
    model = cell[0].config["model"]
    tested = [run.status["test"] for run in cell if run.state == "finished"]
    seconds = [run.status["seconds_per_step"] for run in cell if "seconds_per_step" in run.status]
    states = Counter(run.state for run in cell if run.state != "finished")
    return [
        data_label(cell),
        attention_label(model["attention"]),
        model["wavelet"],
        options,
        *(mean_and_deviation([100 * test[m] for test in tested if m in test], 2) for m in metrics),
        _best(cell),
        next((f"{run.status['parameters']:,}" for run in cell if "parameters" in run.status), "-"),
        f"{1000 * statistics.fmean(seconds):.1f}" if seconds else "-",
        str(max(run.status.get("step", 0) for run in cell)),
        ", ".join([str(len(tested)), *(f"{n} {state}" for state, n in states.items())]),
    ]


def _best(cell: Sequence[Run]) -> str:
    bests = [best for run in cell if (best := run.status.get("best"))]
    if not bests:
        return "-"
    if bests[0]["metric"].endswith("loss"):
        return mean_and_deviation([best["value"] for best in bests], 4)
    return mean_and_deviation([100 * best["value"] for best in bests], 2)


def _short(metric: str) -> str:
    return metric.removeprefix("test/")


def _test_metrics(groups: Sequence[Sequence[Run]]) -> list[str]:
    names: dict[str, None] = {}
    for cell in groups:
        for run in cell:
            names.update(dict.fromkeys(run.status.get("test", {})))
    return [name for name in names if not name.endswith("loss") and not NUMBERED.search(name)]
