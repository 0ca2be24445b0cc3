"""The progress of a sweep's runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wavspa.reports.number_format import ABSENT, milliseconds
from wavspa.reports.runs.collect import Run
from wavspa.reports.runs.labels import parent_of
from wavspa.run_folder.lock import is_locked
from wavspa.run_folder.status import early_end

LOST = "lost"
# A first step is shown if it took this many times as long as the others, and at least this many seconds.
NOTABLE_TIMES, NOTABLE_SECONDS = 10, 5
# Width of a terminal that has room for the columns on speed as well.
WIDE = 110
_NO_QUEUE: Mapping[Path, str] = MappingProxyType({})


def state_of(run: Run) -> str:
    """A run's state; ``lost`` if it is marked as running but no process on this machine runs it."""
    if run.state == "running" and not is_locked(run.folder):
        return LOST
    return run.state


def print_states(runs: Sequence[Run], out: Console, queue: Mapping[Path, str] = _NO_QUEUE) -> None:
    """Print one row per run (state, step, best metric, speed, time left), then parents and reasons for stops.

    Args:
        runs: The runs, in the order of the rows.
        out: Where to print.
        queue: Runs that wait in a cluster's queue, with their jobs and the reason for waiting.
    """
    out.print(states_table(runs, queue, width=out.width))
    for run in runs:
        lines = {
            "started from": parent_of(run),
            "first step": _first_step(run),
            state_of(run): _reason(run),
        }
        for what, told in lines.items():
            if told:
                line = f"{what}: {run.folder}: {told}"
                out.print(line, highlight=False, markup=False, soft_wrap=True)


def states_table(
    runs: Sequence[Run], queue: Mapping[Path, str] = _NO_QUEUE, *, width: int
) -> Table:
    """The rows of :func:`print_states`.

    Args:
        runs: The runs.
        queue: Runs that wait in a cluster's queue, with their jobs and the reason for waiting.
        width: Width of the terminal; the speed is left out if it is narrow, or if no run has recorded it.
    """
    states = [state_of(run) for run in runs]
    counts = ", ".join(f"{count} {state}" for state, count in Counter(states).most_common())
    table = Table(box=box.SIMPLE, title=counts, title_justify="left", pad_edge=False)
    table.add_column("run", overflow="fold")
    for name in ("state", "best"):
        table.add_column(name, no_wrap=True)
    known = any(run.status.get("mfu") is not None for run in runs)
    told = width >= WIDE and any("tokens_per_second" in run.status for run in runs)
    speed = ["ms/step", "tokens/s", *(["MFU"] if known else [])] if told else []
    for name in ("step", *speed, "time left"):
        table.add_column(name, no_wrap=True, justify="right")
    if queue:
        table.add_column("queue", overflow="fold")
    for run, state in zip(runs, states, strict=True):
        cells = [run.folder.name, state, _best(run), _step(run), *_speed(run)[: len(speed)]]
        cells.append(_left(run, state))
        cells += [queue.get(run.folder, ABSENT)] if queue else []
        table.add_row(*map(escape, cells))
    return table


def _step(run: Run) -> str:
    if "steps" not in run.status:
        return ABSENT
    return f"{run.status['step']}/{run.status['steps']}"


def _speed(run: Run) -> list[str]:
    """Milliseconds per step, tokens per second, and the share of the device's peak."""
    status = run.status
    tokens, mfu = status.get("tokens_per_second"), status.get("mfu")
    return [
        milliseconds(status.get("seconds_per_step")),
        ABSENT if tokens is None else f"{tokens:,.0f}",
        ABSENT if mfu is None else f"{100 * mfu:.1f} %",
    ]


def _first_step(run: Run) -> str:
    """The time of the first step, if it is many times that of the others."""
    first = run.status.get("first_step_seconds", 0.0)
    others = run.status.get("seconds_per_step", 0.0)
    if first < max(NOTABLE_SECONDS, NOTABLE_TIMES * others):
        return ""
    return f"{first:.1f} s (compiling, or filling caches), then {others:.3g} s each"


def _best(run: Run) -> str:
    best = run.status.get("best")
    return f"{best['metric']} {best['value']:.4f} at {best['step']}" if best else ABSENT


def _left(run: Run, state: str) -> str:
    if state != "running" or "seconds_per_step" not in run.status:
        return ABSENT
    steps = run.status["steps"] - run.status["step"]
    return str(timedelta(seconds=round(steps * run.status["seconds_per_step"])))


def _reason(run: Run) -> str:
    if state_of(run) == LOST:
        return "no process runs it here: it was killed, or runs on another machine"
    return run.damage or run.status.get("reason") or early_end(run.status)
