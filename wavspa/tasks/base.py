"""The base of all tasks: the optimizer and its schedule, a finite loss, and what may be monitored."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.plugins.precision import Precision
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Optimizer
from typing_extensions import override

from wavspa.checks import one_of
from wavspa.data.targets.numbers import scale_of
from wavspa.errors import RunFailed
from wavspa.metric_facts import direction
from wavspa.models.stem import Stem
from wavspa.reporting import warn
from wavspa.tasks.step_sums import Mean, StepSums
from wavspa.training.callbacks.evaluated_weights import ScheduleFreeWeights
from wavspa.training.checkpoints.read import load_checkpoint_weights, read_checkpoint
from wavspa.training.finite import FiniteWatch, Noted, NotFinite
from wavspa.training.plateau import LowerOnPlateau, Plateau
from wavspa.training.schedules import Schedule, scheduler

# What an optimizer in float16 adds to a denominator if the given value is 0 in float16.
FLOAT16_EPS = 1e-4
# Rows of a batch that are named when its loss is not finite.
MOST_ROWS = 64

GRADIENT_NORM = "train/gradient_norm"
_LOSS, _GRADIENT = "loss", "gradient"


class Task(LightningModule):
    """Trains a model. A task is a subclass with ``training_step`` and :meth:`evaluation_step`.

    Args:
        model: The model.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        metrics: Names of the metrics that the task logs as ``val/…``.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest (``max``) or the lowest (``min``); None: the metric's own.

    Raises:
        ValueError: ``monitor`` or ``mode`` is unknown.
    """

    exact_buffers: tuple[str, ...] = ()
    """the buffers that precision does not round"""

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
        self.monitor, self.mode = monitor, mode
        self.model = model
        self.make_optimizer = optimizer
        self.schedule = schedule
        self._step = StepSums()
        self._watch = FiniteWatch()

    @override
    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        exact = {name: getattr(self, name) for name in self.exact_buffers}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        # A trainer with low precision casts all buffers.
        for name, buffer in exact.items():
            setattr(self, name, buffer.to(getattr(self, name).device))
        return self

    def check_dataset(self, data: Any) -> None:
        """Check the options against the data set, prepared or not.

        Args:
            data: The DataModule.

        Raises:
            UserError: An option does not fit it.
        """

    def take_state(self, state: Mapping[str, Any]) -> None:
        """Take what a checkpoint holds in addition to the weights of the model.

        Args:
            state: The checkpoint's ``state_dict``.
        """

    def load_trained(self, checkpoint: Path) -> dict[str, Any]:
        """Take the weights of a checkpoint and everything else it holds; return its content.

        Args:
            checkpoint: The file.

        Raises:
            UserError: It cannot be read, or does not fit.
        """
        content = read_checkpoint(checkpoint)
        load_checkpoint_weights(self.model, content, checkpoint)
        self.take_state(content["state_dict"])
        return content

    def use_vocabulary(self, vocabulary: Any) -> None:
        """Make texts from tokens with a data set, in tasks that write texts."""

    def check_data(self, card: Mapping[str, Any]) -> None:
        """Check the options against the data.

        Args:
            card: The card of the prepared data.

        Raises:
            UserError: An option does not fit them.
        """

    @override
    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self.model)
        if self.trainer.precision == "16-true":
            _raise_eps(optimizer)
        schedule = scheduler(optimizer, self.schedule, self.trainer.max_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    @override
    def configure_callbacks(self) -> list[Callback]:
        callbacks: list[Callback] = [ScheduleFreeWeights()]
        if isinstance(self.schedule, Plateau):
            mode = self.mode or direction(self.monitor) or "min"
            callbacks.append(LowerOnPlateau(self.schedule, self.monitor, mode))
        return callbacks

    def evaluation_step(self, split: str, batch: Any) -> None:
        """Update the metrics of the split ``val`` or ``test`` by a batch, and log them."""
        raise NotImplementedError

    @override
    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.evaluation_step("val", batch)

    @override
    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.evaluation_step("test", batch)

    def log_split(self, split: str) -> None:
        """Log the scores that only all batches together of the split ``val`` or ``test`` make."""

    @override
    def on_validation_epoch_end(self) -> None:
        self.log_split("val")

    @override
    def on_test_epoch_end(self) -> None:
        self.log_split("test")

    @override
    def on_fit_start(self) -> None:
        """Give a model of series the scale of its channels, which its checkpoints keep."""
        stem, data = (
            getattr(self.model, "embedding", None),
            getattr(self.trainer, "datamodule", None),
        )
        if isinstance(stem, Stem) and data is not None:
            scale = scale_of(data.card, "channels")
            stem.set_scale(torch.from_numpy(scale.mean), torch.from_numpy(scale.deviation))

    @override
    def on_train_start(self) -> None:
        self._step.reset()
        self._watch = FiniteWatch()

    @override
    def on_after_backward(self) -> None:
        self._step.scale_gradients(self.trainer, self.parameters())

    @override
    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradients, refuse those that would ruin the weights, and log the step.

        The norm is computed once for all three. The host waits for the device here, where a step is logged,
        and not in the forward pass as well.

        Raises:
            RunFailed: A gradient is not finite, of this step or, on a device that the host does not wait for,
                of an earlier one.
        """
        norm = self._clip(optimizer, gradient_clip_val, gradient_clip_algorithm)
        # Lightning sets it from outside the class, where its types do not show it.
        every = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if (self.global_step + 1) % every == 0:
            self._log_step(norm)

    def _clip(
        self, optimizer: Optimizer, clip_val: float | None, algorithm: str | None
    ) -> Tensor | None:
        """Clip the gradients; return the norm of all of them before, if this device knows it."""
        precision: Any = self.trainer.precision_plugin
        if (
            getattr(precision, "scaler", None) is not None
        ):  # it leaves such steps out and scales less
            self.clip_gradients(optimizer, clip_val, algorithm)
            return None
        parameters = [p for p in precision.main_params(optimizer) if p.grad is not None]
        norm = get_total_norm([p.grad for p in parameters])
        self._note(_GRADIENT, norm)
        # What refuses to clip by a norm has a share of each gradient.
        whole = type(precision).clip_grad_by_norm is Precision.clip_grad_by_norm
        # Clipping in other ways (by value), and refusing to, is left to Lightning.
        if not (whole and algorithm in (None, "norm")):
            self.clip_gradients(optimizer, clip_val, algorithm)
        elif clip_val:
            clip_grads_with_norm_(parameters, clip_val, norm)
        # Last: clipping by a norm that is not finite spoils the finite gradients.
        self._watch.leave_out_step(optimizer)
        return norm if whole and parameters else None

    @override
    def on_validation_start(self) -> None:
        self._read_watch()

    @override
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._read_watch()

    @override
    def on_train_end(self) -> None:
        self._read_watch()

    def count_batch(self, batch_idx: int, examples: int, loss: Mean, **more: Mean) -> Tensor:
        """Count a batch of a training step.

        A step that is complete logs ``lr`` and, over all its batches and ranks, ``loss`` and ``more`` as
        ``train/…``, with the norm of its gradient.

        Args:
            batch_idx: The batch's number.
            examples: The number of its examples.
            loss: Its loss.
            **more: Further values to log.

        Returns:
            What ``training_step`` returns, to be differentiated.

        Raises:
            RunFailed: The loss is not finite, of this batch or, on a device that is not waited for, of one
                before.
        """
        self._note(_LOSS, loss.value)
        means = {"loss": loss, **more}
        return self._step.add(self.trainer, batch_idx, examples, means)

    def _log_step(self, norm: Tensor | None) -> None:
        """Log the step that is about to be taken.

        Directly to the loggers: Lightning would log after the checkpoint of the step is written, and a run
        that dies in between would resume without the row.
        """
        self._read_watch()
        row = {"lr": self.trainer.optimizers[0].param_groups[0]["lr"]}
        means = self._step.means(self.trainer)
        row |= {f"train/{name}": value for name, value in means.items()}
        if norm is not None:
            row[GRADIENT_NORM] = float(norm)
        for logger in self.trainer.loggers:
            logger.log_metrics(row, step=self.global_step)

    def _note(self, kind: str, value: Tensor) -> None:
        batch = self.trainer.fit_loop.batch_idx
        if found := self._watch.note(Noted(kind, self.global_step, batch), value):
            raise self._diverged(found)

    def _read_watch(self) -> None:
        if found := self._watch.read():
            raise self._diverged(found)

    def _diverged(self, found: NotFinite) -> RunFailed:
        kind, step, batch = found.noted
        what = f"the loss is {found.value}" if kind == _LOSS else "the gradient is not finite"
        where = f"at step {step}"
        data = getattr(self.trainer, "datamodule", None)
        if data is not None:
            rows = data.training_rows(batch)
            more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
            where += f" (rows {', '.join(map(str, rows[:MOST_ROWS]))}{more} of train)"
        return RunFailed(
            f"{what} {where}: lower optimizer.lr, lengthen schedule.warmup or set "
            "trainer.gradient_clip_val"
        )


def full_precision(x: Tensor) -> Tensor:
    """``x`` in the dtype of losses: float32, or float64 if it is that."""
    return x if x.dtype == torch.float64 else x.float()


def _raise_eps(optimizer: Optimizer) -> None:
    """Keep an optimizer in float16 from dividing by zero."""
    for group in optimizer.param_groups:
        given = group.get("eps")
        if isinstance(given, float) and torch.tensor(given, dtype=torch.float16) == 0:
            group["eps"] = FLOAT16_EPS
            warn(f"optimizer.eps={given} is 0 in float16; {FLOAT16_EPS} is used")
