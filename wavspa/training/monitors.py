"""Checks of a monitored metric: it is logged, has the direction named, and is defined."""

import math
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer
from typing_extensions import override

from wavspa.errors import RunFailed, UserError
from wavspa.metric_facts import direction, fact
from wavspa.training.instantiate import parameters_of
from wavspa.training.wavelet_metrics import WaveletMetrics, logged_names

_DIRECTIONS = ("min", "max")
_WORDS = {"min": "lowest", "max": "highest"}


class Monitor(NamedTuple):
    """A monitored metric: the option that names it (without ``.monitor``), its name and its mode."""

    option: str
    metric: str
    mode: Any


@runtime_checkable
class Counted(Protocol):
    """Data that count the labels of a split, of those rows that a limit leaves."""

    def labels_of(self, split: str) -> dict[str, int]:
        """The examples of each label."""

    def limit_of(self, split: str) -> int | None:
        """The largest number of examples that are used; None: all."""


def monitors(config: DictConfig) -> list[Monitor]:
    """What the task and the callbacks of a configuration monitor; the task comes first."""
    return [Monitor("task", config.task.monitor, config.task.get("mode")), *_of_callbacks(config)]


def check_monitors(config: DictConfig, task: Any) -> None:
    """Refuse metrics that nothing logs and modes that contradict their metric.

    Args:
        config: A run's configuration.
        task: What it trains; its ``logged`` are the metrics that it logs at each validation.

    Raises:
        UserError: There is one; the message names its option.
    """
    logged = list(task.logged)
    targets = [options.get("_target_") for options in config.callbacks.values()]
    if f"{WaveletMetrics.__module__}.{WaveletMetrics.__qualname__}" in targets:
        logged += logged_names(task)
    for monitor in monitors(config):
        _check(monitor, logged)


def check_defined(monitor: Monitor, data: Counted) -> None:
    """Refuse a metric that the validation split leaves undefined.

    Args:
        monitor: What is monitored.
        data: The prepared data.

    Raises:
        UserError: It needs two classes, but the split has one.
    """
    known = fact(monitor.metric)
    if not (known and known.of_two):
        return
    labels, limit = data.labels_of("val"), data.limit_of("val")
    if len(labels) < 2:
        limited = "" if limit is None else f"raise the limit of {limit:,} of them, or "
        raise UserError(
            f"{monitor.option}.monitor={monitor.metric} is undefined: all examples of val have the label "
            f"{next(iter(labels))}; {limited}monitor another metric, such as val/loss"
        )


class DefinedMonitors(Callback):
    """Ends a run whose monitored metrics are undefined, before a checkpoint is chosen by one.

    Args:
        monitored: What the run monitors.
    """

    def __init__(self, monitored: Collection[Monitor]) -> None:
        self.monitored = monitored

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        data = trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, Counted):
            for monitor in self.monitored:
                check_defined(monitor, data)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for option, metric, _ in self.monitored:
            if math.isnan(trainer.callback_metrics.get(metric, 0.0)):
                raise RunFailed(
                    f"{option}.monitor={metric} is undefined at step {trainer.global_step} (NaN): monitor "
                    "another metric, or lower optimizer.lr if training diverged"
                )


def _of_callbacks(config: DictConfig) -> Iterator[Monitor]:
    for name, options in config.callbacks.items():
        if options.get("monitor") is not None:
            parameter = parameters_of(options["_target_"]).get("mode")
            mode = options.get("mode", parameter and parameter.default)
            yield Monitor(f"callbacks.{name}", options["monitor"], mode)


def _check(monitor: Monitor, logged: Collection[str]) -> None:
    option, metric, mode = monitor
    if metric not in logged:
        raise UserError(
            f"{option}.monitor={metric!r} is unknown; choose one of {', '.join(logged)}"
        )
    best = direction(metric)
    if mode is None and best is None:
        raise UserError(
            f"{option}.mode must be min or max: wavspa does not know whether the lowest or the highest "
            f"{metric} is the best"
        )
    if mode not in _DIRECTIONS:
        raise UserError(f"{option}.mode must be min or max, got {mode!r}")
    if best not in (None, mode):
        raise UserError(
            f"{option}.mode={mode} contradicts {option}.monitor={metric}, whose {_WORDS[str(best)]} value "
            f"is the best: leave {option}.mode out"
        )
