"""The validations of running trials, reported to the study, which may prune a trial."""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from optuna.trial import Trial

from wavspa import atomic
from wavspa.errors import UserError
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics
from wavspa.run_folder.status import read_status

_SECONDS_BETWEEN_LOOKS = 1.0


class Watch:
    """Watches the runs of a batch while they train, as a context manager.

    A pruned run, on any machine, finds the file ``prune`` in its folder, saves and ends by itself.

    Args:
        trials: The trials, each with its run's folder.
        monitor: The metric.
    """

    def __init__(self, trials: Sequence[tuple[Trial, Path]], monitor: str) -> None:
        self.trials = trials
        self.monitor = monitor
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        for trial, folder in self.trials:
            is_hopeless(trial, folder, self.monitor)  # its last validations count for the others

    def _watch(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            for trial, folder in self.trials:
                if is_hopeless(trial, folder, self.monitor) and _trains(folder):
                    text = f"given up by a search, trial {trial.number}\n"
                    atomic.write_text(folder / layout.PRUNE, text)


def is_hopeless(trial: Trial, folder: Path, monitor: str) -> bool:
    """Report the validations of a trial to its study; return whether the pruner would end it.

    Args:
        trial: The trial.
        folder: Its run's folder.
        monitor: The metric.
    """
    try:
        rows = read_metrics(folder / layout.METRICS)
    except (OSError, UserError):
        return False  # not started, or the file is being written
    known = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    for row in rows:
        if monitor in row and int(row["step"]) not in known:
            trial.report(row[monitor], int(row["step"]))
    return trial.should_prune()


def _trains(folder: Path) -> bool:
    """Whether a run is training, by its status, and has not been pruned yet."""
    try:
        return (
            read_status(folder).get("state") == "running" and not (folder / layout.PRUNE).exists()
        )
    except UserError:
        return False
