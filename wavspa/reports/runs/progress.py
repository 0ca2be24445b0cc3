"""The progress of a sweep's runs."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from rich import box
from rich.console import Console
from rich.table import Table

from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.labels import parent_of
from wavspa.run_folder.lock import is_locked
from wavspa.run_folder.status import early_end

LOST = "lost"


def state_of(run: Run) -> str:
    """A run's state, and ``lost`` if it is marked as running and no process of this machine runs it."""
    if run.state == "running" and not is_locked(run.folder):
        return LOST
    return run.state


def print_states(runs: Sequence[Run], out: Console) -> None:
    """Print one row a run: state, step, best metric, time left; then their parents, and why some stopped.

    Args:
        runs: The runs, in the order of the rows.
        out: Where to print.
    """
    out.print(states_table(runs))
    for run in runs:
        lines = {"started from": parent_of(run), state_of(run): _reason(run)}
        for what, told in lines.items():
            if told:
                line = f"{what}: {run.folder}: {told}"
                out.print(line, highlight=False, markup=False, soft_wrap=True)


def states_table(runs: Sequence[Run]) -> Table:
    """The rows of :func:`print_states`."""
    states = [state_of(run) for run in runs]
    counts = ", ".join(f"{count} {state}" for state, count in Counter(states).most_common())
    table = Table(box=box.SIMPLE, title=counts, title_justify="left", pad_edge=False)
    table.add_column("run", overflow="fold")
    for name in ("state", "best"):
        table.add_column(name, no_wrap=True)
    for name in ("step", "time left"):
        table.add_column(name, no_wrap=True, justify="right")
    for run, state in zip(runs, states, strict=True):
        table.add_row(run.folder.name, state, _best(run), _step(run), _left(run, state))
    return table


def _step(run: Run) -> str:
    if "steps" not in run.status:
        return "-"
    return f"{run.status['step']}/{run.status['steps']}"


def _best(run: Run) -> str:
    best = run.status.get("best")
    return f"{best['metric']} {best['value']:.4f} at {best['step']}" if best else "-"


def _left(run: Run, state: str) -> str:
    if state != "running" or "seconds_per_step" not in run.status:
        return "-"
    steps = run.status["steps"] - run.status["step"]
    return str(timedelta(seconds=round(steps * run.status["seconds_per_step"])))


def _reason(run: Run) -> str:
    if state_of(run) == LOST:
        return "no process runs it here: it was killed, or runs on another machine"
    return run.damage or run.status.get("reason") or early_end(run.status)
