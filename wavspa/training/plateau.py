"""A schedule that lowers the rate when the monitored metric has stopped improving."""

import math
from typing import Any, Literal

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from typing_extensions import override

from wavspa.checks import OptionError, number, whole_number
from wavspa.reporting import warn
from wavspa.training.schedules import linear_warmup, warmup_steps


class Plateau:
    """Linear warm-up, then one, lowered by a factor whenever validations stop improving.

    It is called as every schedule is; :class:`LowerOnPlateau` shows it the metric.

    Args:
        warmup: Steps of the warm-up, or its share of all steps.
        factor: Factor by which the rate is multiplied.
        patience: Validations without improvement before the rate falls.
        threshold: Share of the best value by which the metric must improve.
        cooldown: Validations after a fall that are not counted.
        lowest: The lowest rate, as a share of the highest.

    Raises:
        ValueError: An option is out of range.
    """

    def __init__(
        self,
        warmup: float = 0,
        factor: float = 0.1,
        patience: int = 5,
        threshold: float = 1e-4,
        cooldown: int = 0,
        lowest: float = 0.0,
    ) -> None:
        warmup_steps(warmup, 1)
        for name, value in (("factor", factor), ("lowest", lowest)):
            if not 0 <= number(name, value) < 1:
                raise OptionError(name, f" must be at least 0 and below 1, got {value!r}")
        number("threshold", threshold, 0)
        self.warmup = warmup
        self._options: dict[str, Any] = {
            "factor": factor,
            "patience": whole_number("patience", patience, 0),
            "threshold": threshold,
            "cooldown": whole_number("cooldown", cooldown, 0),
            "min_lr": lowest,
            "eps": 0.0,
        }
        # torch's lowers the rate of an optimizer: that of this one is the factor of the run's.
        self._rate = torch.optim.SGD([torch.zeros(1, device="cpu")], lr=1.0)
        self._torchs = self._watch("min")

    def __call__(self, step: int, total: int) -> float:
        """The factor of the learning rate at a step, counted from 0, of a run of ``total``."""
        warm = linear_warmup(step, warmup_steps(self.warmup, total))
        return warm * float(self._rate.param_groups[0]["lr"])

    def check_patience(self, total: int, every: int) -> None:
        """Warn if a run ends before the rate can have fallen.

        Args:
            total: Steps of the run.
            every: Steps from one validation to the next.
        """
        patience = self._options["patience"]
        # The first validation has nothing to be better than, and one at the last step comes too late.
        needed, there = patience + 2, (total - 1) // every
        if there < needed:
            warn(
                f"schedule.patience={patience} lets the rate fall at validation {needed} at the "
                f"earliest, and this run has {there} before its last step: lower it, or trainer.val_every"
            )

    def begin(self, mode: Literal["min", "max"]) -> None:
        """Begin to watch a metric whose best value is the lowest or the highest."""
        self._rate.param_groups[0]["lr"] = 1.0
        self._torchs = self._watch(mode)

    def see(self, value: float) -> None:
        """Record the metric of a validation."""
        threshold = self._options["threshold"]
        # torch multiplies by it: below 0, what is a little worse would pass for better.
        below_0 = -math.inf < self._torchs.best < 0
        self._torchs.threshold = -threshold if below_0 else threshold
        self._torchs.step(value)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        watched = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")
        state = {name: getattr(self._torchs, name) for name in watched}
        return {**state, "factor": float(self._rate.param_groups[0]["lr"])}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        state = dict(state)
        self._rate.param_groups[0]["lr"] = state.pop("factor")
        vars(self._torchs).update(state)

    def _watch(self, mode: Literal["min", "max"]) -> ReduceLROnPlateau:
        return ReduceLROnPlateau(self._rate, mode, **self._options)


class LowerOnPlateau(Callback):
    """Shows a :class:`Plateau` the monitored metric of each validation, before checkpoints are written.

    Args:
        schedule: The schedule of the run.
        monitor: The metric's name.
        mode: Whether its best value is the highest or the lowest.
    """

    def __init__(self, schedule: Plateau, monitor: str, mode: Literal["min", "max"]) -> None:
        self.schedule, self.monitor = schedule, monitor
        schedule.begin(mode)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != "fit":
            return
        self.schedule.see(float(trainer.callback_metrics[self.monitor]))
        factor = self.schedule(trainer.global_step, trainer.max_steps)
        # The scheduler set the next step's rate before this validation.
        (config,) = trainer.lr_scheduler_configs
        groups = trainer.optimizers[0].param_groups
        for group, rate in zip(groups, config.scheduler.base_lrs, strict=True):
            group["lr"] = rate * factor

    @override
    def state_dict(self) -> dict[str, Any]:
        return self.schedule.state_dict()

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.schedule.load_state_dict(state_dict)
