"""What all tasks share: the optimizer and its schedule, a finite loss, and what may be monitored."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import override

from wavspa.checks import one_of
from wavspa.errors import RunFailed
from wavspa.training.schedules import Schedule, scheduler

# Of a batch that are named when its loss is not finite.
MOST_ROWS = 64


class Task(LightningModule):
    """Trains a model. A task is a subclass with ``training_step`` and :meth:`evaluation_step`.

    Args:
        model: The model.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        metrics: Names of the metrics that the task logs as ``val/…``.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest (``max``) or the lowest (``min``); None: as it is known.

    Raises:
        ValueError: ``monitor`` or ``mode`` is unknown.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        metrics: Collection[str],
        monitor: str,
        mode: Literal["min", "max"] | None,
    ) -> None:
        super().__init__()
        one_of("mode", mode, ("min", "max", None))
        self.logged = [f"val/{name}" for name in metrics]
        one_of("monitor", monitor, self.logged)
        self.model = model
        self.make_optimizer = optimizer
        self.schedule = schedule

    def check_data(self, card: Mapping[str, Any]) -> None:
        """Hold the options against the data.

        Args:
            card: The card of the prepared data.

        Raises:
            UserError: An option does not fit them.
        """

    @override
    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self.model)
        schedule = scheduler(optimizer, self.schedule, self.trainer.max_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def evaluation_step(self, split: str, batch: Any) -> None:
        """Take a batch of the split ``val`` or ``test`` into its metrics, and log those."""
        raise NotImplementedError

    @override
    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.evaluation_step("val", batch)

    @override
    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.evaluation_step("test", batch)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Stop before weights become useless, and with them the next checkpoint.

        Raises:
            RunFailed: A gradient is not finite.
        """
        if getattr(self.trainer.precision_plugin, "scaler", None) is not None:
            return  # it leaves such steps out and scales less
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        if not torch.isfinite(torch.nn.utils.get_total_norm(gradients)):
            raise self._diverged("the gradient is not finite")

    def log_step(self, loss: Tensor, **more: Tensor) -> None:
        """Log a training step: ``lr``, and ``loss`` and whatever else as ``train/…``.

        Straight to the loggers: Lightning would log after the checkpoint of the step is written, and
        a run that dies in between would go on without the row.

        Raises:
            RunFailed: The loss is not finite.
        """
        if not torch.isfinite(loss):
            raise self._diverged(f"the loss is {loss.item()}")
        # Lightning sets it from outside the class, where its types do not show it.
        if (self.global_step + 1) % self.trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        means = {
            f"train/{name}": float(self.trainer.strategy.reduce(value.detach(), reduce_op="mean"))
            for name, value in {"loss": loss, **more}.items()
        }
        rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        for logger in self.trainer.loggers:
            logger.log_metrics({"lr": rate, **means}, step=self.global_step)

    def _diverged(self, what: str) -> RunFailed:
        where = f"at step {self.global_step}"
        data = getattr(self.trainer, "datamodule", None)
        if data is not None:
            rows = data.training_rows(self.trainer.fit_loop.batch_idx)
            more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
            where += f" (rows {', '.join(map(str, rows[:MOST_ROWS]))}{more} of train)"
        return RunFailed(
            f"{what} {where}: lower optimizer.lr, lengthen schedule.warmup or set "
            "trainer.gradient_clip_val"
        )
