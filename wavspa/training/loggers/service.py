"""The base of loggers of a service: one run per job, which restarts continue and failures never stop."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from wavspa.errors import first_line
from wavspa.reporting import warn
from wavspa.run_folder import layout
from wavspa.run_folder.metrics import read_metrics


class Sent(NamedTuple):
    """What earlier starts of a run have sent: everything before ``step``, and at it the metrics ``names``."""

    step: int
    names: frozenset[str]

    @classmethod
    def of_run(cls, folder: Path) -> "Sent":
        """Read metrics.csv before the rows that the run is about to repeat are dropped."""
        path = folder / layout.METRICS
        rows = read_metrics(path) if path.exists() else []
        return cls(int(rows[-1]["step"]), frozenset(rows[-1])) if rows else cls(0, frozenset())

    def new(self, metrics: Mapping[str, Any], step: int | None) -> Mapping[str, Any]:
        """The ``metrics`` of a step, which Lightning counts from zero, that were not sent."""
        if step is None or step + 1 > self.step:
            return metrics
        if step + 1 < self.step:
            return {}
        return {name: value for name, value in metrics.items() if name not in self.names}


class ServiceLogger(Logger):
    """Sends metrics once, even those that a restart repeats, and stops sending when the service fails.

    Attributes:
        service: What messages call the service.
        sent: What earlier starts have sent.
        failed: Whether sending has stopped.
    """

    service: str
    sent: Sent
    failed: bool

    @abstractmethod
    def send(self, metrics: Mapping[str, Any], step: int | None) -> None:
        """Send metrics that are new."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Send ``metrics`` of a step, which Lightning counts from zero, unless they were sent before."""
        if self.failed or not (new := self.sent.new(metrics, step)):
            return
        # No failure of a service or its network is a reason to lose a run.
        try:
            self.send(new, step)
        except Exception as error:
            self.stop_sending(error)

    @rank_zero_only
    def log_hyperparams(self, params: Any) -> None:
        """Do nothing: the configuration was given at the start."""

    def warn(self, error: Exception, consequence: str) -> None:
        """Print that the service failed, and what that means for the run."""
        warn(f"{self.service}: {first_line(error)}; {consequence}")

    def stop_sending(self, error: Exception) -> None:
        """Send nothing more."""
        self.warn(error, "nothing more is logged to it")
        self.failed = True


def config_of(folder: Path) -> dict[str, Any]:
    """The configuration of the run in ``folder``."""
    path = folder / layout.CONFIG
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
