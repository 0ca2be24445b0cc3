"""The result of a search: printed, and written to search.json next to its trials."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState
from rich import box
from rich.markup import escape
from rich.table import Table

from wavspa import atomic
from wavspa.launching.search.space import Space
from wavspa.reports.formats.terminal import console

FOLDER = "folder"
REASON = "reason"
RESULT = "search.json"

_NAMES = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "interrupted",
}


class Result(NamedTuple):
    """A study, its space, and the metric that it optimizes."""

    study: Study
    space: Space
    monitor: str

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials: the finished ones with the best first, then the others by number."""
        trials = self.study.get_trials(deepcopy=False)
        sign = -1.0 if self.study.direction == StudyDirection.MAXIMIZE else 1.0
        order = list(_NAMES)

        def place(trial: FrozenTrial) -> tuple[int, float, int]:
            value = trial.value if trial.state == TrialState.COMPLETE else None
            return order.index(trial.state), sign * (value or 0.0), trial.number

        return sorted(trials, key=place)

    @property
    def best(self) -> FrozenTrial | None:
        """The best of the finished trials."""
        return next((t for t in self.trials if t.state == TrialState.COMPLETE), None)

    def command(self, trial: FrozenTrial) -> str:
        """The command line that trains one trial."""
        words = self.space.words(trial.params)
        return shlex.join(
            ["wavspa-train", *(word for word in words if not word.startswith("jobs="))]
        )


def write_result(result: Result, folder: Path) -> None:
    """Write search.json.

    Args:
        result: The result so far.
        folder: The search's folder.
    """
    best = result.best
    content = {
        "metric": result.monitor,
        "direction": result.study.direction.name.lower(),
        "fixed": list(result.space.fixed),
        "best": best and {"number": best.number, "command": result.command(best)},
        "trials": [_plain(result, trial) for trial in result.study.get_trials(deepcopy=False)],
    }
    atomic.write_text(folder / RESULT, json.dumps(content, indent=2) + "\n")


def print_result(result: Result, folder: Path) -> None:
    """Print the trials, why some failed, and how to train the best one again.

    Args:
        result: The result.
        folder: The search's folder.
    """
    out = console()
    out.print(_table(result))
    lines = [
        f"failed: trial {trial.number}: {trial.user_attrs[REASON]}"
        for trial in result.trials
        if REASON in trial.user_attrs
    ]
    lines.append(f"search: {folder / RESULT}")
    if best := result.best:
        lines.append(f"best: trial {best.number}, {best.user_attrs[FOLDER]}")
        lines.append(result.command(best))
    for line in lines:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _table(result: Result) -> Table:
    trials = result.trials
    table = Table(box=box.SIMPLE, title=_title(trials), title_justify="left", pad_edge=False)
    table.add_column("trial", justify="right")
    table.add_column("state", no_wrap=True)
    for name in (result.monitor, *(key.rsplit(".", 1)[-1] for key in result.space.searched)):
        table.add_column(name, no_wrap=True, justify="right")
    for trial in trials:
        value = "-" if trial.value is None else f"{trial.value:.4f}"
        values = [word.partition("=")[2] for word in result.space.own_words(trial.params)]
        table.add_row(str(trial.number), _NAMES[trial.state], value, *map(escape, values))
    return table


def _title(trials: Sequence[FrozenTrial]) -> str:
    states = [_NAMES[trial.state] for trial in trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return f"{len(trials)} trials: {counts}"


def _plain(result: Result, trial: FrozenTrial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": _NAMES[trial.state],
        "value": trial.value,
        "overrides": result.space.own_words(trial.params),
        "folder": trial.user_attrs.get(FOLDER),
        "reason": trial.user_attrs.get(REASON),
    }
