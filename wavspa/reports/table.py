"""The cells of a comparison side by side."""

import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from wavspa.reports.collect import Run, cells
from wavspa.reports.labels import options_label
from wavspa.training.labels import attention_label

WIDTH_OF_FILES = 160


def console() -> Console:
    """Standard output, wide enough for the table where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)


def print_report(runs: Sequence[Run], out: Console) -> None:
    """Print the table, what did not finish, and what the numbers have to beat.

    Args:
        runs: The runs.
        out: Where to print.
    """
    out.print(table(cells(runs)))
    for line in [*troubles(runs), *baselines(runs)]:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def table(groups: Sequence[Sequence[Run]]) -> Table:
    """One row a cell; test metrics in per cent, mean ± standard deviation over finished seeds."""
    metrics = _test_metrics(groups)
    with_options = len({options_label(cell) for cell in groups}) > 1
    result = Table()
    for name in ("dataset", "attention", "wavelet", *(["options"] if with_options else [])):
        result.add_column(name)
    scores = [f"{name} %" for name in metrics]
    for name in (*scores, "best val", "parameters", "s/step", "steps", "seeds", "state"):
        result.add_column(name, justify="right")
    for cell in groups:
        result.add_row(*_row(cell, metrics, with_options))
    return result


def troubles(runs: Sequence[Run]) -> list[str]:
    """A line for each run that has not finished."""
    lines = []
    for run in runs:
        if run.state != "finished":
            reason = run.damage or run.status.get("reason") or f"step {run.status.get('step', 0)}"
            lines.append(f"{run.state}: {run.folder}: {reason}")
    return lines


def baselines(runs: Sequence[Run]) -> list[str]:
    """A line for each data set: what guessing reaches, from its card."""
    lines: dict[str, None] = {}
    for run in runs:
        if run.card:
            name = run.config["dataset"]["name"]
            split = run.card["splits"]["test"]
            labels = split["labels"].values()
            line = (
                f"{name}: guessing {100 / len(labels):.1f} %, always the most frequent class "
                f"{100 * max(labels) / split['examples']:.1f} % ({split['examples']} test examples)"
            )
            if control := run.card.get("root_operator_control"):
                line += f", reading the root operator alone {100 * control['test']:.1f} %"
            lines[line] = None
    return list(lines)


def mean_and_deviation(values: Sequence[float], digits: int) -> str:
    """``mean ± sd``; the mean alone of a single value, a dash of none."""
    if not values:
        return "-"
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def _row(cell: Sequence[Run], metrics: Sequence[str], with_options: bool) -> Iterable[str]:
    config = cell[0].config
    done = [run for run in cell if run.state == "finished"]
    yield config["dataset"]["name"]
    yield attention_label(config["model"]["attention"])
    yield config["model"]["wavelet"]
    if with_options:
        yield options_label(cell)
    for name in metrics:
        tested = [run.status["test"] for run in done]
        yield mean_and_deviation([100 * test[name] for test in tested if name in test], 2)
    yield _best(cell)
    yield _first(f"{run.status['parameters']:,}" for run in cell if "parameters" in run.status)
    seconds = [run.status["seconds_per_step"] for run in cell if "seconds_per_step" in run.status]
    yield f"{statistics.fmean(seconds):.4f}" if seconds else "-"
    yield str(max(run.status.get("step", 0) for run in cell))
    yield str(len(done))
    states = Counter(run.state for run in cell if run.state != "finished")
    yield ", ".join(f"{count} {state}" for state, count in states.items())


def _best(cell: Sequence[Run]) -> str:
    bests = [best for run in cell if (best := run.status.get("best"))]
    if not bests:
        return "-"
    if bests[0]["metric"].endswith("loss"):
        return mean_and_deviation([best["value"] for best in bests], 4)
    return mean_and_deviation([100 * best["value"] for best in bests], 2)


def _first(values: Iterable[str]) -> str:
    return next(iter(values), "-")


def _test_metrics(groups: Sequence[Sequence[Run]]) -> list[str]:
    names: dict[str, None] = {}
    for cell in groups:
        for run in cell:
            names.update(dict.fromkeys(run.status.get("test", {})))
    return [name for name in names if not name.endswith("loss")]
